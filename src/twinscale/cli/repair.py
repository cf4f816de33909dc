"""``twinscale repair``: remove what JPEG did to pictures."""

from typing import TYPE_CHECKING

import click

from twinscale.cli import complete, options
from twinscale.cli.batch import Batch, BatchCommand, batch_options

if TYPE_CHECKING:
    from twinscale.engine import Runtime


@click.command(
    cls=BatchCommand,
    examples=[
        "twinscale repair photo.jpg",
        "twinscale repair folder -o repaired",
        "twinscale repair --saved-at 50 photo.png    a JPEG that was converted since",
    ],
)
@click.option(
    "--model",
    "-m",
    help="Name of a model of scale 1, or a folder.",
    show_default="jpeg-x1",
    shell_complete=complete.models,
)
@click.option(
    "--saved-at",
    type=click.IntRange(1, 100),
    help="Quality at which pictures were saved as JPEGs, if the files do not say so any more: they were converted "
    "since, or saved again at a higher quality.",
)
@options.tile
@options.runtime
@batch_options
def repair(batch: Batch, model: str | None, saved_at: int | None, tile: int | None, runtime: "Runtime") -> None:
    """Remove blocks, ripples and colour noise from JPEGs.

    How much is done depends on the quality that each file's own tables tell. JPEGs become PNG unless named otherwise,
    since another JPEG would lose much of what was gained. To enlarge a JPEG, use `upscale` at once: it repairs as well.
    """
    from twinscale.batch import Repair

    batch.run(Repair(model, saved_at, tile, runtime))
