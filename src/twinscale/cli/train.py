"""``twinscale train``: from a recipe and pictures to a model."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or a .toml file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the run; runs/NAME by default.", show_default=False)
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Train on these sets or folders instead of the recipe's; repeatable.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the folder.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Start from the weights of this model, a name or a folder; of a pair, from the half that fits.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Train this many steps instead of the recipe's.", show_default=False)
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.01, help="Train as many steps as fit into this time instead.", show_default=False),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(min=1e-9, help="Learning rate instead of the recipe's, to fine-tune gently.", show_default=False),
    ] = None,
    precision: Annotated[
        Literal["32-true", "bf16-mixed"] | None,
        typer.Option(help="Precision instead of the recipe's.", show_default=False),
    ] = None,
    preview_every: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Steps between two previews of validation pictures; 0 draws none.",
            show_default="with every validation",
        ),
    ] = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="How many accelerators.")] = 1,
) -> None:
    """Train a network and export it; needs the train extra.

    The run's folder explains itself in its README.md. The trained model lies there under models/NAME and
    serves every -m option.
    Example: twinscale train twin-x2 --data ~/Pictures; twinscale shrink -m runs/twin-x2/models/twin-x2 photo.png
    """
    import shlex
    import shutil
    import sys
    from dataclasses import replace

    from twinscale.errors import UsageError
    from twinscale.training.cpu import tune_malloc

    tune_malloc()  # before torch is imported
    try:
        from twinscale.training.build import build
        from twinscale.training.export import export_run, load_weights
        from twinscale.training.loop import train as run
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs {error.name}: install it with pip install 'twinscale[train]'") from None
    from twinscale.training.recipe import Recipe
    from twinscale.zoo import load_card

    if steps and minutes:
        raise UsageError("--steps and --minutes both say how long to train: give one of them")
    loaded = Recipe.load(recipe)
    folder = output or Path("runs") / loaded.name
    if resume:
        loaded = Recipe.load(folder / "recipe.toml")
    if data:
        loaded = replace(
            loaded,
            description=f"Recipe {loaded.name} on other pictures.",
            data=replace(loaded.data, train=data, validation=[]),
        )
    if steps:
        loaded = replace(loaded, optimisation=replace(loaded.optimisation, steps=steps))
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
    if not outcome.is_first:
        return
    shutil.rmtree(folder / "models", ignore_errors=True)  # what an earlier sitting of this run exported
    card = export_run(folder, folder / "models")
    typer.echo(f"{card.folder} ({outcome.state.best_psnr:.2f} dB on the validation pictures)")
