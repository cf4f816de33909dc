"""``twinscale restore``: bring shrunk pictures back."""

from typing import TYPE_CHECKING

import click

from twinscale.cli import options
from twinscale.cli.batch import Batch, BatchCommand, batch_options

if TYPE_CHECKING:
    from twinscale.engine import Runtime
    from twinscale.rescale.restore import Fallback


@click.command(cls=BatchCommand, examples=["twinscale restore photo_shrunk.png photo.png"])
@options.model
@click.option(
    "--fallback",
    type=click.Choice(["bicubic", "upscale", "keep"]),
    help="What to do with a picture that carries no tag, instead of refusing it: enlarge it, or keep it as it is.",
)
@click.option("--scale", "-s", type=click.IntRange(2, 16), help="Factor of a picture without a tag.", show_default="2")
@options.tile
@options.runtime
@batch_options
def restore(
    batch: Batch,
    model: str | None,
    fallback: "Fallback | None",
    scale: int | None,
    tile: int | None,
    runtime: "Runtime",
) -> None:
    """Restore pictures that `shrink` or `pack` made.

    Each file's own tag says how. Models of your own are found in the folders that TWINSCALE_MODELS names.
    """
    from twinscale.batch import Restore

    batch.run(Restore(model, fallback, scale, tile, runtime))
