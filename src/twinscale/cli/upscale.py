"""``twinscale upscale``: super-resolution."""

from typing import TYPE_CHECKING

import click

from twinscale.cli import options
from twinscale.cli.batch import Batch, BatchCommand, batch_options

if TYPE_CHECKING:
    from twinscale.engine import Runtime


@click.command(
    cls=BatchCommand,
    examples=["twinscale upscale photo.jpg", "twinscale upscale -m best -s 3 folder -o larger"],
)
@click.option("--scale", "-s", type=float, help="Factor, above 1 and at most 4.", show_default="2")
@options.model
@options.ensemble
@options.tile
@options.runtime
@batch_options
def upscale(
    batch: Batch, scale: float | None, model: str | None, ensemble: bool, tile: int | None, runtime: "Runtime"
) -> None:
    """Enlarge pictures with a trained network."""
    from twinscale.batch import Upscale

    batch.run(Upscale(model, scale, ensemble, tile, runtime))
