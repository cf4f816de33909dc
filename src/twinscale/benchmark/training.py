"""Training steps per second in each mode that this machine has, next to those of a plain torch loop."""

import importlib.util
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

from twinscale.errors import UsageError, install
from twinscale.training.cores import usable
from twinscale.training.recipe import Precision, Recipe

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from twinscale.nets import Pair, Upscaler
    from twinscale.training.data import Crops

_WARM_UP_STEPS = 3
_SIDE = 512  # of the picture that crops come from


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to train."""

    precision: Precision
    threads: int
    """CPU cores that compute."""
    compile: bool = False
    """Whether torch compiles the network: measured on GPUs only, because CPUs gain nothing."""

    def __str__(self) -> str:
        words = [self.precision, f"{self.threads} thread{'s' * (self.threads > 1)}", "compiled" * self.compile]
        return ", ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """How fast the network of a recipe is trained here, in median steps per second."""

    plain: float
    """In a plain torch loop: float32, default memory, all cores."""
    modes: dict[Mode, float]
    """By twinscale's own training step."""

    @property
    def fastest(self) -> Mode:
        """The mode with the most steps per second."""
        return max(self.modes, key=lambda mode: self.modes[mode])

    @property
    def ratio(self) -> float:
        """How many times as fast as the plain loop the fastest mode is."""
        return self.modes[self.fastest] / self.plain


def measure_training(
    recipe: Recipe, seconds: float, rounds: int, notify: Callable[[str], None] = lambda line: None
) -> TrainingSpeed:
    """Train on random pictures in every mode, and in a plain loop, in turns.

    Every turn has a process of its own, because the memory setting must precede ``import torch``.

    Args:
        recipe: what is trained; its batches and crops decide what is fastest.
        seconds: how long each turn trains.
        rounds: turns of each kind.
        notify: called with one line after every round.

    Raises:
        UsageError: torch is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise UsageError(f"measuring training needs torch: {install('train')}")
    plain = []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        speeds: dict[Mode, list[float]] = {mode: [] for mode in fresh.submit(_modes).result()}
        for i in range(rounds):
            for mode, measured in speeds.items():
                measured.append(fresh.submit(_tuned_training, recipe, mode, seconds).result())
            plain.append(fresh.submit(_plain_training, recipe, seconds).result())
            best = max(speeds, key=lambda mode: speeds[mode][-1])
            notify(f"round {i + 1} of {rounds}: {best} {speeds[best][-1]:.1f}, plain {plain[-1]:.1f} steps/s")
    return TrainingSpeed(
        statistics.median(plain), {mode: statistics.median(measured) for mode, measured in speeds.items()}
    )


def _modes() -> list[Mode]:
    """Return the modes that make sense on this machine."""
    import torch

    from twinscale.training.cpu import usable_precision

    precisions = dict.fromkeys(usable_precision(wanted, "auto") for wanted in ("32-true", "bf16-mixed"))
    cores = len(usable())
    if torch.cuda.is_available():
        return [Mode(precision, cores, compiled) for precision in precisions for compiled in (False, True)]
    return [Mode(precision, threads) for precision in precisions for threads in sorted({1, cores})]


def _tuned_training(recipe: Recipe, mode: Mode, seconds: float) -> float:
    """Measure steps per second of the training step that ``twinscale train`` takes, including batches."""
    from twinscale.training.cpu import tune_malloc

    tune_malloc()
    import torch

    from twinscale.training.build import build
    from twinscale.training.learner import Learner
    from twinscale.training.mixed import open_fabric

    torch.set_num_threads(mode.threads)
    fabric = open_fabric("auto", 1, mode.precision)
    fabric.launch()
    network = build(recipe)
    crops = _random_crops(recipe, network, fabric.device)
    learner = Learner(network, replace(recipe.optimisation, compile=mode.compile), fabric)
    return _steps_per_second(lambda step: learner.step(step, *crops.batch(step)), seconds)


def _plain_training(recipe: Recipe, seconds: float) -> float:
    """Measure steps per second of the loop that one would write first, always on the same batch."""
    import torch

    from twinscale.nets import Pair
    from twinscale.training.build import build
    from twinscale.training.losses import pixel_loss

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = build(recipe).to(device)
    optimiser = torch.optim.Adam(network.parameters())
    inputs, truth = _random_crops(recipe, network, device).batch(0)

    def step(_: int) -> "Tensor":
        optimiser.zero_grad()
        output = network(inputs)
        loss = pixel_loss("l1", output.restored if isinstance(network, Pair) else output, truth)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return loss.detach()

    return _steps_per_second(step, seconds)


def _random_crops(recipe: Recipe, network: "Pair | Upscaler", device: "torch.device") -> "Crops":
    """Make crops of a picture of noise, as the recipe wants them."""
    import numpy as np

    from twinscale.nets import Pair
    from twinscale.training.data import Crops, Example

    factor = 1 if isinstance(network, Pair) or network.interpolated_input else network.scale
    side = max(_SIDE, 2 * recipe.data.crop) // network.scale
    random = np.random.default_rng(0).random
    low = random((side * network.scale // factor,) * 2 + (network.channels,), dtype=np.float32)
    truth = low.repeat(factor, axis=0).repeat(factor, axis=1)
    if isinstance(network, Pair):
        return Crops([Example(truth, None)], recipe.data, recipe.seed, device)
    return Crops([Example(truth, low)], recipe.data, recipe.seed, device, is_told=network.conditions > 0)


def _steps_per_second(step: Callable[[int], "Tensor"], seconds: float) -> float:
    for i in range(_WARM_UP_STEPS):
        loss = step(i)
    loss.item()  # waits for the device
    taken, start = 0, time.perf_counter()
    while taken == 0 or time.perf_counter() - start < seconds:
        loss = step(_WARM_UP_STEPS + taken)
        taken += 1
    loss.item()
    return taken / (time.perf_counter() - start)
