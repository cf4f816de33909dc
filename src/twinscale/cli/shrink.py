"""``twinscale shrink``: make pictures smaller so that they can be brought back, or by a classical method."""

import difflib
from typing import TYPE_CHECKING

import click

from twinscale.cli import complete, options
from twinscale.cli.batch import Batch, BatchCommand, batch_options

if TYPE_CHECKING:
    from twinscale.engine import Runtime


@click.command(
    cls=BatchCommand,
    examples=[
        "twinscale shrink photo.png",
        "twinscale restore photo_shrunk.png",
        "twinscale shrink -m dpid -s 4 photo.jpg     photo_shrunk_dpid-x4.jpg, a quarter as wide, not restorable",
    ],
)
@click.option(
    "--scale",
    "-s",
    type=int,
    help="How many times smaller: 2, 3 or 4, or 2 to 16 by a classical method.",
    show_default="2",
)
@click.option(
    "--method",
    "--model",
    "-m",
    "method",
    help="Name of a pair (dsn-x3), of a family of pairs (dsn: its pair for the scale), or a folder; or a classical "
    "method, which nothing can undo: nearest, bilinear, area, bicubic, lanczos, dpid, perceptual or l0.",
    show_default="twin, and twin-grey for grey pictures",
    shell_complete=complete.downscalers,
)
@options.tile
@options.runtime
@batch_options
def shrink(batch: Batch, scale: int | None, method: str | None, tile: int | None, runtime: "Runtime") -> None:
    """Shrink pictures so that `restore` can bring them back.

    The first network of a pair shrinks. The result is an ordinary picture. JPEG and AVIF become PNG unless named
    otherwise, since a lossless file restores best. By a classical method, pictures keep their format.
    """
    from twinscale.batch import Downscale, Shrink
    from twinscale.errors import ModelError, UsageError
    from twinscale.images.downscaling import METHODS
    from twinscale.rescale.classical import DEFAULT_SCALE
    from twinscale.zoo import load_card

    if method in METHODS:
        batch.run(Downscale(method, DEFAULT_SCALE if scale is None else scale, tile, runtime))
        return
    if method and (near := difflib.get_close_matches(method, METHODS, n=1)):
        try:
            load_card(method, scale)
        except ModelError:
            raise UsageError(f"no method or model {method!r}: did you mean {near[0]!r}?") from None
    batch.run(Shrink(method, scale, tile, runtime))
