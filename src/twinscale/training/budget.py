"""Runs that are limited by time: how many steps fit, and how they change a recipe."""

import copy
import time
from collections.abc import Callable
from dataclasses import replace

from lightning_fabric import Fabric

from twinscale.nets import Pair, Upscaler
from twinscale.training.data import Crops
from twinscale.training.learner import Learner
from twinscale.training.recipe import OptimisationSpec

_TRIAL_SECONDS = 10.0
_VALIDATIONS, _VALIDATION_SHARE = 10, 0.25


def fit_into_minutes(
    minutes: float,
    network: Upscaler | Pair,
    spec: OptimisationSpec,
    crops: Crops,
    fabric: Fabric,
    validate: Callable[[Upscaler | Pair], object],
) -> OptimisationSpec:
    """Return the optimisation with as many steps as fit into some minutes on this machine, by a short trial.

    Validations are part of the time: ten of them, or fewer if they would take more than a quarter of it.

    Args:
        minutes: how long the run may take.
        network: what will be trained; it is not changed.
        spec: how it will be trained.
        crops: what it will be trained on.
        fabric: the device and the precision, launched.
        validate: measures a network as the run will.
    """
    trial = Learner(copy.deepcopy(network), spec, fabric)

    def seconds(steps: int) -> float:
        start = time.monotonic()
        for step in range(steps):
            trial.step(step, *crops.batch(step))
        return time.monotonic() - start

    seconds(1)  # warms up
    # The first of several devices decides, because all must take the same steps.
    trial_steps = fabric.broadcast(max(1, round(min(_TRIAL_SECONDS, 3 * minutes) / seconds(1))))
    step_seconds = fabric.broadcast(seconds(trial_steps) / trial_steps)
    start = time.monotonic()
    validate(trial.average)
    validation_seconds = fabric.broadcast(time.monotonic() - start)

    total = 60 * minutes
    fitting = _VALIDATION_SHARE * total / max(validation_seconds, 1e-9)
    validations = max(1, min(_VALIDATIONS, int(fitting)))
    steps = min(
        (total - validations * validation_seconds) / step_seconds,
        total / (step_seconds + validation_seconds / spec.validate_every),  # if the recipe validates more often
    )
    return shortened(spec, max(1, round(steps)), validations)


def shortened(spec: OptimisationSpec, steps: int, validations: int = _VALIDATIONS) -> OptimisationSpec:
    """Return the optimisation in fewer steps: warm-up and decay in proportion, at least this many validations."""
    return replace(
        spec,
        steps=steps,
        warmup=min(spec.warmup, steps // 10),
        decay_every=spec.decay_every * steps // spec.steps,
        validate_every=max(1, min(spec.validate_every, steps // validations)),
    )
