"""The training loop."""

import copy
import csv
import functools
import json
import math
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from twinscale.engine import Operation
from twinscale.engine.operation import on_grey
from twinscale.errors import UsageError
from twinscale.images.files import write_atomically
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.looks import Looks
from twinscale.images.protocol import Protocol
from twinscale.nets import Network, Pair, Upscaler, create
from twinscale.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from twinscale.training.data import Crops, load_examples, split, validation_examples
from twinscale.training.degradation import Degradation
from twinscale.training.losses import fidelity_loss, pixel_loss
from twinscale.training.muon import Muon
from twinscale.training.recipe import OptimisationSpec, Precision, Recipe

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"
SUMMARY = "run.json"
LOG = "log.csv"
_CHECKPOINT_SECONDS = 180.0
_LOG_STEPS = 100
_TRIAL_SECONDS = 10.0
_VALIDATIONS = 10  # in a run that is limited by time


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
) -> Outcome:
    """Train a network and leave everything about the run in one folder.

    The folder holds the resolved ``recipe.toml``, ``checkpoint.safetensors`` (to resume from),
    ``best.safetensors`` (the weights with the best validation PSNR), ``log.csv``, TensorBoard events and
    ``run.json``.

    Args:
        recipe: what to train.
        folder: where the run lives.
        resume: continue from the folder's checkpoint, exactly where it was written.
        initial: weights to start from instead of random ones, all of the network's or some.
        started_from: whose weights those are, for the record.
        accelerator: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        devices: how many of them.
        minutes: take as many steps as fit into this time here, in place of the recipe's; ignored when resuming.

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
            recipe = replace(recipe, optimisation=within(minutes, network, recipe.optimisation, crops, fabric))
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "recipe.toml", recipe.dumps().encode(), overwrite=True)
    learner = Learner(network, recipe.optimisation, fabric)
    progress = Progress(recipe=recipe.digest(), started_from=started_from)
    if resume:
        progress = load_checkpoint(folder / CHECKPOINT, network, learner.average, learner.optimiser, progress.recipe)

    with _log(folder, progress.step, fabric.is_global_zero) as log:
        _steps(fabric, learner, crops, validation, recipe, folder, progress, log)
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
    minutes: float, network: Upscaler | Pair, spec: OptimisationSpec, crops: Crops, fabric: Fabric
) -> OptimisationSpec:
    """The same optimisation with as many steps as this machine takes in some minutes, by a short trial."""
    trial = Learner(copy.deepcopy(network), spec, fabric)

    def seconds(steps: int) -> float:
        start = time.monotonic()
        for step in range(steps):
            trial.step(step, *crops.batch(step))
        return time.monotonic() - start

    seconds(1)  # warms up
    # Of several devices the first decides, because all must take the same steps.
    trial_steps = fabric.broadcast(max(1, round(min(_TRIAL_SECONDS, 3 * minutes) / seconds(1))))
    return shortened(spec, fabric.broadcast(max(1, round(60 * minutes * trial_steps / seconds(trial_steps)))))


def shortened(spec: OptimisationSpec, steps: int) -> OptimisationSpec:
    """The same optimisation in fewer steps: warm-up, decay and validation in proportion where they must."""
    return replace(
        spec,
        steps=steps,
        warmup=min(spec.warmup, steps // 10),
        decay_every=spec.decay_every * steps // spec.steps,
        validate_every=max(1, min(spec.validate_every, steps // _VALIDATIONS)),
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
    fabric: Fabric,
    learner: Learner,
    crops: Crops,
    validation: list[NDArray],
    recipe: Recipe,
    folder: Path,
    progress: Progress,
    log: "_Log | None",
) -> None:
    spec = recipe.optimisation
    losses: list[Tensor] = []
    psnr = progress.best_psnr
    sitting, before = time.monotonic(), progress.seconds
    first, last_saved = progress.step, time.monotonic()
    for step in range(progress.step, spec.steps):
        losses.append(learner.step(step, *crops.batch(step)))
        progress.step = step + 1
        progress.seconds = before + time.monotonic() - sitting
        final = progress.step == spec.steps
        validated = progress.step % spec.validate_every == 0 or final
        if validated and fabric.is_global_zero:
            psnr, looks = validate(learner.average, validation, recipe)
            if psnr > progress.best_psnr:
                progress.best_psnr, progress.best_step = psnr, progress.step
                progress.best_looks = asdict(looks) if looks else {}
                save_best(folder / BEST, learner.average)
                _save_summary(folder, recipe, progress, fabric)
        if progress.step % _LOG_STEPS and not validated:
            continue
        if log:
            speed = (progress.step - first) * recipe.data.batch / (time.monotonic() - sitting)
            log.write(
                progress.step,
                spec.steps,
                loss=torch.stack(losses).mean().item(),
                rate=learning_rate(step, spec),
                psnr=psnr if validated else None,
                best=progress.best_psnr,
                seconds=progress.seconds,
                pictures_per_second=speed,
            )
        losses.clear()
        # Only here, so that every logged loss is the mean of one sitting's steps.
        if fabric.is_global_zero and (final or time.monotonic() - last_saved > _CHECKPOINT_SECONDS):
            save_checkpoint(folder / CHECKPOINT, learner.network, learner.average, learner.optimiser, progress)
            _save_summary(folder, recipe, progress, fabric)
            last_saved = time.monotonic()


@torch.no_grad()
def validate(network: Upscaler | Pair, pictures: list[NDArray], recipe: Recipe) -> tuple[float, Looks | None]:
    """Mean PSNR in dB over the validation pictures, on Y, by the protocol of the network's colour.

    Super-resolution starts from small pictures made as the recipe's data says; of a pair's small pictures
    the mean looks are returned as well.
    """
    protocol = Protocol(recipe.network.scale, recipe.network.colour)
    degradation = Degradation(recipe.network.scale, recipe.network.colour, recipe.data)

    def through(part: Network, planes: NDArray) -> NDArray:
        operation = Operation(functools.partial(_run, part))
        return (on_grey(operation) if planes.shape[2] < network.channels else operation)(planes)

    scores, looks = [], []
    for planes in pictures:
        truth = protocol.truth(planes)
        if isinstance(network, Pair):
            small = to_pixels(through(network.down, truth), np.uint8)
            looks.append(Looks.beside(small, to_pixels(protocol.reduce(truth), np.uint8)))
            result = through(network.up, to_planes(small))
        else:
            low = degradation.reduce(truth)
            result = through(network, degradation.enlarge(low) if network.interpolated_input else low)
        scores.append(protocol.score(truth, result).psnr_y)
    return float(np.mean(scores)), Looks.mean(looks) if looks else None


def _run(network: Network, planes: NDArray) -> NDArray:
    device = next(network.parameters()).device
    batch = torch.from_numpy(planes.astype(np.float32)).permute(2, 0, 1)[None].to(device)
    return cast(NDArray, network(batch)[0].permute(1, 2, 0).float().cpu().numpy())


def read_curve(folder: Path) -> list[tuple[int, float]]:
    """Step and validation PSNR in dB of a run, from its ``log.csv``."""
    with (folder / LOG).open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [(int(row["step"]), float(row["validation_psnr_y"])) for row in rows if row["validation_psnr_y"]]


def save_best(path: Path, network: nn.Module) -> None:
    """Write a network's weights, replacing the file at once."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_atomically(path, save(tensors), overwrite=True)


def _save_summary(folder: Path, recipe: Recipe, progress: Progress, fabric: Fabric) -> None:
    on_gpu = fabric.device.type == "cuda"
    machine = torch.cuda.get_device_name() if on_gpu else f"{torch.get_num_threads()} CPU cores"
    looks = {key: round(value, 3) for key, value in progress.best_looks.items() if math.isfinite(value)}
    summary = {
        "name": recipe.name,
        "steps": progress.step,
        "minutes": round(progress.seconds / 60, 2),
        "machine": f"{machine} ({platform.machine()}), {recipe.optimisation.precision}",
        "validation_psnr_y": round(progress.best_psnr, 4) if progress.best_step else None,
        "best_step": progress.best_step,
        "recipe_sha256": progress.recipe,
        **({"looks": looks} if looks else {}),
        **({"started_from": progress.started_from} if progress.started_from else {}),
    }
    write_atomically(folder / SUMMARY, json.dumps(summary, indent=2).encode(), overwrite=True)


@contextmanager
def _log(folder: Path, step: int, wanted: bool) -> "Iterator[_Log | None]":
    if not wanted:
        yield None
        return
    log = _Log(folder, step)
    try:
        yield log
    finally:
        log.close()


class _Log:
    """The curves of a run: CSV, TensorBoard and a progress line on standard error."""

    _COLUMNS = ("step", "loss", "learning_rate", "validation_psnr_y", "seconds", "pictures_per_second")

    def __init__(self, folder: Path, step: int) -> None:
        """Continue the log of ``folder`` after ``step``; what a killed run wrote beyond it is dropped."""
        path = folder / LOG
        rows: list[list[str]] = []
        if step and path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in list(csv.reader(file))[1:] if row and int(row[0]) <= step]
        self._file = path.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        self._rows.writerow(self._COLUMNS)
        self._rows.writerows(rows)
        self._file.flush()  # or a kill before the next row would take the whole log along
        self._board = SummaryWriter(str(folder), purge_step=step)
        self._shown = 0.0

    def write(
        self,
        step: int,
        steps: int,
        *,
        loss: float,
        rate: float,
        psnr: float | None,
        best: float,
        seconds: float,
        pictures_per_second: float,
    ) -> None:
        score = "" if psnr is None else f"{psnr:.4f}"
        self._rows.writerow((step, f"{loss:.6g}", f"{rate:.4g}", score, f"{seconds:.1f}", f"{pictures_per_second:.1f}"))
        self._file.flush()
        self._board.add_scalar("loss", loss, step)
        self._board.add_scalar("learning_rate", rate, step)
        if psnr is not None:
            self._board.add_scalar("validation_psnr_y", psnr, step)
        interactive = sys.stderr.isatty()
        if interactive or psnr is not None or step == steps or time.monotonic() - self._shown > 60:
            left = seconds / step * (steps - step)
            line = (
                f"step {step}/{steps}  loss {loss:.5f}  best {best:.2f} dB  "
                f"{pictures_per_second:.0f} pictures/s  {left / 60:.0f} min left"
            )
            end = "\n" if not interactive or step == steps else "\r"
            print(line, end=end, file=sys.stderr, flush=True)
            self._shown = time.monotonic()

    def close(self) -> None:
        self._file.close()
        self._board.close()
