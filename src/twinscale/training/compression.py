"""JPEGs as people have them, made of crops while a network trains: every crop at a quality of its own."""

import functools

import imagecodecs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from twinscale.codecs.codec import Subsampling
from twinscale.codecs.quantisation import Quantisation
from twinscale.images.colour import LUMA
from twinscale.images.levels import to_pixels
from twinscale.rescale.channel import SAMPLINGS
from twinscale.training.recipe import DataSpec

GRID = 8
"""By how many rows and columns a crop is larger when it is compressed than when the network sees it."""

_SHARES: dict[Subsampling | None, float] = {"4:2:0": 0.6, "4:4:4": 0.25, "4:2:2": 0.1, None: 0.05}
"""How often each is drawn where any may come; None is a grey picture."""


class Compression:
    """Real JPEGs of small crops, at qualities and with subsampling as a recipe's data says.

    Qualities are drawn so that the logarithm of their quantisation steps is even: it changes from 90 to 100 as much as
    from 10 to 75, and the files that people have are mostly among the better ones.

    A crop is compressed with ``GRID`` more rows and columns and then cut out at random, because what people crop begins
    anywhere between the borders of JPEG's blocks.

    Args:
        data: qualities and subsampling.
        is_told: whether the network is told of them.
    """

    def __init__(self, data: DataSpec, *, is_told: bool) -> None:
        lowest, highest = data.qualities
        self._qualities = np.arange(lowest, highest + 1)
        spans = np.array([_span(quality) for quality in self._qualities.tolist()])
        self._odds = spans / spans.sum()
        self._shares = _SHARES if data.subsampling == "any" else {data.subsampling: 1.0}
        self._is_told = is_told

    def __call__(self, low: Tensor, truth: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Compress the small crops of a batch.

        Args:
            low: ``(N, C, h + GRID, w + GRID)`` in [0, 1].
            truth: the same, full-size, ``(N, C, (h + GRID) * scale, (w + GRID) * scale)``; it is only cut, and made
                grey where the JPEG is.
            rng: decides qualities, subsampling and cuts.

        Returns:
            What the network sees, ``(N, C + conditions, h, w)``, and what it should return,
            ``(N, C, h * scale, w * scale)``.
        """
        count, channels, *sides = low.shape
        height, width = (side - GRID for side in sides)
        scale = truth.shape[2] // sides[0]
        qualities = rng.choice(self._qualities, count, p=self._odds).tolist()
        drawn = rng.choice(len(self._shares), count, p=list(self._shares.values()))
        subsampling = [None if channels == 1 else list(self._shares)[index] for index in drawn]
        corners = rng.integers(0, GRID, (count, 2), endpoint=True).tolist()
        if channels == 3 and None in subsampling:
            low, truth = (_grey_where(each, [name is None for name in subsampling]) for each in (low, truth))
        crops = np.ascontiguousarray(to_pixels(low.permute(0, 2, 3, 1).cpu().numpy(), np.uint8))
        inputs, cut = [], []
        for crop, full, (y, x), *file in zip(crops, truth, corners, qualities, subsampling, strict=True):
            planes = [_jpeg(crop, *file)[y : y + height, x : x + width] * np.float32(1 / 255)]
            if self._is_told:
                conditions = _conditions(*file)
                planes.append(np.broadcast_to(conditions, (height, width, len(conditions))))
            inputs.append(np.concatenate(planes, axis=2))
            cut.append(full[:, y * scale : (y + height) * scale, x * scale : (x + width) * scale])
        return torch.from_numpy(np.stack(inputs)).permute(0, 3, 1, 2).to(low.device), torch.stack(cut)


def _grey_where(pictures: Tensor, grey: list[bool]) -> Tensor:
    """Give these of ``(N, 3, H, W)`` pictures three equal channels."""
    luma = (pictures * pictures.new_tensor(LUMA)[:, None, None]).sum(dim=1, keepdim=True)
    return torch.where(torch.tensor(grey, device=pictures.device)[:, None, None, None], luma, pictures)


def _jpeg(crop: NDArray[np.uint8], quality: int, subsampling: Subsampling | None) -> NDArray[np.uint8]:
    """Do what :class:`twinscale.rescale.channel.Jpeg` does, in a tenth of the time: the same codec, but no file."""
    if subsampling:
        data = imagecodecs.jpeg8_encode(crop, level=quality, subsampling=subsampling.replace(":", ""))
        colour: NDArray[np.uint8] = imagecodecs.jpeg8_decode(data)
        return colour
    grey = imagecodecs.jpeg8_decode(imagecodecs.jpeg8_encode(crop[:, :, 0].copy(), level=quality))
    return np.broadcast_to(grey[:, :, None], crop.shape)


def _span(quality: int) -> float:
    """Return by how much the logarithm of the steps changes between the two qualities around one."""
    coarser, finer = (Quantisation.standard(each) for each in (max(1, quality - 1), min(quality + 1, 100)))
    return coarser.conditions()[0] - finer.conditions()[0]


@functools.cache
def _conditions(quality: int, subsampling: Subsampling | None) -> NDArray[np.float32]:
    sampling = SAMPLINGS[subsampling] if subsampling else (1, 1)
    return np.array(Quantisation.standard(quality, sampling, grey=subsampling is None).conditions(), np.float32)
