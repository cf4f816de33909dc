"""``twinscale plot``: the curves of training runs."""

from pathlib import Path

import click

from twinscale.cli import options
from twinscale.cli.command import Command


@click.command(cls=Command, examples=["twinscale plot runs/fast-x2 runs/fast-x3 -o both.png"])
@options.runs
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="The PNG file to write; by default curves.png, in the folder of a single run.",
)
def plot(runs: tuple[Path, ...], output: Path | None) -> None:
    """Draw loss and validation PSNR of one run or of several.

    RUN is the folder of a training run. The loss is drawn thin for training and with dots for validation; dashed is the
    PSNR of bicubic enlargement. Prints the name of the file. Needs the train extra.
    """
    from twinscale.errors import UsageError, install

    try:
        import matplotlib  # noqa: F401 (imported now, to say what is missing)

        from twinscale.drawings import TrainingCurves
        from twinscale.training.history import History
        from twinscale.training.runs import Run, short_names
    except ModuleNotFoundError as error:
        raise UsageError(f"plotting needs {error.name}: {install('train')}") from None

    path = output or (runs[0] / "curves.png" if len(runs) == 1 else Path("curves.png"))
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path} is not a PNG file: name one that ends in .png with -o")
    histories, bicubic = {}, {}
    for folder, name in zip(runs, short_names(runs), strict=True):
        run = Run.load(folder)
        histories[name] = History.of(run.rows)
        if not run.rows:
            raise UsageError(f"{folder} has logged nothing yet: wait for its first validation")
        if level := run.facts()["bicubic_psnr_y"]:
            bicubic[name] = level
    drawing = TrainingCurves(
        {name: history.training_loss for name, history in histories.items()},
        {name: history.validation_loss for name, history in histories.items()},
        {name: history.psnr for name, history in histories.items()},
        bicubic,
    )
    try:
        drawing.save(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): name another file with -o") from None
    click.echo(path)
