"""Training steps per second, next to those of a plain torch loop."""

import importlib.util
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from twinscale.errors import UsageError, install

_RECIPE = "dsn-y-x3"
_BATCH, _CROP = 16, 69  # the paper's sub-image at x3, in a batch that suits a CPU
_WARM_UP_STEPS = 3


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """Training of DSN x3 on luminance, 16 crops of 69x69 pixels per step."""

    tuned: float
    """Median steps per second of twinscale's own training step."""
    plain: float
    """Median steps per second of the same network in a plain torch loop: float32, default memory."""

    @property
    def ratio(self) -> float:
        """How many times as fast the tuned loop is."""
        return self.tuned / self.plain


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
        raise UsageError(f"measuring training needs torch: {install('train')}")
    tuned, plain = [], []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        for i in range(rounds):
            tuned.append(fresh.submit(_tuned_training, seconds).result())
            plain.append(fresh.submit(_plain_training, seconds).result())
            notify(f"round {i + 1} of {rounds}: tuned {tuned[-1]:.1f}, plain {plain[-1]:.1f} steps/s")
    return TrainingSpeed(statistics.median(tuned), statistics.median(plain))


def _tuned_training(seconds: float) -> float:
    """Measure steps per second of the training step that ``twinscale train`` takes, including batches."""
    from twinscale.training.cpu import tune_malloc, usable_precision

    tune_malloc()
    import torch
    from lightning_fabric import Fabric

    from twinscale.training.build import build
    from twinscale.training.data import Crops, Example
    from twinscale.training.learner import Learner
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
    """Measure steps per second of the loop that one would write first, always on the same batch."""
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
