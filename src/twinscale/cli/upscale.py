"""``twinscale upscale``: super-resolution."""

import re
from typing import TYPE_CHECKING

import click

from twinscale.cli import options
from twinscale.cli.batch import Batch, BatchCommand, batch_options

if TYPE_CHECKING:
    from twinscale.engine import Runtime


class _Box(click.ParamType):
    """A width and a height, as in ``1920x1080``."""

    name = "WxH"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return the two numbers."""
        match = re.fullmatch(r"(\d{1,9})[x×](\d{1,9})", value)
        if match is None:
            self.fail(f"{value!r} is not a width and a height such as 1920x1080.", param, ctx)
        return int(match[1]), int(match[2])


@click.command(
    cls=BatchCommand,
    examples=[
        "twinscale upscale photo.jpg",
        "twinscale upscale -m best -s 3 folder -o larger",
        "twinscale upscale --fit 1920x1080 photo.jpg",
    ],
)
@click.option("--scale", "-s", type=float, help="Factor, above 1 and at most 16.", show_default="2")
@click.option("--width", "-W", type=click.IntRange(1), help="Width in pixels; the height follows.")
@click.option("--height", "-H", type=click.IntRange(1), help="Height in pixels; the width follows.")
@click.option("--fit", type=_Box(), help="The largest size that fits inside, such as 1920x1080.")
@options.model
@options.ensemble
@options.tile
@options.runtime
@batch_options
def upscale(
    batch: Batch,
    scale: float | None,
    width: int | None,
    height: int | None,
    fit: tuple[int, int] | None,
    model: str | None,
    ensemble: bool,
    tile: int | None,
    runtime: "Runtime",
) -> None:
    """Enlarge pictures with trained networks, by a factor or to a size.

    Unless a model is named, JPEGs are repaired on the way.
    """
    from twinscale.batch import Upscale
    from twinscale.rescale.upscale import REPAIRED

    batch.run(Upscale(model, scale, ensemble, tile, runtime, width, height, fit), general=REPAIRED)
