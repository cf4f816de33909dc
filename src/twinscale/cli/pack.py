"""``twinscale pack``: small files of pictures, in the way that measures best."""

import re
from typing import TYPE_CHECKING

import click

from twinscale.cli import options
from twinscale.cli.batch import Batch, BatchCommand, batch_options

if TYPE_CHECKING:
    from twinscale.engine import Runtime

_UNITS = {"": 1, "k": 1000, "m": 1000**2}


class _Bytes(click.ParamType):
    """A number of bytes, as in ``204800``, ``200k`` or ``1.5MB``."""

    name = "bytes"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?) ?([km]?)b?", value.strip().lower())
        if match is None:
            self.fail(f"{value!r} is not a number of bytes such as 200k.", param, ctx)
        return int(float(match[1]) * _UNITS[match[2]])


class _Formats(click.ParamType):
    """Names of formats, as in ``jpeg,webp``."""

    name = "formats"

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names, if there are such formats."""
        from twinscale.codecs.registry import codec_named

        if isinstance(value, tuple):
            return value
        return tuple(codec_named(name.strip()).name for name in value.split(","))


@click.command(
    cls=BatchCommand,
    examples=[
        "twinscale pack photo.png -o photo.jpg",
        "twinscale restore photo.jpg back.png",
        "twinscale pack -f avif --target-size 50k --compare jpeg,webp photo.png",
    ],
)
@click.option(
    "--target-size", type=_Bytes(), metavar="BYTES", help="The best picture in a file of so many bytes at most: 200k."
)
@click.option("--min-psnr", type=float, metavar="DB", help="The smallest file that restores to so many dB at least.")
@click.option("--min-ssim", type=float, help="The smallest file that restores to such an SSIM at least, 0 to 1.")
@click.option(
    "--compare",
    type=_Formats(),
    default=(),
    metavar="FORMATS",
    help="Show how good other formats are in as many bytes: jpeg,webp,avif,jxl.",
    show_default=False,
)
@options.tile
@options.runtime
@batch_options
def pack(
    batch: Batch,
    target_size: int | None,
    min_psnr: float | None,
    min_ssim: float | None,
    compare: tuple[str, ...],
    tile: int | None,
    runtime: "Runtime",
) -> None:
    """Make small files of pictures, in the way that measures best.

    The result is an ordinary picture of full or smaller size, from which `restore` makes one that is better than the
    format alone could store in as many bytes. Scales, networks and qualities are tried on the picture itself. By
    default it is as good as the format alone at -q 75, in fewer bytes. PNG, TIFF and BMP become JPEG unless named
    otherwise.
    """
    from twinscale.batch import Pack
    from twinscale.rescale.pack import Aim

    batch.run(Pack(Aim(batch.quality, target_size, min_psnr, min_ssim), compare, tile, runtime))
