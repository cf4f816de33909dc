"""Training data: pictures decoded once into memory, crops gathered from there by index arithmetic.

Which crops a step sees follows from the seed and the step alone, so a resumed run continues exactly. They are drawn and
gathered on the device that trains, which therefore never waits for the processor.
"""

import functools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from twinscale.errors import DatasetError, UsageError
from twinscale.images.colour import LUMA, luminance
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.nets.base import Pair, Upscaler
from twinscale.training.compression import GRID, Compression
from twinscale.training.degradation import Degradation
from twinscale.training.recipe import DataSpec, Recipe
from twinscale.training.synthetic import SIDE, draw

_CANDIDATES = 4  # crops considered for each one that is chosen by its detail
_EVEN_FLAT = 1 / 255  # added to the detail of every crop, so that flat ones are seen as well
_VALIDATION_SIDE = 480  # validation sees the centre of large pictures, to stay a small part of the time


@dataclass(frozen=True, slots=True)
class Example:
    """One picture as the network trains on it; uint8 levels or float32 in [0, 1], ``(H, W, C)``."""

    truth: NDArray
    low: NDArray | None
    """The input of a super-resolution network; None for a pair, which makes its own."""


def load_examples(paths: list[Path], recipe: Recipe, network: Upscaler | Pair) -> list[Example]:
    """Decode pictures and make the network's inputs.

    Raises:
        PictureError: a file cannot be read as a picture.
        DatasetError: no picture is as large as the recipe's crop.
        UsageError: the crop is not a multiple of what the network works in, or several scales do not fit the network.
        ModelError: the pair that makes the small pictures is missing or damaged.
    """
    crop, scale = recipe.data.crop, network.scale
    if recipe.data.scales and (isinstance(network, Pair) or not network.interpolated_input):
        raise UsageError(
            f"scales = {recipe.data.scales} needs a network whose input is enlarged already, such as vdsr: "
            f"{recipe.network.architecture} has one scale"
        )
    own = 1 if not isinstance(network, Pair) and network.interpolated_input else scale
    multiple = network.down.multiple_of if isinstance(network, Pair) else own * network.multiple_of
    if crop % multiple:
        raise UsageError(f"crop = {crop} must be a multiple of {multiple} for {recipe.network.architecture} x{scale}")
    if recipe.data.qualities and (isinstance(network, Pair) or network.interpolated_input):
        raise UsageError(
            f"qualities = {recipe.data.qualities} needs a network that enlarges or repairs the small picture itself: "
            f"{recipe.network.architecture} does not"
        )
    window = _window(recipe.data, own)
    make = _maker(recipe, network)
    with ThreadPoolExecutor() as pool:
        examples = [
            example for several in pool.map(lambda path: make(Picture.read(path)), paths) for example in several
        ]
    large = [example for example in examples if min(example.truth.shape[:2]) >= window]
    if not large:
        raise DatasetError(
            f"no picture has sides of at least {window} pixels, as a crop needs: use larger pictures or a smaller crop"
        )
    return large


def draw_examples(beside: list[Example], recipe: Recipe, network: Upscaler | Pair) -> list[Example]:
    """Draw as many pictures as the recipe wants beside those that were loaded, and make the network's inputs.

    Raises:
        UsageError: a crop is larger than a drawing.
    """
    if not recipe.data.synthetic:
        return []
    if _window(recipe.data, network.scale) * recipe.data.reduced_first > SIDE:
        raise UsageError(f"crop = {recipe.data.crop} is too large for drawings of {SIDE} pixels: leave out synthetic")
    pixels = sum(math.prod(example.truth.shape[:2]) for example in beside) / max(1, len(recipe.data.scales))
    share = recipe.data.synthetic
    make = _maker(recipe, network)
    drawings = draw(round(pixels * share / (1 - share) / SIDE**2), recipe.seed)
    return [example for drawing in drawings for example in make(Picture(drawing))]


def _maker(recipe: Recipe, network: Upscaler | Pair) -> Callable[[Picture], list[Example]]:
    """Return what makes examples of a picture, one for each scale."""
    scales = recipe.data.scales or [network.scale]
    degradations = [Degradation(scale, recipe.network.colour, recipe.data) for scale in scales]
    return partial(_examples, data=recipe.data, network=network, degradations=degradations)


def _window(data: DataSpec, factor: int) -> int:
    """Return the side of what is gathered for a crop, in full-size pixels; ``factor`` is that of truth and input."""
    return data.crop + (GRID * factor if data.qualities else 0)


def _examples(
    picture: Picture, data: DataSpec, network: Upscaler | Pair, degradations: list[Degradation]
) -> list[Example]:
    planes = _reduced(picture.planes(), data.reduced_first)
    stored: DTypeLike = np.float32 if network.channels == 1 else np.uint8
    if network.channels == 1:
        truth = luminance(planes) if picture.channels == 3 else planes
    else:
        truth = np.repeat(planes, 3, axis=2) if picture.is_grey else planes
    if isinstance(network, Pair):
        return [Example(to_pixels(truth, stored), None)]
    examples = []
    for degradation in degradations:
        height, width = (side // degradation.scale * degradation.scale for side in truth.shape[:2])
        if not (height and width):
            continue
        cropped = truth[:height, :width]
        low = degradation.reduce(cropped)
        if network.interpolated_input:
            low = degradation.enlarge(low)
        examples.append(Example(to_pixels(cropped, stored), _stored(low, stored)))
    return examples


def _stored(low: NDArray, dtype: DTypeLike) -> NDArray:
    """Store as 8 bits or as float32; floats keep bicubic overshoot, which the network will meet in use as well."""
    return low.astype(np.float32) if dtype == np.float32 else to_pixels(low, dtype)


def _reduced(planes: NDArray, by: int) -> NDArray:
    """Reduce a picture bicubically, in 8 bits, before anything else is made of it."""
    if by == 1:
        return planes
    height, width = (side // by * by for side in planes.shape[:2])
    return to_planes(imresize(to_pixels(planes[:height, :width], np.uint8), 1 / by))


def validation_examples(paths: list[Path], reduced_first: int = 1) -> list[NDArray]:
    """Load planes of the validation pictures, ``(H, W, C)`` in [0, 1], large ones cut to their centre.

    Args:
        paths: the pictures.
        reduced_first: as in a recipe's data.
    """
    cut = []
    for path in paths:
        planes = _reduced(Picture.read(path).planes(), reduced_first)
        top, left = (max(0, side - _VALIDATION_SIDE) // 2 for side in planes.shape[:2])
        cut.append(planes[top : top + _VALIDATION_SIDE, left : left + _VALIDATION_SIDE])
    return cut


class Crops:
    """Batches of crops from pictures in memory, on the device that trains.

    Args:
        examples: the pictures; every one at least as large as a crop.
        data: crop, batch, stride, augmentation and compression; the crop is a multiple of truth / low.
        seed: with the step, decides what is drawn; on another kind of device, something else is.
        device: where pictures and batches are.
        rank: number of this process among several; each draws its own crops.
        ranks: how many processes there are.
        is_told: whether the network is told how its crop was compressed.
    """

    def __init__(
        self,
        examples: list[Example],
        data: DataSpec,
        seed: int,
        device: torch.device,
        rank: int = 0,
        ranks: int = 1,
        *,
        is_told: bool = False,
    ) -> None:
        first = examples[0]
        self._factor = 1 if first.low is None else first.truth.shape[0] // first.low.shape[0]
        self._data, self._seed, self._rank, self._ranks = data, seed, rank, ranks
        self._device, self._generator = device, torch.Generator(device)
        self._compression = Compression(data, is_told=is_told) if data.qualities else None
        window = _window(data, self._factor)
        self._truth = _Store([example.truth for example in examples], window, device)
        lows = [example.low for example in examples if example.low is not None]
        self._low = _Store(lows, window // self._factor, device) if lows else None
        # Positions are counted on the small picture's grid, so that both crops stay aligned.
        grid = self._low or self._truth
        self._stride = max(1, data.stride // self._factor)
        rounding = self._stride - 1 if data.to_border else 0  # up: one more crop where the stride leaves a rest
        self._last_column, self._last_row = grid.widths - grid.crop, grid.heights - grid.crop
        self._across = (self._last_column + rounding) // self._stride + 1
        counts = self._across * ((self._last_row + rounding) // self._stride + 1)
        self._ends = counts.cumsum(0)
        self._begins = self._ends - counts
        self._count = int(self._ends[-1])

    def __len__(self) -> int:
        """Count the different crop positions."""
        return self._count

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return input and truth of one step, ``(N, C, H, W)`` float32 in [0, 1]; for a pair, both are the same.

        The input has the conditions after its channels if the network is told.
        """
        rng = np.random.default_rng((self._seed, step, self._rank))
        self._generator.manual_seed(int(rng.integers(2**63)))
        count = self._data.batch
        turns = {"none": 1, "rotations": 4, "all": 8}[self._data.augment]
        if self._data.stride:
            drawn = self._next_of_epoch(step, len(self) * turns)
            chosen, turn = drawn // turns, drawn % turns
        else:
            turn = self._drawn(turns, count)
            chosen = self._by_detail(count) if self._data.by_detail else self._drawn(len(self), count)
        picture, y, x = self._locate(chosen)
        truth = self._truth.gather(picture, y * self._factor, x * self._factor, turn)
        low = None if self._low is None else self._low.gather(picture, y, x, turn)
        if self._data.grey:
            is_grey = torch.rand(count, generator=self._generator, device=self._device) < self._data.grey
            truth, low = _grey(truth, is_grey), None if low is None else _grey(low, is_grey)
        if low is None:
            return truth, truth
        return self._compression(low, truth, rng) if self._compression else (low, truth)

    def _drawn(self, below: int, count: int) -> Tensor:
        return torch.randint(below, (count,), generator=self._generator, device=self._device)

    def _by_detail(self, count: int) -> Tensor:
        """Draw positions in proportion to their detail, from some candidates and without repetition."""
        candidates = self._drawn(len(self), _CANDIDATES * count)
        detail = (self._low or self._truth).detail(*self._locate(candidates))
        # The smallest of exponential variables with these rates (Efraimidis and Spirakis 2006).
        waiting = torch.empty_like(detail).exponential_(generator=self._generator) / detail
        return candidates[waiting.topk(count, largest=False).indices]

    def _locate(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Convert positions that are counted through all pictures to picture, row and column."""
        picture = torch.searchsorted(self._ends, chosen, right=True)
        offset, across = chosen - self._begins[picture], self._across[picture]
        row, column = offset // across * self._stride, offset % across * self._stride
        return picture, row.minimum(self._last_row[picture]), column.minimum(self._last_column[picture])

    def _next_of_epoch(self, step: int, count: int) -> Tensor:
        """Return which of ``count`` things a step sees, if every epoch sees each once, in an order of its own."""
        first, left = (step * self._ranks + self._rank) * self._data.batch, self._data.batch
        parts = []
        while left:
            epoch, place = divmod(first, count)
            parts.append(_order(count, self._seed, epoch, self._device)[place : place + left])
            first, left = first + len(parts[-1]), left - len(parts[-1])
        return torch.cat(parts)


def _grey(crops: Tensor, chosen: Tensor) -> Tensor:
    """Make some crops grey, in 8 bits: three planes that are the same to the last bit."""
    luma = torch.einsum("nchw,c->nhw", crops, crops.new_tensor(LUMA))[:, None].expand_as(crops)
    return torch.where(chosen[:, None, None, None], torch.round(luma * 255) / 255, crops)


@functools.lru_cache(maxsize=2)  # a batch may end one epoch and begin the next
def _order(count: int, seed: int, epoch: int, device: torch.device) -> Tensor:
    return torch.from_numpy(np.random.default_rng((seed, epoch)).permutation(count)).to(device)


class _Store:
    """Pictures of any size in one flat tensor, and crops out of it by index."""

    def __init__(self, pictures: list[NDArray], crop: int, device: torch.device) -> None:
        self.crop = crop
        sides = torch.tensor([picture.shape[:2] for picture in pictures], device=device)
        self.heights, self.widths = sides[:, 0].contiguous(), sides[:, 1].contiguous()
        areas = self.heights * self.widths
        self._offsets = areas.cumsum(0) - areas
        channels = pictures[0].shape[2]
        flat = np.concatenate([picture.reshape(-1, channels) for picture in pictures])
        self._flat = torch.from_numpy(flat).to(device)
        # Row and column of every crop pixel under the eight rotations and reflections.
        square = np.arange(crop * crop).reshape(crop, crop)
        turned = np.stack([np.rot90(square[:, ::-1] if turn >= 4 else square, turn % 4).ravel() for turn in range(8)])
        self._rows, self._columns = (torch.from_numpy(each).to(device) for each in (turned // crop, turned % crop))

    def gather(self, picture: Tensor, y: Tensor, x: Tensor, turn: Tensor) -> Tensor:
        """Return crops at rows ``y`` and columns ``x``, ``(N, C, crop, crop)`` in channels-last memory."""
        width = self.widths[picture]
        corner = self._offsets[picture] + y * width + x
        index = corner[:, None] + self._rows[turn] * width[:, None] + self._columns[turn]
        crops: Tensor = self._flat[index].reshape(len(turn), self.crop, self.crop, -1).permute(0, 3, 1, 2)
        return crops.float() / 255 if crops.dtype == torch.uint8 else crops

    def detail(self, picture: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """Return the mean difference between neighbouring pixels of each crop, in [0, 1] and never quite zero."""
        crops = self.gather(picture, y, x, torch.zeros_like(picture))
        across, down = (crops.diff(dim=dim).abs().mean(dim=(1, 2, 3)) for dim in (2, 3))
        return (across + down) / 2 + _EVEN_FLAT
