"""Folders of training runs: the files in them, and what they say."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twinscale.errors import UsageError
from twinscale.training.history import LOG, LogRow, best_row, read_rows
from twinscale.training.recipe import Recipe
from twinscale.zoo import model_names
from twinscale.zoo.card import BARE_NAME

RECIPE = "recipe.toml"
CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"
SUMMARY = "run.json"
README = "README.md"
MODELS = "models"
PREVIEWS = "previews"

_FILES = {
    RECIPE: "the resolved recipe, validation pictures included: what decides the weights",
    LOG: "the curves: losses, learning rate, validation PSNR, seconds, pictures per second",
    f"{PREVIEWS}/": "what the network made of validation pictures while it trained",
    SUMMARY: "what the run reached, in how long, on what machine",
    BEST: "the weights with the best validation PSNR",
    CHECKPOINT: "the state to resume from: weights, averaged weights, optimiser, progress",
    "step-N.safetensors": "the averaged weights of step N, if they were asked for",
    "events.out.tfevents.*": "the curves and the previews for TensorBoard",
    f"{MODELS}/NAME/": "the exported model, once the run is finished, for every -m option",
}


def snapshot_file(step: int) -> str:
    """Return the name of the file that keeps a run's averaged weights of one step."""
    return f"step-{step}.safetensors"


def in_proportion(step: int, planned: int, taken: int) -> int:
    """Return the step of a run of ``taken`` steps that corresponds to one of ``planned``; at least 1."""
    return max(1, round(step * taken / planned))


def check_folder(folder: Path, resume: bool) -> None:
    """Refuse to mix a run with another one, or with files that are no run's.

    A run that ended before its first checkpoint may start again in its folder. Hidden files do not count.

    Raises:
        UsageError: the folder holds a run and is not to be resumed, holds none and is, or holds anything else; or no
            model can have its name.
    """
    check_model_name(model_name(folder))
    if (folder / CHECKPOINT).exists():
        if not resume:
            raise UsageError(f"{folder} already holds a run: continue it with --resume or choose another folder")
    elif resume:
        raise UsageError(f"{folder} holds no checkpoint to resume from: start it without --resume")
    elif folder.exists() and not (folder.is_dir() and (_is_run(folder) or _is_empty(folder))):
        raise UsageError(f"{folder} holds other files, but a run needs a folder of its own: name a new one with -o")


def _is_run(folder: Path) -> bool:
    return (folder / RECIPE).is_file() and (folder / LOG).is_file()


def _is_empty(folder: Path) -> bool:
    return all(path.name.startswith(".") for path in folder.iterdir())


def model_name(folder: Path) -> str:
    """Return the name of the model that a run's weights become: the folder's own.

    A shipped model's name gets ``my-`` in front: pictures shrunk by one's own pair must not claim to be made by that
    one, and ``-m NAME`` finds the shipped one.
    """
    name = folder.resolve().name
    return f"my-{name}" if name in model_names() else name


def check_model_name(name: str) -> None:
    """Refuse a name that no model can have.

    Raises:
        UsageError: it is empty, too long, or has characters that mean something in paths.
    """
    if not BARE_NAME.allows(name):
        raise UsageError(
            f"a model cannot be called {name!r}: give a plain name, without folders, that begins with a letter or a "
            'digit and has none of : * ? " < > |'
        )


def resume_command(folder: Path) -> str:
    """Return the command that continues a run."""
    return f"twinscale train {shlex.quote(str(folder / RECIPE))} --resume -o {shlex.quote(str(folder))}"


@dataclass(frozen=True, slots=True)
class Run:
    """A training run, finished or not, as its folder records it."""

    folder: Path
    recipe: Recipe
    rows: list[LogRow]
    """Its log; empty if it has just started."""
    summary: dict[str, Any]
    """Its ``run.json``; empty before the first validation."""

    @classmethod
    def load(cls, folder: Path) -> "Run":
        """Read a run's folder.

        Raises:
            UsageError: it is not a run's folder, or this version cannot read its recipe.
        """
        if not _is_run(folder):
            raise UsageError(f"{folder} is not a run folder with {RECIPE} and {LOG}: name one such as runs/NAME")
        path = folder / SUMMARY
        summary = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return cls(folder, Recipe.load(folder / RECIPE), read_rows(folder), summary)

    @property
    def steps(self) -> int:
        """Steps taken, as far as they are logged."""
        return self.rows[-1].step if self.rows else 0

    @property
    def best(self) -> LogRow | None:
        """The step whose weights were kept as the best; None before the first validation."""
        return best_row(self.rows, self.recipe.optimisation.colour_bound)

    def facts(self) -> dict[str, Any]:
        """Return what is worth knowing about the run, as plain values."""
        best, last = self.best, self.rows[-1] if self.rows else None
        planned = self.summary.get("planned_steps", self.recipe.optimisation.steps)
        return {
            "name": self.recipe.name,
            "folder": str(self.folder),
            "architecture": self.recipe.network.architecture,
            "scale": self.recipe.network.scale,
            "colour": self.recipe.network.colour,
            "data": self.recipe.data.train,
            "steps": self.steps,
            "planned_steps": planned,
            "finished": self.steps >= planned,
            "minutes": round(last.seconds / 60, 2) if last else 0.0,
            "pictures_per_second": self.summary.get("pictures_per_second", last.pictures_per_second if last else None),
            "machine": self.summary.get("machine"),
            "training_loss": last.loss if last else None,
            "validation_loss": best.validation_loss if best else None,
            "validation_psnr_y": best.validation_psnr_y if best else None,
            "best_step": best.step if best else None,
            "bicubic_psnr_y": self.summary.get("bicubic_psnr_y"),
        }


def find_runs(folder: Path) -> Iterator[Path]:
    """Yield the run folders below a folder, or the folder itself, in order of their names."""
    for path in sorted(folder.rglob(LOG)):
        if (path.parent / RECIPE).is_file():
            yield path.parent


def short_names(folders: Sequence[Path]) -> list[str]:
    """Return each folder's own name if no other has it, else its path."""
    names = [folder.resolve().name for folder in folders]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, folders, strict=True)]


def best_of(runs: Sequence[Run]) -> Run | None:
    """Return the run with the best validation PSNR; None before any, or if scales or validation pictures differ."""
    if any(_task(run.recipe) != _task(runs[0].recipe) for run in runs):
        return None
    scores = [(best.validation_psnr_y or 0.0, run) for run in runs if (best := run.best)]
    return max(scores, key=lambda score: score[0])[1] if scores else None


def _task(recipe: Recipe) -> tuple[int, list[str]]:
    """Return what must be the same for PSNR to be comparable."""
    return recipe.network.scale, recipe.data.validation


def differences(recipes: Sequence[Recipe]) -> dict[str, list[Any]]:
    """Return the keys in which recipes differ, and each recipe's value; None if it has no such key.

    Name and description decide nothing and are left out.
    """
    flat = [_flat(asdict(recipe)) for recipe in recipes]
    keys = dict.fromkeys(key for values in flat for key in values if key not in ("name", "description"))
    rows = {key: [values.get(key) for values in flat] for key in keys}
    return {key: values for key, values in rows.items() if any(value != values[0] for value in values)}


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def readme(folder: Path, recipe: Recipe, summary: Mapping[str, Any], command: str, *, is_pair: bool) -> str:
    """Write the page that explains a run's folder.

    Args:
        folder: the run's folder, as commands name it.
        recipe: what is trained.
        summary: as in ``run.json``; ``validation_psnr_y`` is None before the first validation.
        command: the command that started the run; empty if it was started from Python.
        is_pair: whether the model shrinks, rather than enlarges.
    """
    run, models = shlex.quote(str(folder)), shlex.quote(str(folder / MODELS))
    own, model = shlex.quote(str(folder / RECIPE)), shlex.quote(str(folder / MODELS / model_name(folder)))
    network, planned = recipe.network, summary["planned_steps"]
    taken = f"{summary['steps']} of {planned}, in {summary['minutes']:g} minutes on {summary['machine']}"
    facts = {
        "started": summary.get("started", ""),
        "started from": summary.get("started_from", ""),
        "recipe": recipe.name,
        "network": f"{network.architecture} x{network.scale}, {network.colour}",
        "channel": recipe.channel.name if recipe.channel else "",
        "data": ", ".join(recipe.data.train),
        "steps": taken,
        "training loss": f"{summary['training_loss']:.3g}" if summary["training_loss"] is not None else "",
        "best validation": "none yet",
    }
    if summary["validation_psnr_y"] is not None:
        count = len(recipe.data.validation)
        pictures = f"over {count} picture{'s' * (count > 1)}"
        reached = f"{summary['validation_psnr_y']:.2f} dB at step {summary['best_step']}"
        facts["best validation"] = f"{reached}, {pictures}; bicubic: {summary['bicubic_psnr_y']:.2f} dB"
    if summary["steps"] < planned:
        export = f"twinscale export {run} {models}", "export the best weights so far"
        next_ones = [(resume_command(folder), "continue from the checkpoint"), export]
    else:
        further = f"twinscale train {own} --from {model} -o {shlex.quote(f'{folder}-more')}"
        next_ones = [(further, "train its weights further")]
    use = "shrink" if is_pair else "upscale"
    commands = [
        *([(command, "what started it")] if command else []),
        *next_ones,
        (f"twinscale plot {run}", "draw the curves into curves.png"),
        (f"twinscale runs compare {run} OTHER", "beside another run"),
        (f"twinscale evaluate {model} FOLDER", "measure on other pictures"),
        (f"twinscale {use} -m {model} photo.png", "use it"),
    ]
    lines = [
        f"# {folder.resolve().name}\n",
        *([f"{recipe.description}\n"] if recipe.description else []),
        "| | |\n| --- | --- |",
        *(f"| {key} | {value} |" for key, value in facts.items() if value),
        "\n| file | what it is |\n| --- | --- |",
        *(f"| `{name}` | {what} |" for name, what in _FILES.items()),
        "\n```sh",
        *(f"{line:60}  # {why}" for line, why in commands),
        "```\n",
    ]
    return "\n".join(lines)
