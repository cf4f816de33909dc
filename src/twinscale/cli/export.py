"""``twinscale export``: put a run's best weights into a folder of models."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.")],
    models: Annotated[Path, typer.Argument(help="Folder of models; the run's goes into MODELS/NAME.")],
) -> None:
    """Export the best weights of a run, if they beat the model that is there."""
    from twinscale.errors import UsageError

    try:
        from twinscale.training.export import export_run
    except ModuleNotFoundError as error:
        raise UsageError(f"exporting needs {error.name}: install it with pip install 'twinscale[train]'") from None

    typer.echo(export_run(run, models).folder)
