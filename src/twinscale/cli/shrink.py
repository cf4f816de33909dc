"""``twinscale shrink``: make pictures smaller so that they can be brought back."""

from typing import TYPE_CHECKING

import click

from twinscale.cli import options
from twinscale.cli.batch import Batch, BatchCommand, batch_options

if TYPE_CHECKING:
    from twinscale.engine import Runtime


@click.command(
    cls=BatchCommand,
    examples=["twinscale shrink photo.png", "twinscale restore photo_shrunk.png"],
)
@click.option("--scale", "-s", type=int, help="2, 3 or 4: how many times smaller.", show_default="2")
@options.model
@options.tile
@options.runtime
@batch_options
def shrink(batch: Batch, scale: int | None, model: str | None, tile: int | None, runtime: "Runtime") -> None:
    """Shrink pictures so that `restore` can bring them back.

    The first network of a pair shrinks. The result is an ordinary picture. JPEG and AVIF become PNG unless named
    otherwise, since a lossless file restores best.
    """
    from twinscale.batch import Shrink

    batch.run(Shrink(model, scale, tile, runtime))
