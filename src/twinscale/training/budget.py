"""Runs that are limited by time: how many steps fit, and how a run keeps to its time, however busy the machine is."""

import copy
import time
from bisect import bisect
from collections.abc import Callable
from dataclasses import replace

from lightning_fabric import Fabric

from twinscale.nets import Pair, Upscaler
from twinscale.training.checkpoint import RunState
from twinscale.training.data import Crops
from twinscale.training.learner import Learner
from twinscale.training.recipe import VALIDATIONS, OptimisationSpec, shortened
from twinscale.training.validation import VALIDATION_SHARE, validation_steps

_TRIAL_SECONDS = 3.0
_RARE = 0.05  # of the time: what more validations than these may take
_RETIMINGS = 50


def fit_into_minutes(
    minutes: float,
    network: Upscaler | Pair,
    spec: OptimisationSpec,
    crops: Crops,
    fabric: Fabric,
    validate: Callable[[Upscaler | Pair], object],
) -> OptimisationSpec:
    """Return the optimisation with as many steps as fit into some minutes on this machine, by a short trial.

    Validations are part of the time: ten of them, or fewer if they would take more than a quarter of it; as many as the
    recipe says only if they take no more than a twentieth. The trial need not be exact, because :class:`Pace` corrects
    it.

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
            loss = trial.step(step, *crops.batch(step))
        loss.item()  # waits for the device
        return time.monotonic() - start

    seconds(1)  # warms up
    # The first of several devices decides, because all must take the same steps.
    trial_steps = fabric.broadcast(max(1, round(min(_TRIAL_SECONDS, 3 * minutes) / seconds(1))))
    step_seconds = fabric.broadcast(seconds(trial_steps) / trial_steps)
    start = time.monotonic()
    validate(trial.average)
    validation_seconds = fabric.broadcast(time.monotonic() - start)

    total = 60 * minutes
    fitting = VALIDATION_SHARE * total / max(validation_seconds, 1e-9)
    validations = max(1, min(VALIDATIONS, int(fitting)))
    most = max(validations, int(_RARE * total / max(validation_seconds, 1e-9)))
    every = max(spec.validate_every, int(total / step_seconds / most))
    steps = min(
        (total - validations * validation_seconds) / step_seconds,
        total / (step_seconds + validation_seconds / every),  # if it is validated more often
    )
    return shortened(replace(spec, validate_every=every), max(1, round(steps)), validations)


class Pace:
    """Brings a run of limited time to the end of its schedule when the time is over, however fast the machine is then.

    A machine may be busy while the run is planned, or become so. Therefore a run's steps are timed again and again, and
    what is left of the recipe's schedule is spread evenly over as many steps as fit into the time that is left: each
    then leads further on the schedule, or less far. Learning rate and validations follow the schedule.

    Args:
        spec: how the network learns.
        state: where the run stands; :meth:`keep` changes its stride.
        fabric: the devices.
    """

    def __init__(self, spec: OptimisationSpec, state: RunState, fabric: Fabric) -> None:
        self._steps, self._validations = spec.steps, validation_steps(spec)
        self._state, self._fabric = state, fabric
        self._begin(state.seconds)

    def keep(self, seconds: float, validating: float) -> None:
        """Adapt the stride, if it is time to; call it between two steps.

        Args:
            seconds: time spent on the run so far, over all sittings.
            validating: the part of it, in this sitting, in which it did not train.
        """
        state, training = self._state, seconds - validating
        if state.minutes is None or state.step == self._begun:
            return
        # Several devices must do this after the same step, so that the clock cannot tell them when.
        late = self._fabric.world_size == 1 and training - self._begun_at > 60 * state.minutes / _RETIMINGS
        if state.position < self._due and not late:
            return
        left = 60 * state.minutes - seconds
        validations = len(self._validations) - bisect(self._validations, state.position)
        last = state.validation_seconds
        left -= min(validations * last, VALIDATION_SHARE * left + last, 0.8 * left)
        per_step = (training - self._begun_at) / (state.step - self._begun)
        # The first of several devices decides.
        steps = self._fabric.broadcast(max(1, round(left / max(per_step, 1e-9))))
        state.stride = (self._steps - state.position) / steps
        self._begin(training)

    def _begin(self, training: float) -> None:
        """Begin to time steps until a fiftieth of the schedule has passed, or of the time."""
        self._begun, self._begun_at = self._state.step, training
        self._due = self._state.position + self._steps / _RETIMINGS
