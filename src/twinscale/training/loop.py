"""The training loop."""

import copy
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Collection
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from twinscale.errors import UsageError
from twinscale.images.files import write_atomically
from twinscale.nets import Pair, Upscaler, create
from twinscale.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from twinscale.training.data import Crops, load_examples, split, validation_examples
from twinscale.training.log import Log, Row
from twinscale.training.losses import fidelity_loss, pixel_loss
from twinscale.training.muon import Muon
from twinscale.training.previews import draw_preview, preview_crops
from twinscale.training.recipe import OptimisationSpec, Precision, Recipe
from twinscale.training.runs import (
    BEST,
    CHECKPOINT,
    PREVIEWS,
    README,
    RECIPE,
    SUMMARY,
    in_proportion,
    readme,
    snapshot_file,
)
from twinscale.training.validation import Validation, validate

_CHECKPOINT_SECONDS = 180.0
_LOG_STEPS = 100
_TRIAL_SECONDS = 10.0
_VALIDATIONS, _VALIDATION_SHARE = 10, 0.25  # in a run that is limited by time


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run reached."""

    folder: Path
    progress: Progress
    is_first: bool
    """Whether this process is the first of several devices', the one that wrote the folder."""


def train(
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    initial: dict[str, Tensor] | None = None,
    started_from: str = "",
    accelerator: str = "auto",
    devices: int = 1,
    minutes: float | None = None,
    snapshots: Collection[int] = (),
    preview_every: int | None = None,
    command: str = "",
) -> Outcome:
    """Train a network and leave everything about the run in one folder, whose ``README.md`` explains it.

    Args:
        recipe: what to train.
        folder: where the run lives.
        resume: continue from the folder's checkpoint, exactly where it was written.
        initial: weights to start from instead of random ones, all of the network's or some.
        started_from: whose weights those are, for the record.
        accelerator: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        devices: how many of them.
        minutes: take as many steps as fit into this time here, in place of the recipe's; ignored when resuming.
        snapshots: steps of the recipe at which the averaged weights are kept as ``step-N.safetensors``; where
            ``minutes`` changes how many there are, N is the step in proportion.
        preview_every: steps between two previews of validation pictures; 0 draws none, None one a validation.
        command: what started the run, for the record.

    Raises:
        UsageError: the folder already holds a run and ``resume`` is off, or the recipe's run differs.
        DatasetError: the pictures are not found or too few.
        ModelError: the checkpoint does not fit the network.
    """
    if resume:
        precision = recipe.optimisation.precision
    else:
        precision = usable_precision(recipe.optimisation.precision, accelerator)
        if precision != recipe.optimisation.precision:
            print("this CPU only emulates bfloat16: training in 32 bits", file=sys.stderr)
    recipe = replace(recipe, optimisation=replace(recipe.optimisation, precision=precision))
    fabric = Fabric(accelerator=accelerator, devices=devices, precision=precision)
    fabric.launch()
    fabric.seed_everything(recipe.seed, verbose=False)
    network = build(recipe)
    if initial is not None:
        network.load_state_dict(initial, strict=False)
    train_paths, validation_paths, validation_names = split(recipe.data)
    recipe = replace(recipe, data=replace(recipe.data, validation=validation_names))
    check_folder(folder, resume)
    fabric.print(f"{len(train_paths)} pictures to train on, {len(validation_paths)} to validate", file=sys.stderr)

    crops = Crops(
        load_examples(train_paths, recipe, network),
        recipe.data,
        recipe.seed,
        fabric.device,
        fabric.global_rank,
        fabric.world_size,
    )
    validation = validation_examples(validation_paths)
    if not resume:
        if minutes:
            fabric.print(f"timing some steps, to take as many as fit into {minutes:g} min", file=sys.stderr)
            planned = recipe.optimisation.steps
            spec = within(
                minutes, network, recipe.optimisation, crops, fabric, lambda net: validate(net, validation, recipe)
            )
            recipe = replace(recipe, optimisation=spec)
            snapshots = {in_proportion(step, planned, recipe.optimisation.steps) for step in snapshots}
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / RECIPE, recipe.dumps().encode(), overwrite=True)
    learner = Learner(network, recipe.optimisation, fabric)
    progress = Progress(recipe=recipe.digest(), started_from=started_from, started=_now(), command=command)
    if resume:
        progress = load_checkpoint(folder / CHECKPOINT, network, learner.average, learner.optimiser, progress.recipe)

    keeper = None
    if fabric.is_global_zero:
        keeper = _Keeper(
            folder, recipe, learner, progress, validation, snapshots, preview_every, devices=fabric.world_size
        )
    with closing(keeper) if keeper else nullcontext():
        _steps(learner, crops, recipe.optimisation, progress, keeper)
    return Outcome(folder, progress, fabric.is_global_zero)


def build(recipe: Recipe) -> Upscaler | Pair:
    """The untrained network of a recipe."""
    spec = recipe.network
    channels = 1 if spec.colour == "y" else 3
    return create(spec.architecture, scale=spec.scale, channels=channels, **spec.parameters)


def check_folder(folder: Path, resume: bool) -> None:
    """Refuse to mix two runs in one folder."""
    started = (folder / CHECKPOINT).exists()
    if started and not resume:
        raise UsageError(f"{folder} already holds a run: continue it with --resume or choose another folder")
    if resume and not started:
        raise UsageError(f"{folder} holds no checkpoint to resume from: start it without --resume")


def usable_precision(wanted: Precision, accelerator: str) -> Precision:
    """``wanted``, or 32 bits on a CPU that only emulates bfloat16, which is ten times slower there."""
    on_cpu = accelerator == "cpu" or (accelerator == "auto" and not torch.cuda.is_available())
    if wanted == "32-true" or not on_cpu:
        return wanted
    has_it = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()  # type: ignore[no-untyped-call]
    return wanted if has_it else "32-true"


def within(
    minutes: float,
    network: Upscaler | Pair,
    spec: OptimisationSpec,
    crops: Crops,
    fabric: Fabric,
    validate: Callable[[Upscaler | Pair], object],
) -> OptimisationSpec:
    """The same optimisation with as many steps as this machine takes in some minutes, by a short trial.

    Validations are part of the time: ten of them, or fewer where they would take more than a quarter of it.
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


def make_optimiser(network: Upscaler | Pair, spec: OptimisationSpec) -> torch.optim.Optimizer:
    """The recipe's optimiser, with the output layers at their own rate."""
    outputs = {id(p) for layer in network.output_layers() for p in layer.parameters()}
    groups = [
        {"params": [p for p in network.parameters() if id(p) not in outputs], "rate": 1.0},
        {"params": [p for p in network.parameters() if id(p) in outputs], "rate": spec.output_layer_rate},
    ]
    if spec.optimiser == "adam":
        return torch.optim.Adam(groups, lr=spec.learning_rate, fused=True)
    if spec.optimiser == "muon":
        return Muon(groups, lr=spec.learning_rate)
    return torch.optim.SGD(groups, lr=spec.learning_rate, momentum=0.9)


def learning_rate(step: int, spec: OptimisationSpec) -> float:
    """The learning rate of a step, before a layer's own rate."""
    if step < spec.warmup:
        return spec.learning_rate * (step + 1) / spec.warmup
    if spec.decay == "cosine":
        turn = (step - spec.warmup) / max(1, spec.steps - spec.warmup)
        span = spec.learning_rate - spec.final_learning_rate
        return spec.final_learning_rate + span * (1 + math.cos(math.pi * turn)) / 2
    if spec.decay == "step":
        reduced = spec.learning_rate * spec.decay_factor ** (step // max(1, spec.decay_every))
        return max(reduced, spec.final_learning_rate)
    return spec.learning_rate


class Learner:
    """A network with all that a training step touches: its optimiser and its averaged copy.

    Args:
        network: what learns; it changes in place.
        spec: how it learns.
        fabric: the device and the precision it learns in, launched.
    """

    def __init__(self, network: Upscaler | Pair, spec: OptimisationSpec, fabric: Fabric) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(network).to(fabric.device).eval().requires_grad_(False)
        self.optimiser = make_optimiser(network, spec)
        self._spec, self._fabric = spec, fabric
        self._model, self._stepper = fabric.setup(network, self.optimiser)
        self._model.train()
        self._parameters: list[Tensor] = list(network.parameters())
        self._averaged: list[Tensor] = list(self.average.parameters())

    def step(self, step: int, inputs: Tensor, truth: Tensor) -> Tensor:
        """Learn from one batch.

        Args:
            step: number of steps taken before, which decides learning rate and averaging.
            inputs: what the network sees, ``(N, C, h, w)`` in [0, 1].
            truth: what it should return, ``(N, C, H, W)`` in [0, 1].

        Returns:
            The loss before the step, a detached scalar.
        """
        rate = learning_rate(step, self._spec)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["rate"]
        output = self._model(inputs)
        if isinstance(self.network, Pair):
            loss = pixel_loss(self._spec.loss, output.restored, truth)
            if self._spec.fidelity:
                loss = loss + self._spec.fidelity * fidelity_loss(output.low, truth)
        else:
            loss = pixel_loss(self._spec.loss, output, truth)
        self._stepper.zero_grad()
        self._fabric.backward(loss)
        if self._spec.clip_norm:
            nn.utils.clip_grad_norm_(self._parameters, self._spec.clip_norm)
        self._stepper.step()
        with torch.no_grad():
            # Early averages forget faster, or they would carry the random start along.
            keep = min(self._spec.ema, (step + 1) / (step + 10))
            torch._foreach_lerp_(self._averaged, self._parameters, 1 - keep)
        return loss.detach()


def _steps(
    learner: Learner, crops: Crops, spec: OptimisationSpec, progress: Progress, keeper: "_Keeper | None"
) -> None:
    start, before = time.monotonic(), progress.seconds
    for step in range(progress.step, spec.steps):
        loss = learner.step(step, *crops.batch(step))
        progress.step = step + 1
        progress.seconds = before + time.monotonic() - start
        if keeper:
            keeper.stepped(loss)


class _Keeper:
    """Validates a run while it trains, and keeps in its folder what it makes and what explains it."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        learner: Learner,
        progress: Progress,
        validation: list[NDArray],
        snapshots: Collection[int],
        preview_every: int | None,
        devices: int,
    ) -> None:
        self._folder, self._recipe, self._learner, self._progress = folder, recipe, learner, progress
        self._validation, self._shown = validation, preview_crops(validation)
        self._snapshots, self._preview_every = snapshots, preview_every
        self._pictures = recipe.data.batch * devices
        self._losses: list[Tensor] = []
        self._first, self._start = progress.step, time.monotonic()
        self._last_saved = self._start
        self._write_readme()
        self._log = Log(folder, progress.step, recipe.optimisation.steps)

    def stepped(self, loss: Tensor) -> None:
        """Keep what is due after a step; ``progress`` says which."""
        progress, spec = self._progress, self._recipe.optimisation
        step, final = progress.step, progress.step == spec.steps
        validated = step % spec.validate_every == 0 or final
        self._losses.append(loss)
        self._log.advance(step)
        if step in self._snapshots:
            save_weights(self._folder / snapshot_file(step), self._learner.average)
        every = self._preview_every
        if validated if every is None else every and step % every == 0:
            self._preview()
        if step % _LOG_STEPS and not validated:
            return
        progress.training_loss = torch.stack(self._losses).mean().item()
        self._losses.clear()
        validation = self._validate() if validated else None
        self._log.write(
            Row(
                step=step,
                loss=progress.training_loss,
                learning_rate=learning_rate(step - 1, spec),
                validation_loss=validation.loss if validation else None,
                validation_psnr_y=validation.psnr_y if validation else None,
                seconds=progress.seconds,
                pictures_per_second=(step - self._first) * self._pictures / (time.monotonic() - self._start),
            )
        )
        # Only here, so that every logged loss is the mean of one sitting's steps.
        if final or time.monotonic() - self._last_saved > _CHECKPOINT_SECONDS:
            learner = self._learner
            save_checkpoint(self._folder / CHECKPOINT, learner.network, learner.average, learner.optimiser, progress)
            self._save_summary()
            self._last_saved = time.monotonic()

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def _validate(self) -> Validation:
        """Measure the averaged weights and keep them if they are the best so far."""
        progress, average = self._progress, self._learner.average
        validation = validate(average, self._validation, self._recipe)
        if validation.psnr_y > progress.best_psnr:
            progress.best_psnr, progress.best_step = validation.psnr_y, progress.step
            progress.best_loss = validation.loss
            progress.best_looks = asdict(validation.looks) if validation.looks else {}
            save_weights(self._folder / BEST, average)
            self._save_summary()
        return validation

    def _preview(self) -> None:
        step = self._progress.step
        path = self._folder / PREVIEWS / f"step-{step:07}.png"
        path.parent.mkdir(exist_ok=True)
        self._log.picture(step, draw_preview(path, self._learner.average, self._shown, self._recipe))

    def _save_summary(self) -> None:
        summary = {key: value for key, value in self._summary().items() if value not in (None, "", {})}
        write_atomically(self._folder / SUMMARY, json.dumps(summary, indent=2).encode(), overwrite=True)
        self._write_readme()

    def _write_readme(self) -> None:
        is_pair = isinstance(self._learner.network, Pair)
        text = readme(self._folder, self._recipe, self._summary(), self._progress.command, is_pair=is_pair)
        write_atomically(self._folder / README, text.encode(), overwrite=True)

    def _summary(self) -> dict[str, Any]:
        recipe, progress = self._recipe, self._progress
        on_gpu = next(self._learner.average.parameters()).is_cuda
        cores = torch.get_num_threads()
        machine = torch.cuda.get_device_name() if on_gpu else f"{cores} CPU core{'s' if cores > 1 else ''}"
        return {
            "name": recipe.name,
            "data": recipe.data.train,
            "steps": progress.step,
            "minutes": round(progress.seconds / 60, 2),
            "pictures_per_second": _rounded(progress.step * self._pictures / max(progress.seconds, 1e-9)),
            "machine": f"{machine} ({platform.machine()}), {recipe.optimisation.precision}",
            "training_loss": _rounded(progress.training_loss),
            "validation_psnr_y": round(progress.best_psnr, 4) if progress.best_step else None,
            "validation_loss": _rounded(progress.best_loss),
            "best_step": progress.best_step,
            "recipe_sha256": progress.recipe,
            "looks": {key: round(value, 3) for key, value in progress.best_looks.items() if math.isfinite(value)},
            "started_from": progress.started_from,
            "started": progress.started,
            "finished": _now() if progress.step == recipe.optimisation.steps else "",
        }


def _rounded(value: float | None) -> float | None:
    """To six significant digits."""
    return None if value is None else float(f"{value:.6g}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def save_weights(path: Path, network: nn.Module) -> None:
    """Write a network's weights, replacing the file at once."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_atomically(path, save(tensors), overwrite=True)
