"""What is kept of a run while it trains: curves, weights, checkpoints, previews, a summary and a page."""

import json
import math
import platform
import time
from bisect import bisect
from collections.abc import Collection
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from twinscale.images.files import write_atomically
from twinscale.nets import Pair
from twinscale.training.checkpoint import RunState, save_checkpoint, save_weights
from twinscale.training.history import LogRow, standing
from twinscale.training.learner import Learner
from twinscale.training.log import Log
from twinscale.training.previews import draw_preview, preview_crops
from twinscale.training.recipe import Recipe
from twinscale.training.runs import BEST, CHECKPOINT, PREVIEWS, README, SUMMARY, readme, snapshot_file
from twinscale.training.validation import VALIDATION_SHARE, Validation, validate, validation_steps

_CHECKPOINT_SECONDS = 180.0
_LOG_STEPS = 100


class RunKeeper:
    """Validates a run while it trains, and keeps in its folder what it produces and what explains it.

    Args:
        folder: the run's folder.
        recipe: what is trained, resolved.
        learner: what learns; its average is validated and kept.
        state: where the run stands. The training loop advances it; the keeper adds what validation finds.
        validation: planes of the validation pictures, ``(H, W, C)`` in [0, 1].
        bicubic: PSNR in dB of bicubic enlargement on them, to compare with.
        snapshots: steps of the recipe after which the averaged weights are kept.
        preview_every: steps between two previews; 0 draws none, None one with every validation.
        devices: how many devices learn, each from its own batch.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        learner: Learner,
        state: RunState,
        validation: list[NDArray],
        bicubic: float,
        snapshots: Collection[int],
        preview_every: int | None,
        devices: int,
    ) -> None:
        self._folder, self._recipe, self._learner, self._state = folder, recipe, learner, state
        self._validation, self._shown = validation, preview_crops(validation)
        self._bicubic = bicubic
        self._snapshots, self._validations = sorted(snapshots), validation_steps(recipe.optimisation)
        self._preview_every = preview_every
        self._pictures = recipe.data.batch * devices
        self._losses: list[Tensor] = []
        self._before = state.position
        self._first, self._start = state.step, time.monotonic()
        self._last_saved = self._start
        self.validating = 0.0
        """Seconds of this sitting that validations and everything else beside training took."""
        spec = recipe.optimisation
        self._log = Log(folder, state.step, state.planned(spec.steps), bicubic, spec.colour_bound)
        self._write_readme()

    def stepped(self, loss: Tensor) -> None:
        """Keep what is due after a step; the run's state says which step."""
        state, steps = self._state, self._recipe.optimisation.steps
        self._losses.append(loss)
        self._log.advance(state.step, state.planned(steps))
        for snapshot in self._due(self._snapshots):
            save_weights(self._folder / snapshot_file(snapshot), self._learner.average, state.step)
        validated = bool(self._due(self._validations)) and (state.is_finished(steps) or self._has_time_to_validate())
        self._before = state.position
        is_logged, every = validated or state.step % _LOG_STEPS == 0, self._preview_every
        if is_logged:
            self._take_loss()
        start = time.monotonic()
        if is_logged:
            self._write_row(validated)
        if validated if every is None else every and state.step % every == 0:
            self._preview()
        # Only after logging, so that every logged loss is the mean of one sitting's steps.
        if is_logged and (state.is_finished(steps) or start - self._last_saved > _CHECKPOINT_SECONDS):
            self._save_checkpoint()
        pause = time.monotonic() - start
        self.validating += pause
        if validated:
            state.validation_seconds = pause

    def interrupted(self) -> None:
        """Keep everything that a resumed run needs to go on from here."""
        if self._losses:
            self._take_loss()
            self._write_row(validated=False)
        self._save_checkpoint()

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def _due(self, steps: list[int]) -> list[int]:
        """Return those of some steps of the recipe that the last step has reached."""
        return steps[bisect(steps, self._before) : bisect(steps, self._state.position)]

    def _has_time_to_validate(self) -> bool:
        """Return whether enough was trained since validations began to take their share of a limited time."""
        elapsed = time.monotonic() - self._start
        return self._state.minutes is None or self.validating <= VALIDATION_SHARE * elapsed

    def _take_loss(self) -> None:
        """Wait for the device and average over the losses since the row before."""
        self._state.training_loss = torch.stack(self._losses).mean().item()
        self._losses.clear()

    def _write_row(self, validated: bool) -> None:
        state, validation = self._state, self._validate() if validated else None
        assert state.training_loss is not None
        self._log.write(
            LogRow(
                step=state.step,
                loss=state.training_loss,
                learning_rate=self._learner.learning_rate,
                validation_loss=validation.loss if validation else None,
                validation_psnr_y=validation.psnr_y if validation else None,
                ciede2000_p99=validation.looks.ciede2000_p99 if validation and validation.looks else None,
                seconds=state.seconds,
                pictures_per_second=(state.step - self._first) * self._pictures / (time.monotonic() - self._start),
            )
        )

    def _save_checkpoint(self) -> None:
        learner = self._learner
        save_checkpoint(self._folder / CHECKPOINT, learner.network, learner.average, learner.optimiser, self._state)
        self._save_summary()
        self._last_saved = time.monotonic()

    def _validate(self) -> Validation:
        """Measure the averaged weights and keep them if they are the best so far."""
        state, average, bound = self._state, self._learner.average, self._recipe.optimisation.colour_bound
        validation = validate(average, self._validation, self._recipe)
        looks: dict[str, float | None] = asdict(validation.looks) if validation.looks else {}
        best = standing(state.best_psnr, state.best_looks.get("ciede2000_p99"), bound)
        if standing(validation.psnr_y, looks.get("ciede2000_p99"), bound) > best:
            state.best_psnr, state.best_step = validation.psnr_y, state.step
            state.best_loss, state.best_looks = validation.loss, looks
            save_weights(self._folder / BEST, average, state.step)
            self._save_summary()
        return validation

    def _preview(self) -> None:
        step = self._state.step
        path = self._folder / PREVIEWS / f"step-{step:07}.png"
        path.parent.mkdir(exist_ok=True)
        self._log.picture(step, draw_preview(path, self._learner.average, self._shown, self._recipe))

    def _save_summary(self) -> None:
        summary = {key: value for key, value in self._summary().items() if value not in (None, "", {})}
        write_atomically(self._folder / SUMMARY, json.dumps(summary, indent=2).encode(), overwrite=True)
        self._write_readme()

    def _write_readme(self) -> None:
        is_pair = isinstance(self._learner.network, Pair)
        text = readme(self._folder, self._recipe, self._summary(), self._state.command, is_pair=is_pair)
        write_atomically(self._folder / README, text.encode(), overwrite=True)

    def _summary(self) -> dict[str, Any]:
        recipe, state = self._recipe, self._state
        on_gpu = next(self._learner.average.parameters()).is_cuda
        cores = torch.get_num_threads()
        machine = torch.cuda.get_device_name() if on_gpu else f"{cores} CPU core{'s' if cores > 1 else ''}"
        return {
            "name": recipe.name,
            "data": recipe.data.train,
            "steps": state.step,
            "planned_steps": state.planned(recipe.optimisation.steps),
            "minutes": round(state.seconds / 60, 2),
            "pictures_per_second": _rounded(state.step * self._pictures / max(state.seconds, 1e-9)),
            "machine": f"{machine} ({platform.machine()}), {recipe.optimisation.precision}",
            "training_loss": _rounded(state.training_loss),
            "validation_psnr_y": round(state.best_psnr, 4) if state.best_step else None,
            "validation_loss": _rounded(state.best_loss),
            "best_step": state.best_step,
            "bicubic_psnr_y": round(self._bicubic, 4),
            "recipe_sha256": state.recipe,
            "looks": {
                key: round(value, 3)
                for key, value in state.best_looks.items()
                if value is not None and math.isfinite(value)
            },
            "started_from": state.started_from,
            "started": state.started,
            "finished": now() if state.is_finished(recipe.optimisation.steps) else "",
        }


def _rounded(value: float | None) -> float | None:
    """Round to six significant digits."""
    return None if value is None else float(f"{value:.6g}")


def now() -> str:
    """Return the time in ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
