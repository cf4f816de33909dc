"""How fast this machine is with twinscale, always next to a plain alternative measured in the same minutes.

Absolute times hold for one machine and one moment. What is compared is measured in turns, so that a
busy neighbour slows both, and the medians are what to look at.
"""

import importlib.util
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from twinscale.engine import run
from twinscale.errors import UsageError
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.rescale import Model, load

_RECIPE = "dsn-y-x3"
_BATCH, _CROP = 16, 69  # the paper's sub-image at x3, in batches that suit a CPU
_WARM_UP_STEPS = 3
_LISTED_SIDE, _LISTED_ROUNDS = 120, 3  # pixels and runs; larger pictures change little but take longer


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """Training of DSN x3 on luminance, 16 crops of 69x69 pixels a step."""

    tuned: float
    """Median steps per second of twinscale's own training step."""
    plain: float
    """Median steps per second of the same network in a plain torch loop: float32, default memory."""

    @property
    def ratio(self) -> float:
        """By how much the tuned loop is faster."""
        return self.tuned / self.plain


@dataclass(frozen=True, slots=True)
class ResizeSpeed:
    """Bicubic reduction of an RGB picture to half its sides, in milliseconds."""

    imresize: float
    """Median of :func:`twinscale.images.resize.imresize`."""
    pillow: float
    """Median of Pillow's bicubic ``resize``."""

    @property
    def ratio(self) -> float:
        """By how much imresize takes longer."""
        return self.imresize / self.pillow


@dataclass(frozen=True, slots=True)
class EngineSpeed:
    """One model on an RGB picture; median milliseconds per megapixel of the full-size picture."""

    model: str
    scale: int
    shrink: float | None
    """None for a model that only enlarges."""
    restore: float
    pillow_shrink: float
    """Pillow's bicubic reduction by the same scale."""
    pillow_enlarge: float
    """Pillow's bicubic enlargement by the same scale."""


@dataclass(frozen=True, slots=True)
class NetworkSpeed:
    """One model's networks on their own channels; median milliseconds per megapixel of the full-size picture."""

    down: float | None
    """None for a model that only enlarges."""
    up: float
    """With the bicubic enlargement, where the network works on it."""


def measure_training(seconds: float, rounds: int, notify: Callable[[str], None] = lambda line: None) -> TrainingSpeed:
    """Train on random pictures with twinscale's settings and without, in turns.

    Every turn has a process of its own, because the memory setting must precede ``import torch``.

    Args:
        seconds: how long each turn trains.
        rounds: turns of each kind.
        notify: called with one line after every round.

    Raises:
        UsageError: torch is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise UsageError("measuring training needs torch: pip install 'twinscale[train]'")
    tuned, plain = [], []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        for i in range(rounds):
            tuned.append(fresh.submit(_tuned_training, seconds).result())
            plain.append(fresh.submit(_plain_training, seconds).result())
            notify(f"round {i + 1} of {rounds}: tuned {tuned[-1]:.1f}, plain {plain[-1]:.1f} steps/s")
    return TrainingSpeed(statistics.median(tuned), statistics.median(plain))


def _tuned_training(seconds: float) -> float:
    """Steps per second of the training step that ``twinscale train`` takes, batches included."""
    from twinscale.training.cpu import tune_malloc

    tune_malloc()
    import torch
    from lightning_fabric import Fabric

    from twinscale.training.data import Crops, Example
    from twinscale.training.loop import Learner, build, usable_precision
    from twinscale.training.recipe import Recipe

    recipe = Recipe.load(_RECIPE)
    data = replace(recipe.data, crop=_CROP, batch=_BATCH)
    truth = np.random.default_rng(0).random((512, 512, 1), dtype=np.float32)
    crops = Crops([Example(truth, None)], data, recipe.seed, torch.device("cpu"))
    precision = usable_precision(recipe.optimisation.precision, "cpu")
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    fabric.launch()
    learner = Learner(build(recipe), recipe.optimisation, fabric)
    return _steps_per_second(lambda step: learner.step(step, *crops.batch(step)), seconds)


def _plain_training(seconds: float) -> float:
    """Steps per second of the loop that one would write first, always on the same batch."""
    import torch
    from torch.nn import functional as F

    from twinscale.nets.dsn import DSN

    network = DSN(3)
    optimiser = torch.optim.Adam(network.parameters())
    truth = torch.rand(_BATCH, 1, _CROP, _CROP)

    def step(_: int) -> None:
        optimiser.zero_grad()
        F.l1_loss(network(truth).restored, truth).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return _steps_per_second(step, seconds)


def _steps_per_second(step: Callable[[int], object], seconds: float) -> float:
    for i in range(_WARM_UP_STEPS):
        step(i)
    taken, start = 0, time.perf_counter()
    while taken == 0 or time.perf_counter() - start < seconds:
        step(_WARM_UP_STEPS + taken)
        taken += 1
    return taken / (time.perf_counter() - start)


def measure_resize(megapixels: float, rounds: int) -> ResizeSpeed:
    """Reduce a random 8-bit RGB picture of 4:3 to half its sides with imresize and with Pillow.

    Args:
        megapixels: size of the picture.
        rounds: how often each of them reduces it.
    """
    unit = round((megapixels * 1e6 / 12) ** 0.5)
    pixels = _random_pixels(3 * unit, 4 * unit)
    image = Image.fromarray(pixels)
    half = (image.width // 2, image.height // 2)
    ours, pillow = medians(
        rounds,
        lambda: imresize(pixels, size=half[::-1]),
        lambda: image.resize(half, Image.Resampling.BICUBIC),
    )
    return ResizeSpeed(ours, pillow)


def measure_engine(name_or_folder: str, megapixels: float, rounds: int) -> EngineSpeed:
    """Run a model on a random square 8-bit RGB picture, next to Pillow's bicubic resizing.

    Args:
        name_or_folder: name of a model, or the folder it was exported to.
        megapixels: size of the full-size picture.
        rounds: how often everything runs.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    model = load(name_or_folder)
    scale = model.card.scale
    side = scale * max(1, round((megapixels * 1e6) ** 0.5 / scale))
    full = Picture(_random_pixels(side, side))
    small = Picture(_random_pixels(side // scale, side // scale))
    full_image, small_image = Image.fromarray(full.pixels), Image.fromarray(small.pixels)
    *shrink, restore, pillow_shrink, pillow_enlarge = medians(
        rounds,
        *([lambda: model.shrink(full)] if model.card.down else []),
        lambda: model.enlarge(small),
        lambda: full_image.resize(small_image.size, Image.Resampling.BICUBIC),
        lambda: small_image.resize(full_image.size, Image.Resampling.BICUBIC),
        per=side**2 / 1e6,
    )
    return EngineSpeed(
        model=model.card.name,
        scale=scale,
        shrink=shrink[0] if shrink else None,
        restore=restore,
        pillow_shrink=pillow_shrink,
        pillow_enlarge=pillow_enlarge,
    )


def measure_networks(model: Model) -> NetworkSpeed:
    """Run a model's networks on a small random square 8-bit picture of their own channels.

    Raises:
        ModelError: the model is damaged.
    """
    scale, channels = model.card.scale, 1 if model.card.colour == "y" else 3
    side = scale * max(1, round(_LISTED_SIDE / scale))
    full = _random_pixels(side, side, channels)
    small = _random_pixels(side // scale, side // scale, channels)
    *down, up = medians(
        _LISTED_ROUNDS,
        *([lambda: run(model.reduction, full)] if model.card.down else []),
        lambda: run(model.enlargement, small),
        per=side**2 / 1e6,
    )
    return NetworkSpeed(down[0] if down else None, up)


def _random_pixels(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def medians(rounds: int, *functions: Callable[[], object], per: float = 1.0) -> list[float]:
    """Median milliseconds of each function, divided by ``per``; they run in turns, once before to warm up."""
    times: list[list[float]] = [[] for _ in functions]
    for i in range(rounds + 1):
        for function, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            if i:
                taken.append((time.perf_counter() - start) * 1000)
    return [statistics.median(taken) / per for taken in times]
