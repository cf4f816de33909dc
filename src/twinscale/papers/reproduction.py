"""Reproducing a paper: train what is missing, measure it, and keep all results by hash."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from twinscale.benchmark.timing import medians
from twinscale.datasets import find_pictures
from twinscale.engine import run
from twinscale.errors import UsageError
from twinscale.evaluation import evaluate
from twinscale.evaluation.looks import Looks
from twinscale.evaluation.protocol import VERSION, Protocol, Scores
from twinscale.evaluation.provenance import REFERENCE, Provenance
from twinscale.evaluation.record import Record
from twinscale.evaluation.trial import Rescaler, Trial, bicubic
from twinscale.images.files import write_atomically
from twinscale.images.picture import Picture
from twinscale.nets import Pair, Upscaler
from twinscale.papers.report import Block, Figure, as_json, markdown
from twinscale.rescale import Model, load
from twinscale.training.build import build
from twinscale.training.checkpoint import saved_step
from twinscale.training.export import count_multiply_adds, export_run, load_weights
from twinscale.training.history import read_log
from twinscale.training.loop import train
from twinscale.training.recipe import DataSpec, Recipe, shortened
from twinscale.training.rescaler import as_shipped, exported
from twinscale.training.runs import BEST, CHECKPOINT, MODELS, RECIPE, SUMMARY, in_proportion, snapshot_file
from twinscale.zoo import load_card, model_names

_TIMED_SIDE = 258  # of the full-size picture that networks are timed on: a multiple of 2 and 3
_ENOUGH = 0.8  # of the budget, because the trial that turns minutes into steps is not exact


@dataclass(frozen=True, slots=True)
class Trained:
    """A network that was trained for a reproduction."""

    key: str
    """Hash of everything that decides the weights, except the length of the training."""
    weights: str
    """SHA-256 of the weights."""
    steps: int
    minutes: float
    machine: str
    validation_psnr_y: float
    curve: list[tuple[int, float]]
    """Step and validation PSNR in dB."""
    training_loss: list[tuple[int, float]] = field(default_factory=list)
    """Step and training loss, mean since the point before; empty in results from before this was logged."""
    validation_loss: list[tuple[int, float]] = field(default_factory=list)
    """Step and the recipe's pixel loss over the validation pictures; empty in the same case."""

    @classmethod
    def load(cls, kept: dict[str, Any]) -> "Trained":
        """Make one from what ``asdict`` became in a JSON file, where pairs are lists."""
        curves = ("curve", "training_loss", "validation_loss")
        return cls(**{**kept, **{name: [(step, value) for step, value in kept.get(name, [])] for name in curves}})

    def __str__(self) -> str:
        """Say how long it was trained, and where."""
        return f"{self.steps} steps, {self.minutes:.0f} min on {self.machine}"


class Reproduction:
    """Trains and measures what the items of a paper show, unless a result is kept.

    Args:
        folder: where ``papers/NAME.json`` keeps results, and ``results.json`` those of shipped models.
        paper: name of the paper.
        minutes: how long each network trains; None trains as long as its recipe says.
        sets: names of the sets to measure on.
        notify: called with one line before anything that takes a long time.
    """

    def __init__(
        self,
        folder: Path,
        paper: str,
        *,
        minutes: float | None,
        sets: list[str],
        notify: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.folder = folder / "papers"
        self.sets = sets
        self._runs = folder / "runs"
        self._minutes, self._notify = minutes, notify
        self._shipped = Record(folder)
        self._path = self.folder / f"{paper}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else {}
        self._networks = {name: Trained.load(entry) for name, entry in kept.get("networks", {}).items()}
        self._items: dict[str, Any] = kept.get("items", {})
        self._steps: dict[str, int] = kept.get("steps", {})
        self._snapshots: dict[str, set[int]] = {}
        self._pacemakers: dict[str, tuple[Recipe, float]] = {}
        self._starts: dict[str, Mapping[str, Recipe | str]] = {}
        self._pairs: dict[str, Recipe] = {}
        self._scores: dict[str, Scores] = {key: Scores(**entry) for key, entry in kept.get("scores", {}).items()}
        self._figures: dict[str, list[float]] = kept.get("figures", {})

    @property
    def is_full(self) -> bool:
        """Whether networks train as long as their recipes say, and by the paper's where there is one."""
        return self._minutes is None

    def trained(self, recipe: Recipe, snapshots: Collection[int] = ()) -> Trained:
        """Train the network of a recipe, unless the result of enough training is kept.

        Args:
            recipe: what is trained.
            snapshots: steps of the recipe that :meth:`network` will be asked for.

        Raises:
            DatasetError: the recipe's pictures are not found.
        """
        self._snapshots.setdefault(recipe.name, set()).update(snapshots)
        key = self._key(recipe)
        kept = self._networks.get(recipe.name)
        if kept and kept.key == key and self._is_enough(kept, recipe):
            self._note_pace(recipe, kept)  # kept from another budget
            return kept
        folder = self._run_folder(recipe)
        if not _is_finished(folder):
            self._train(recipe, folder)
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        history = read_log(folder)
        made = Trained(
            key=key,
            weights=hashlib.sha256((folder / BEST).read_bytes()).hexdigest(),
            steps=summary["steps"],
            minutes=summary["minutes"],
            machine=summary["machine"],
            validation_psnr_y=summary["validation_psnr_y"],
            curve=history.psnr,
            training_loss=history.training_loss,
            validation_loss=history.validation_loss,
        )
        self._networks[recipe.name] = made
        self._note_pace(recipe, made)
        self._save()
        return made

    def _train(self, recipe: Recipe, folder: Path) -> None:
        is_started, minutes = (folder / CHECKPOINT).exists(), self._minutes
        pacemaker, _ = self._pacemaker(recipe)
        if minutes and pacemaker.name != recipe.name:
            self.trained(pacemaker)
        planned, snapshots = recipe.optimisation.steps, self._snapshots[recipe.name]
        if is_started:
            recipe = Recipe.load(folder / RECIPE)
        elif minutes and (steps := self._timed_steps(recipe)):
            recipe, minutes = replace(recipe, optimisation=shortened(recipe.optimisation, steps)), None
        recipe = replace(recipe, data=self._with_exported_pair(recipe.data))
        how_long = f"{minutes:g} minutes" if minutes else f"{recipe.optimisation.steps} steps"
        self._notify(f"training {recipe.name}, {how_long}")
        due = {in_proportion(step, planned, recipe.optimisation.steps) for step in snapshots}
        train(recipe, folder, resume=is_started, minutes=minutes, snapshots=due, **self._start(recipe, is_started))

    def start_from(self, recipe: Recipe, parts: Mapping[str, Recipe | str]) -> None:
        """Let a network start from weights that are trained here, or from those of a shipped model.

        Args:
            recipe: how the network is trained.
            parts: whose weights each of its parts starts from, by the part's name in it; ``""`` is the whole network.
                A network that is trained here has the shape of the part; a model, named, has such a part itself.
        """
        self._starts[recipe.name] = parts

    def _start(self, recipe: Recipe, is_started: bool) -> dict[str, Any]:
        """Return what training is told of the weights that a network starts from."""
        parts = self._starts.get(recipe.name)
        if is_started or not parts:
            return {}
        initial: dict[str, Tensor] = {}
        for part, start in parts.items():
            if isinstance(start, str):
                own = load_weights(load_card(start), build(recipe))
                initial |= {name: weights for name, weights in own.items() if name.startswith(part)}
            else:
                own = self.network(start).state_dict()
                initial |= {f"{part}.{name}".removeprefix("."): weights for name, weights in own.items()}
        whose = (start if isinstance(start, str) else start.name for start in parts.values())
        return {"initial": initial, "started_from": ", ".join(whose)}

    def keep_pace(self, pacemaker: Recipe, recipes: Iterable[Recipe], share: float = 1.0) -> None:
        """Let networks of any size take as many steps as one of them, which is trained first, takes in the time given.

        Args:
            pacemaker: the network that is timed.
            recipes: those that take its steps.
            share: of these steps, how many they take.
        """
        self._pacemakers |= {recipe.name: (pacemaker, share) for recipe in recipes}

    def _pacemaker(self, recipe: Recipe) -> tuple[Recipe, float]:
        return self._pacemakers.get(recipe.name, (recipe, 1.0))

    def _pace(self, recipe: Recipe) -> str:
        """Return a key to what takes equally many steps: networks of one size share one timing of the budget."""
        pacemaker, _ = self._pacemaker(recipe)
        spec, size = pacemaker.network, sum(weights.numel() for weights in build(pacemaker).parameters())
        return f"{spec.architecture} x{spec.scale}, {size} parameters, {self._minutes or 'all its'} minutes"

    def _timed_steps(self, recipe: Recipe) -> int | None:
        """Return how many steps a network takes, or None if none of its pace has been trained yet."""
        _, share = self._pacemaker(recipe)
        timed = self._steps.get(self._pace(recipe))
        return timed and max(1, round(share * timed))

    def _note_pace(self, recipe: Recipe, made: Trained) -> None:
        """Let others of its pace take the steps that a network took, if it is the first."""
        _, share = self._pacemaker(recipe)
        self._steps.setdefault(self._pace(recipe), round(made.steps / share))

    def small_pictures_of(self, pair: Recipe) -> str:
        """Return the ``reduced_by`` of recipes whose small pictures are those of a pair that is trained here."""
        name = f"{pair.name}, trained here"
        self._pairs[name] = pair
        return name

    def _with_exported_pair(self, data: DataSpec) -> DataSpec:
        """Replace the name of a pair that is trained here by the folder of its run, which then holds its model."""
        if not (pair := self._pairs.get(data.reduced_by)):
            return data
        run = self._weights(pair, None).parent
        export_run(run, run / MODELS, only_better=False)
        return replace(data, reduced_by=str(run.resolve()))

    def budget(self, recipes: Iterable[Recipe]) -> str:
        """Say by whose recipe networks were trained and for how long, for the reader who compares."""
        said: dict[str, list[str]] = {}
        for recipe in recipes:
            whose = "the paper's" if recipe.name.startswith("paper-") else "our own"
            planned = f" (the recipe: {recipe.optimisation.steps} steps)"
            said.setdefault(whose, []).append(f"`{recipe.name}` {self.trained(recipe)}{planned}")
        return " ".join(f"Trained by {whose} recipe: {'; '.join(each)}." for whose, each in said.items())

    def network(self, recipe: Recipe, at: int | None = None) -> Upscaler | Pair:
        """Load a trained network in evaluation mode; it is trained again if only its results were kept.

        Args:
            recipe: what is trained.
            at: step of the recipe whose averaged weights to load, instead of the best ones; in a run that was
                shortened to the budget, the step in proportion.

        Raises:
            UsageError: the recipe does not take that step.
        """
        from safetensors.torch import load_file

        network = build(recipe)
        network.load_state_dict(load_file(self._weights(recipe, at)))
        return network.eval()

    def taken(self, recipe: Recipe, at: int) -> int:
        """Return how many steps a network had taken when it reached a step of its recipe, see :meth:`network`.

        That is not in proportion if steps were timed again, because each may then lead further than those before.
        """
        steps = saved_step(self._weights(recipe, at))
        return in_proportion(at, recipe.optimisation.steps, self.trained(recipe).steps) if steps is None else steps

    def _weights(self, recipe: Recipe, at: int | None) -> Path:
        planned, folder = recipe.optimisation.steps, self._run_folder(recipe)
        if at is not None and not 1 <= at <= planned:
            raise UsageError(f"{recipe.name} has no step {at}: use one from 1 to {planned}")
        kept = self.trained(recipe, [] if at is None else [at])
        best = folder / BEST
        if not best.exists() or hashlib.sha256(best.read_bytes()).hexdigest() != kept.weights:
            del self._networks[recipe.name]
            self.trained(recipe)
        if at is None:
            return best

        def snapshot() -> Path:
            intended = Recipe.load(folder / RECIPE).optimisation.steps  # before steps were timed again
            return folder / snapshot_file(in_proportion(at, planned, intended))

        if not snapshot().exists():  # it was trained without this one
            for name in (CHECKPOINT, SUMMARY):
                (folder / name).unlink(missing_ok=True)
            del self._networks[recipe.name]
            self.trained(recipe)
        return snapshot()

    def rescaler(self, recipe: Recipe, reduced_by: str | None = None) -> Rescaler:
        """Return a trained network as it would ship.

        Args:
            recipe: how the network is trained.
            reduced_by: what makes the small pictures of super-resolution, as in a recipe's data; by default what it was
                trained on. A blur is for training alone.
        """
        data = replace(recipe.data, reduced_by=reduced_by or recipe.data.reduced_by, blur=0.0)
        return as_shipped(self.network(recipe), recipe.network, self._with_exported_pair(data))

    def score(self, recipe: Recipe, dataset: str, reduced_by: str | None = None) -> Scores:
        """Return the mean scores of a trained network on a set.

        Args:
            recipe: how the network is trained.
            dataset: name of the set.
            reduced_by: as for :meth:`rescaler`.
        """
        reduced_by = reduced_by or recipe.data.reduced_by
        if (key := self._score_key(recipe, dataset, reduced_by)) in self._scores:
            return self._scores[key]
        protocol, rescaler = Protocol(recipe.network.scale, recipe.network.colour), self.rescaler(recipe, reduced_by)
        key = self._score_key(recipe, dataset, reduced_by)  # the weights are others if it was trained again
        self._notify(f"measuring {recipe.name} on {dataset}, reduced by {reduced_by}")
        return self._measure(key, rescaler, protocol, dataset)

    def bicubic(self, scale: int, dataset: str) -> Scores:
        """Return the mean scores of bicubic reduction and enlargement in RGB on a set."""
        protocol, key = Protocol(scale, "rgb"), f"bicubic x{scale} in RGB {dataset}, protocol {VERSION}"
        return self._scores.get(key) or self._measure(key, bicubic(protocol), protocol, dataset)

    def _measure(self, key: str, rescaler: Rescaler, protocol: Protocol, dataset: str) -> Scores:
        trials = (Trial.of(rescaler, protocol, planes) for planes in planes_of(dataset))
        self._scores[key] = Scores.mean([trial.scores(protocol) for trial in trials])
        self._save()
        return self._scores[key]

    def _score_key(self, recipe: Recipe, dataset: str, reduced_by: str) -> str:
        """Return a key made of what decides a score."""
        made_by = Provenance(self.trained(recipe).weights[:16])
        reduction = self._digest_of_reduction(reduced_by)
        return f"{made_by.weights} {dataset} {reduction}, {made_by.engine}, protocol {made_by.protocol}"

    def figures(self, key: str, measure: Callable[[], list[float]]) -> list[float]:
        """Return figures that are measured once.

        Args:
            key: names all that decides them.
            measure: called if nothing is kept under this key.
        """
        if key not in self._figures:
            self._notify(f"measuring {key}")
            self._figures[key] = measure()
            self._save()
        return self._figures[key]

    def shipped(self, name: str, dataset: str) -> Scores:
        """Return the mean scores of a shipped model on a set."""
        return self._shipped.scores(self._measured(name, dataset), dataset)

    def looks(self, name: str, dataset: str) -> Looks:
        """Return how the small pictures of a shipped pair look, mean over a set."""
        looks = self._shipped.looks(self._measured(name, dataset), dataset)
        assert looks is not None, f"{name} is not a pair"
        return looks

    def _measured(self, name: str, dataset: str) -> Model:
        """Return a shipped model, after measuring it on a set unless its results are kept."""
        model = load(name, REFERENCE)
        if not self._shipped.has(model, dataset):
            self._notify(f"measuring {name} on {dataset}")
            self._shipped.add(evaluate(model, dataset))
        return model

    def keep(self, item: str, blocks: list[Block]) -> dict[str, str]:
        """Keep what an item shows and draw its figures; return the Markdown of every item made so far."""
        for block in blocks:
            if isinstance(block, Figure):
                block.drawing.save(self.folder / block.file)
        self._items[item] = {"markdown": markdown(blocks), "blocks": [as_json(block) for block in blocks]}
        self._save()
        return {name: kept["markdown"] for name, kept in self._items.items()}

    def _is_enough(self, kept: Trained, recipe: Recipe) -> bool:
        if self._minutes is None or kept.steps >= recipe.optimisation.steps:
            return kept.steps >= recipe.optimisation.steps
        if timed := self._timed_steps(recipe):
            return kept.steps >= timed
        return kept.minutes >= _ENOUGH * self._minutes

    def _run_folder(self, recipe: Recipe) -> Path:
        length = f"{self._minutes:g}min" if self._minutes else f"{recipe.optimisation.steps}steps"
        return self._runs / f"{recipe.name}-{self._key(recipe)[:8]}-{length}"

    def _key(self, recipe: Recipe) -> str:
        """Hash a recipe, except how long and how precisely it trains, the pair that reduces, and where it starts."""
        spec = replace(recipe.optimisation, steps=1, warmup=0, validate_every=1, precision="32-true")
        said = [replace(recipe, description="", optimisation=spec).digest()]
        said.append(self._digest_of_reduction(recipe.data.reduced_by))
        for part, start in self._starts.get(recipe.name, {}).items():
            weights = load_card(start).digest if isinstance(start, str) else self.trained(start).weights
            said.append(f"{part}: {weights}")
        return hashlib.sha256(" ".join(said).encode()).hexdigest()

    def _digest_of_reduction(self, reduced_by: str) -> str:
        """Return the name of a reduction, or the hash of the pair's weights."""
        if pair := self._pairs.get(reduced_by):
            return self.trained(pair).weights[:16]
        return load_card(reduced_by).digest[:16] if reduced_by in model_names() else reduced_by

    def _save(self) -> None:
        kept = {
            "networks": {name: asdict(made) for name, made in sorted(self._networks.items())},
            "items": self._items,
            "steps": self._steps,
            "scores": {key: asdict(scores) for key, scores in sorted(self._scores.items())},
            "figures": dict(sorted(self._figures.items())),
        }
        write_atomically(self._path, json.dumps(kept, indent=1).encode(), overwrite=True)


def demo_picture(name: str) -> NDArray[np.uint8]:
    """Return a picture that comes with scikit-image and may be shown anywhere, ``(H, W, 3)``, by its name there."""
    import skimage.data

    picture: NDArray[np.uint8] = getattr(skimage.data, name)()
    return picture


def planes_of(dataset: str) -> list[NDArray]:
    """Load the pictures of a set, each ``(H, W, C)`` in [0, 1].

    Raises:
        DatasetError: the set is not found.
    """
    return [Picture.read(path).planes() for path in find_pictures(dataset)]


def untrained(recipe: Recipe) -> Upscaler:
    """Build the super-resolution network of a recipe with its initial weights."""
    network = build(recipe)
    assert isinstance(network, Upscaler)
    return network


def milliseconds(networks: Iterable[Upscaler]) -> list[float]:
    """Return medians of three runs through the engine, in turns, per megapixel of the full-size picture."""

    def timed(network: Upscaler) -> Callable[[], object]:
        operation = exported(network)
        side = _TIMED_SIDE // int(operation.scale)
        planes = np.random.default_rng(0).random((side, side, network.planes), dtype=np.float32)
        return lambda: run(operation, planes, dtype=np.float32)

    return medians(3, *map(timed, networks), per=_TIMED_SIDE**2 / 1e6)


def multiply_adds(network: Upscaler) -> float:
    """Count the multiply-adds per pixel of the full-size picture."""
    return count_multiply_adds(network) / network.factor**2


def _is_finished(folder: Path) -> bool:
    return (folder / SUMMARY).exists() and "finished" in json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
