"""``twinscale train``: from a recipe and pictures to a model."""

from pathlib import Path
from typing import Literal

import click

from twinscale.cli import complete
from twinscale.cli.command import Command


@click.command(
    cls=Command,
    examples=[
        "twinscale train twin-x2 --data ~/Pictures -o runs/mine",
        "twinscale shrink -m runs/mine photo.png",
    ],
)
@click.argument("recipe", shell_complete=complete.recipes)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Folder of the run; runs/NAME by default.")
@click.option(
    "--data",
    multiple=True,
    help="Train on these sets or folders instead of the recipe's; repeatable.",
    shell_complete=complete.sets,
)
@click.option("--resume", is_flag=True, help="Continue the run in the folder, as it was started.")
@click.option(
    "--from",
    "model",
    help="Start from the weights of this model, a name or a folder; of a pair, the half that fits will do.",
    shell_complete=complete.models,
)
@click.option("--steps", type=click.IntRange(min=1), help="Train this many steps instead of the recipe's.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.01),
    help="Train as many steps as fit into this time instead, however busy the machine is or becomes.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=1e-9),
    help="Learning rate instead of the recipe's, to fine-tune gently.",
)
@click.option("--precision", type=click.Choice(["32-true", "bf16-mixed"]), help="Precision instead of the recipe's.")
@click.option(
    "--preview-every",
    type=click.IntRange(min=0),
    help="Steps between two previews of validation pictures; 0 draws none.",
    show_default="with every validation",
)
@click.option("--accelerator", default="auto", help="auto, cpu or cuda.")
@click.option("--devices", type=click.IntRange(min=1), default=1, help="How many accelerators.")
def train(
    recipe: str,
    output: Path | None,
    data: tuple[str, ...],
    resume: bool,
    model: str | None,
    steps: int | None,
    minutes: float | None,
    learning_rate: float | None,
    precision: Literal["32-true", "bf16-mixed"] | None,
    preview_every: int | None,
    accelerator: str,
    devices: int,
) -> None:
    """Train a network and export it.

    RECIPE is the name of a shipped recipe, or a .toml file. The run's folder explains itself in its README.md. The
    trained model goes into models/NAME there, where NAME is the run's; every -m option accepts the run's folder. Ctrl-C
    writes a checkpoint and ends. Needs the train extra.
    """
    import shlex
    import sys
    from dataclasses import replace

    from twinscale.errors import UsageError, install
    from twinscale.training.cpu import tune_malloc

    tune_malloc()  # before torch is imported
    try:
        from twinscale.training.build import build
        from twinscale.training.export import export_run, load_weights
        from twinscale.training.loop import train as run
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs {error.name}: {install('train')}") from None
    from twinscale.training.budget import shortened
    from twinscale.training.recipe import Recipe
    from twinscale.training.runs import CHECKPOINT, MODELS, RECIPE, check_folder, resume_command
    from twinscale.zoo import load_card

    if steps and minutes:
        raise UsageError("--steps and --minutes both say how long to train: give only one of them")
    if resume and (data or model or steps or minutes or learning_rate or precision):
        raise UsageError("--resume continues a run as it was started: leave out what would change it")
    loaded = Recipe.load(recipe)
    folder = output or Path("runs") / loaded.name
    check_folder(folder, resume)
    if resume:
        loaded = Recipe.load(folder / RECIPE)
    if data:
        loaded = replace(
            loaded,
            description=f"Recipe {loaded.name} on other pictures.",
            data=replace(loaded.data, train=list(data), validation=[]),
        )
    if steps:
        loaded = replace(loaded, optimisation=shortened(loaded.optimisation, steps))
    if learning_rate:
        loaded = replace(loaded, optimisation=replace(loaded.optimisation, learning_rate=learning_rate))
    if precision:
        loaded = replace(loaded, optimisation=replace(loaded.optimisation, precision=precision))
    initial, started_from = None, ""
    if model:
        origin = load_card(model)
        network = build(loaded)
        initial = load_weights(origin, network)
        halves = "" if len(initial) == len(network.state_dict()) else f", {next(iter(initial)).split('.')[0]} only"
        started_from = f"{origin.name} {origin.digest[:12]}{halves}"
    try:
        outcome = run(
            loaded,
            folder,
            resume=resume,
            initial=initial,
            started_from=started_from,
            accelerator=accelerator,
            devices=devices,
            minutes=minutes,
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
