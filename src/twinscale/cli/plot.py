"""``twinscale plot``: the curves of training runs."""

from pathlib import Path
from typing import Annotated

import typer


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of training runs.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The PNG file to write; by default curves.png, of one run in its folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw loss and validation PSNR of one run or of several; needs the train extra.

    The loss is drawn thin for training and with dots for validation. Prints the name of the file.
    Example: twinscale plot runs/fast-x2 runs/fast-x3 -o both.png
    """
    from twinscale.errors import UsageError

    try:
        import matplotlib  # noqa: F401 (asked for now, to say what is missing)

        from twinscale.drawings import TrainingCurves
        from twinscale.training.log import History
        from twinscale.training.runs import Run, short_names
    except ModuleNotFoundError as error:
        raise UsageError(f"plotting needs {error.name}: install it with pip install 'twinscale[train]'") from None

    path = output or (runs[0] / "curves.png" if len(runs) == 1 else Path("curves.png"))
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path} is no PNG file: name one that ends in .png with -o")
    histories = {}
    for folder, name in zip(runs, short_names(runs), strict=True):
        histories[name] = History.of(Run.load(folder).rows)
        if not histories[name].training_loss:
            raise UsageError(f"{folder} has logged nothing yet: wait for its first validation")
    drawing = TrainingCurves(
        {name: history.training_loss for name, history in histories.items()},
        {name: history.validation_loss for name, history in histories.items()},
        {name: history.psnr for name, history in histories.items()},
    )
    try:
        drawing.save(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): name another file with -o") from None
    typer.echo(path)
