"""Runs that are limited by time: how many steps fit, and what that makes of a recipe."""

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
    """The same optimisation with as many steps as this machine takes in some minutes, by a short trial.

    Validations are part of the time: ten of them, or fewer where they would take more than a quarter of it.

    Args:
        minutes: how long the run may take.
        network: what will be trained; it stays as it is.
        spec: how.
        crops: on what.
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
    # Of several devices the first decides, because all must take the same steps.
    trial_steps = fabric.broadcast(max(1, round(min(_TRIAL_SECONDS, 3 * minutes) / seconds(1))))
    a_step = fabric.broadcast(seconds(trial_steps) / trial_steps)
    start = time.monotonic()
    validate(trial.average)
    a_validation = fabric.broadcast(time.monotonic() - start)

    time_at_hand = 60 * minutes
    fitting = _VALIDATION_SHARE * time_at_hand / max(a_validation, 1e-9)
    validations = max(1, min(_VALIDATIONS, int(fitting)))
    steps = min(
        (time_at_hand - validations * a_validation) / a_step,
        time_at_hand / (a_step + a_validation / spec.validate_every),  # where the recipe validates more often
    )
    return shortened(spec, max(1, round(steps)), validations)


def shortened(spec: OptimisationSpec, steps: int, validations: int = _VALIDATIONS) -> OptimisationSpec:
    """The same optimisation in fewer steps: warm-up and decay in proportion, and at least so many validations."""
    return replace(
        spec,
        steps=steps,
        warmup=min(spec.warmup, steps // 10),
        decay_every=spec.decay_every * steps // spec.steps,
        validate_every=max(1, min(spec.validate_every, steps // validations)),
    )
