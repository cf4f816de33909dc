"""``twinscale export``: put a run's best weights into a folder of models."""

from pathlib import Path

import click

from twinscale.cli import complete
from twinscale.cli.command import Command


@click.command(
    cls=Command, examples=["twinscale export runs/cats models", "twinscale export runs/cats models --name cats-x2"]
)
@click.argument("run", type=click.Path(path_type=Path), shell_complete=complete.runs)
@click.argument("models", type=click.Path(path_type=Path))
@click.option("--name", default="", help="Name of the model.", show_default="the run's")
def export(run: Path, models: Path, name: str) -> None:
    """Export the best weights of a run.

    RUN is the folder of a training run. Its model goes into MODELS/NAME, if it beats the one that is there. A run that
    has the name of a shipped model becomes my-NAME. Needs the train extra.
    """
    from twinscale.errors import UsageError, install

    try:
        from twinscale.training.export import export_run
    except ModuleNotFoundError as error:
        raise UsageError(f"exporting needs {error.name}: {install('train')}") from None

    click.echo(export_run(run, models, name=name).folder)
