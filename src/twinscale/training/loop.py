"""The training loop."""

import logging
import sys
import time
from collections.abc import Collection
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from twinscale.errors import PictureError
from twinscale.images.files import write_atomically
from twinscale.nets import Upscaler
from twinscale.training.budget import Pace, fit_into_minutes
from twinscale.training.build import build
from twinscale.training.checkpoint import RunState, load_checkpoint
from twinscale.training.cpu import usable_precision
from twinscale.training.data import Crops, draw_examples, load_examples, validation_examples
from twinscale.training.history import LOG
from twinscale.training.interrupt import noticing_interrupts
from twinscale.training.keeper import RunKeeper, now
from twinscale.training.learner import Learner
from twinscale.training.lock import held
from twinscale.training.mixed import open_fabric
from twinscale.training.recipe import Recipe
from twinscale.training.runs import CHECKPOINT, RECIPE, check_folder, in_proportion
from twinscale.training.split import split_pictures
from twinscale.training.validation import bicubic_psnr, validate


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run reached."""

    folder: Path
    state: RunState
    is_first: bool
    """Whether this process is the first of several devices, the one that wrote the folder."""


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
    begun: float | None = None,
    snapshots: Collection[int] = (),
    preview_every: int | None = None,
    command: str = "",
) -> Outcome:
    """Train a network and leave everything about the run in one folder, whose ``README.md`` explains it.

    The first Ctrl-C, SIGTERM or SIGHUP ends it after the step under way, with a checkpoint; with several devices, at
    once and without one.

    Args:
        recipe: what to train.
        folder: where the run lives.
        resume: continue from the folder's checkpoint, exactly where it was written, with what is left of ``minutes``.
        initial: weights to start from instead of random ones, for all or part of the network.
        started_from: whose weights those are, to be shown and for the record.
        accelerator: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        devices: how many accelerators.
        minutes: take as many steps as fit into this time here, instead of the recipe's, and end in time even if the
            machine becomes slower or faster; ignored when resuming.
        begun: when the minutes began, by ``time.monotonic()``; by default with the first step.
        snapshots: steps of the recipe after which the averaged weights are kept as ``step-N.safetensors``; if
            ``minutes`` changes the recipe's steps, N changes in proportion.
        preview_every: steps between two previews of validation pictures; 0 draws none, None one with every validation.
        command: the command that started the run, for the record.

    Raises:
        UsageError: the folder already holds a run and ``resume`` is off, it holds other files, its run has another
            recipe, or another process is at work in it.
        DatasetError: the pictures are not found, too few or too small.
        PictureError: a picture cannot be read, or the folder cannot be written to.
        ModelError: the checkpoint does not fit the network.
        KeyboardInterrupt: it was interrupted.
    """
    check_folder(folder, resume)
    if resume:
        precision = recipe.optimisation.precision
    else:
        precision = usable_precision(recipe.optimisation.precision, accelerator)
        if precision != recipe.optimisation.precision:
            print("this CPU only emulates bfloat16: training in 32 bits", file=sys.stderr)
    recipe = replace(recipe, optimisation=replace(recipe.optimisation, precision=precision))
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces what the recipe says
    fabric = open_fabric(accelerator, devices, precision)
    fabric.launch()
    fabric.seed_everything(recipe.seed, verbose=False)
    network = build(recipe)
    if initial is not None:
        network.load_state_dict(initial, strict=False)
        fabric.print(f"starting from {started_from or 'given weights'}", file=sys.stderr)
    train_paths, validation_paths, validation_names = split_pictures(recipe.data)
    recipe = replace(recipe, data=replace(recipe.data, validation=validation_names))
    examples = load_examples(train_paths, recipe, network)
    small = len(train_paths) - len(examples) // max(1, len(recipe.data.scales))
    left_out = f" ({small} left out: smaller than the crop of {recipe.data.crop} pixels)" if small else ""
    drawn = draw_examples(examples, recipe, network)
    beside = f" beside {len(drawn)} drawn ones" if drawn else ""
    fabric.print(
        f"{len(train_paths) - small} pictures to train on{left_out}{beside}, {len(validation_paths)} to validate",
        file=sys.stderr,
    )
    is_told = isinstance(network, Upscaler) and network.conditions > 0
    crops = Crops(
        examples + drawn,
        recipe.data,
        recipe.seed,
        fabric.device,
        fabric.global_rank,
        fabric.world_size,
        is_told=is_told,
    )
    validation = validation_examples(validation_paths, recipe.data.reduced_first)
    bicubic = bicubic_psnr(dict(zip(validation_names, validation, strict=True)), recipe)
    if minutes and not resume:
        fabric.print(f"timing a few steps, to take as many as fit into {minutes:g} min", file=sys.stderr)
        planned = recipe.optimisation.steps
        spec = fit_into_minutes(
            _left(minutes, begun),
            network,
            recipe.optimisation,
            crops,
            fabric,
            lambda net: validate(net, validation, recipe),
        )
        minutes = _left(minutes, begun)
        recipe = replace(recipe, optimisation=spec)
        snapshots = {in_proportion(step, planned, spec.steps) for step in snapshots}
    learner = Learner(network, recipe.optimisation, fabric)
    state = RunState(minutes=minutes, recipe=recipe.digest(), started_from=started_from, started=now(), command=command)
    if resume:
        state = load_checkpoint(folder / CHECKPOINT, network, learner.average, learner.optimiser, state.recipe)
        fabric.print(f"going on from {_reached(state, recipe)}", file=sys.stderr)

    with ExitStack() as stack:
        keeper = None
        if fabric.is_global_zero:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(folder / LOG))
            if not resume:
                write_atomically(folder / RECIPE, recipe.dumps().encode(), overwrite=True)
            keeper = RunKeeper(
                folder, recipe, learner, state, validation, bicubic, snapshots, preview_every, devices=fabric.world_size
            )
        try:
            with closing(keeper) if keeper else nullcontext():
                all_taken = _steps(learner, crops, recipe, state, keeper, fabric)
        except OSError as error:
            reason = error.strerror or error
            raise PictureError(
                f"{folder}: cannot be written ({reason}); make room and continue with --resume"
            ) from error
    if not all_taken:
        fabric.print(f"interrupted, with a checkpoint, at {_reached(state, recipe)}", file=sys.stderr)
        raise KeyboardInterrupt
    return Outcome(folder, state, fabric.is_global_zero)


def _steps(
    learner: Learner, crops: Crops, recipe: Recipe, state: RunState, keeper: RunKeeper | None, fabric: Fabric
) -> bool:
    """Take the steps that are left; return False if they were interrupted."""
    spec = recipe.optimisation
    pace, start, before = Pace(spec, state, fabric), time.monotonic(), state.seconds
    # One of several devices that ended would let the others wait for it in vain.
    noticing = noticing_interrupts() if fabric.world_size == 1 else nullcontext(lambda: False)
    with noticing as interrupted:
        while not state.is_finished(spec.steps):
            pace.keep(before + time.monotonic() - start, keeper.validating if keeper else 0.0)
            # So that what a network draws, such as qualities, is the same in a run that was resumed.
            torch.manual_seed(_seed(recipe.seed, state.step, fabric.global_rank))
            loss = learner.step(state.position, *crops.batch(state.step))
            state.advance(spec.steps)
            state.seconds = before + time.monotonic() - start
            if keeper:
                keeper.stepped(loss)
                if interrupted():
                    keeper.interrupted()
                    return False
    return True


def _left(minutes: float, begun: float | None) -> float:
    """Return what is left of some minutes; a run that comes too late still takes a step."""
    return minutes if begun is None else max(0.01, minutes - (time.monotonic() - begun) / 60)


def _seed(*numbers: int) -> int:
    """Mix several numbers into one."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _reached(state: RunState, recipe: Recipe) -> str:
    """Say where a run stands."""
    taken = f"step {state.step} of {state.planned(recipe.optimisation.steps)}, after {state.seconds / 60:.1f} minutes"
    return taken + (f"; best so far {state.best_psnr:.2f} dB at step {state.best_step}" if state.best_step else "")
