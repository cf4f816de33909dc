"""``twinscale train``: from recipes and pictures to models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from twinscale.cli import complete
from twinscale.cli.command import Command

if TYPE_CHECKING:
    from twinscale.training.jobs import Job
    from twinscale.training.recipe import Recipe

_EXPORT_SECONDS = 20.0  # what the model's export may take of a limited time
_OF_A_SITTING = {"accelerator", "devices", "preview_every"}  # what may change when a run is resumed
_OF_ALL = {"recipes", "output", "resume", "queue", "jobs", "check"}  # what does not say how one of several is trained


@click.command(
    cls=Command,
    examples=[
        "twinscale train twin-x2 --data ~/Pictures -o runs/mine",
        "twinscale shrink -m runs/mine photo.png",
        "twinscale train fast-x2 twin-x2 twin-y-x2 --minutes 25 --set data.batch=64 --set data.crop=96",
    ],
)
@click.argument("recipes", metavar="[RECIPE]...", nargs=-1, shell_complete=complete.recipes)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder of the run, runs/NAME by default; with several recipes, the folder that holds their runs.",
)
@click.option(
    "--data",
    multiple=True,
    help="Train on these sets or folders instead of the recipe's; repeatable.",
    shell_complete=complete.sets,
)
@click.option("--resume", is_flag=True, help="Continue the run in the folder, as it was started.")
@click.option(
    "--from",
    "models",
    multiple=True,
    help="Start from the weights of this model, a name or a folder; of a pair, the half that fits will do. Repeatable, "
    "for halves of several.",
    shell_complete=complete.models,
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value of the recipe, such as data.batch=64 or optimisation.learning_rate=5e-4; repeatable.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Train this many steps instead of the recipe's, with warm-up and decay in proportion.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.01),
    help="Take as many steps as fit into this time instead, however busy the machine is or becomes; several recipes "
    "share it.",
)
@click.option(
    "--preview-every",
    type=click.IntRange(min=0),
    help="Steps between two previews of validation pictures; 0 draws none.",
    show_default="with every validation",
)
@click.option("--accelerator", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train.")
@click.option("--devices", type=click.IntRange(min=1), default=1, help="How many accelerators.")
@click.option(
    "--queue",
    type=click.Path(path_type=Path),
    help="Train what this text file lists, one after the other: on every line what would follow 'twinscale train'.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="How many trainings run at a time.",
    show_default="of a queue 1, else all on a GPU, on CPUs one per core",
)
@click.option("--check", is_flag=True, help="Train nothing: list what the machine has to have, and what it lacks.")
@click.pass_context
def train(
    context: click.Context,
    /,
    recipes: tuple[str, ...],
    output: Path | None,
    resume: bool,
    minutes: float | None,
    accelerator: str,
    queue: Path | None,
    jobs: int | None,
    check: bool,
    **options: Any,
) -> None:
    """Train a network, or several, and export them.

    RECIPE is the name of a shipped recipe, or a .toml file. The run's folder explains itself in its README.md. The
    trained model goes into models/NAME there, where NAME is the run's; every -m option accepts the run's folder. Ctrl-C
    writes a checkpoint and ends. Needs the train extra.

    Several recipes, or a queue, are trained in processes of their own, which go on if this command ends. The same
    command continues what was interrupted. What they reach is gathered in trained.zip beside the runs.
    """
    from twinscale.errors import UsageError

    if bool(recipes) == bool(queue):
        raise UsageError("nothing or too much to train: name recipes, or a --queue")
    folder = output or Path("runs")
    if not (check or queue or jobs or len(recipes) > 1):
        _train_one(recipes[0], output, resume, minutes, accelerator, **options)
        return
    if resume:
        raise UsageError("--resume is for a single run: of several, the same command continues those that are there")
    trainings = _queued(queue, context, folder) if queue else [_Training.of(name, context, folder) for name in recipes]
    if len({training.run.name for training in trainings}) < len(trainings):
        raise UsageError("two trainings would share a folder: in a queue, give one of them its own with -o runs/NAME")
    _check(trainings, folder, accelerator, is_shown=check)
    if check:
        return
    import torch

    from twinscale.errors import TwinscaleError
    from twinscale.training.cores import usable
    from twinscale.training.jobs import Plan, carry_out

    planned = [training.job(is_timed=minutes is not None, may_replace=queue is not None) for training in trainings]
    on_gpu = accelerator != "cpu" and torch.cuda.is_available()
    at_once = jobs or (1 if queue else len(planned) if on_gpu else len(usable()))
    plan = Plan(
        folder=folder,
        jobs=planned,
        at_once=min(at_once, len(planned)),
        on_gpu=on_gpu,
        minutes=minutes,
        is_tuned=queue is not None and minutes is None,
    )
    carry_out(plan)
    if left := plan.unfinished():
        named = ", ".join(str(job.output) for job in left)
        raise TwinscaleError(f"{len(left)} of {len(planned)} not finished, see {named}; the same command continues")


def _train_one(
    name: str,
    output: Path | None,
    resume: bool,
    minutes: float | None,
    accelerator: str,
    *,
    models: tuple[str, ...],
    devices: int,
    preview_every: int | None,
    **changes: Any,
) -> None:
    import shlex
    import sys
    import time

    from twinscale.errors import UsageError, install
    from twinscale.training.cpu import tune_malloc

    begun = time.monotonic()
    tune_malloc()  # before torch is imported
    try:
        from twinscale.training.build import build
        from twinscale.training.export import export_run, starting_weights
        from twinscale.training.loop import train as run
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs {error.name}: {install('train')}") from None
    from twinscale.training.recipe import Recipe
    from twinscale.training.runs import CHECKPOINT, MODELS, RECIPE, check_folder, resume_command

    if resume and (models or minutes or any(changes.values())):
        raise UsageError("--resume continues a run as it was started: leave out what would change it")
    loaded = _recipe(name, minutes=minutes, **changes)
    folder = output or Path("runs") / loaded.name
    check_folder(folder, resume)
    if resume:
        loaded = Recipe.load(folder / RECIPE)
    initial, started_from = starting_weights(models, build(loaded)) if models else (None, "")
    try:
        outcome = run(
            loaded,
            folder,
            resume=resume,
            initial=initial,
            started_from=started_from,
            accelerator=accelerator,
            devices=devices,
            minutes=minutes and minutes - min(_EXPORT_SECONDS / 60, minutes / 4),
            begun=begun,
            preview_every=preview_every,
            command=shlex.join(["twinscale", *sys.argv[1:]]),
        )
    except KeyboardInterrupt:
        if (folder / CHECKPOINT).exists():
            click.echo(f"continue with: {resume_command(folder)}", err=True)
        raise
    if not outcome.is_first:
        return
    card = export_run(folder, folder / MODELS, only_better=False)  # replaces what was exported while it trained
    click.echo(f"{card.folder} ({outcome.state.best_psnr:.2f} dB on the validation pictures)")


def _recipe(
    name: str, *, data: Sequence[str], steps: int | None, settings: Sequence[str], minutes: float | None, **_: Any
) -> "Recipe":
    """Load a recipe and change what the options say."""
    from twinscale.errors import UsageError
    from twinscale.training.recipe import Recipe, shortened

    if steps and minutes:
        raise UsageError("--steps and --minutes both say how long to train: give only one of them")
    recipe = Recipe.load(name)
    if data:
        recipe = replace(
            recipe,
            description=f"Recipe {recipe.name} on other pictures.",
            data=replace(recipe.data, train=list(data), validation=[]),
        )
    if steps:
        recipe = replace(recipe, optimisation=shortened(recipe.optimisation, steps))
    return recipe.with_settings(settings)


@dataclass(frozen=True, slots=True)
class _Training:
    """One of several trainings."""

    name: str
    """Of its recipe, as it was given."""
    recipe: "Recipe"
    run: Path
    """Its run's folder."""
    context: click.Context
    """The command line, or the line of a queue, that says how it is trained."""

    @classmethod
    def of(cls, name: str, context: click.Context, folder: Path, output: Path | None = None) -> "_Training":
        """Make one whose run is in ``folder``, if it has no folder of its own."""
        recipe = _recipe(name, **context.params)
        return cls(name, recipe, output or folder / recipe.name, context)

    def job(self, *, is_timed: bool, may_replace: bool) -> "Job":
        """Return how it is trained by itself.

        Args:
            is_timed: whether its time is a share of that of all.
            may_replace: whether it may replace a shipped model.
        """
        from twinscale.training.jobs import Job
        from twinscale.training.runs import RECIPE

        left_out, there = _OF_ALL | ({"minutes"} if is_timed else set()), ["-o", str(self.run)]
        return Job(
            recipe=self.name,
            folder=self.run,
            start=[self.name, *_given(self.context, lambda name: name not in left_out), *there],
            resume=[str(self.run / RECIPE), "--resume", *_given(self.context, _OF_A_SITTING.__contains__), *there],
            replaces=_shipped(self.recipe) if may_replace else None,
        )


def _shipped(recipe: "Recipe") -> Path | None:
    """Return the folder of the shipped model that a recipe is of, if their scores can be compared."""
    from twinscale.zoo import load_card, model_names

    if recipe.name not in model_names():
        return None
    card = load_card(recipe.name)
    return card.folder if card.training.get("validation") == recipe.data.validation else None


def _queued(path: Path, context: click.Context, folder: Path) -> list[_Training]:
    """Read the recipe and the options of every training in a queue's file."""
    import shlex

    from twinscale.errors import UsageError

    if given := _given(context, lambda name: name not in {*_OF_ALL, "minutes"}):
        raise UsageError(f"{given[0]} concerns a single training: write it into its line of {path}")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the queue {path} ({error}): name a text file") from None
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            words = shlex.split(line, comments=True)
            own = train.make_context("train", words) if words else None
        except (ValueError, click.ClickException) as error:
            said = error.format_message() if isinstance(error, click.ClickException) else str(error)
            raise UsageError(f"{path}, line {number}: {said}") from None
        if own is None:
            continue
        if len(own.params["recipes"]) != 1 or _given(own, (_OF_ALL - {"recipes", "output"}).__contains__):
            raise UsageError(f"{path}, line {number}: must be one recipe and how it is trained, not {line.strip()!r}")
        found.append(_Training.of(own.params["recipes"][0], own, folder, own.params["output"]))
    if not found:
        raise UsageError(f"{path} lists no training: write on each line what would follow 'twinscale train'")
    return found


def _check(trainings: Sequence[_Training], folder: Path, accelerator: str, *, is_shown: bool) -> None:
    """Find out whether the machine has what trainings need, and say what it lacks; ``is_shown`` says all."""
    from twinscale.errors import UsageError
    from twinscale.training.requirements import requirements

    made, needs = set(), []
    for training in trainings:
        models = training.context.params["models"]
        needs.append((training.recipe, [model for model in models if model not in made]))
        made.add(str(training.run))
    found = list(requirements(needs, folder, accelerator))
    lacking = [each for each in found if not each.is_met]
    for each in found if is_shown else lacking:
        click.echo(f"{'found  ' if each.is_met else 'MISSING'}  {each.what}: {each.said}", err=not is_shown)
    if lacking:
        raise UsageError(f"{len(lacking)} of {len(found)} requirements are not met, see above")


def _given(context: click.Context, is_wanted: Callable[[str], bool]) -> list[str]:
    """Return the words of the options that were given and have a wanted name."""
    words = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if is_wanted(name) and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            value = context.params[name]
            for each in value if isinstance(value, tuple) else [value]:
                words += [parameter.opts[0], str(each)]
    return words
