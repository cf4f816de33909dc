"""Packing: the fewest bytes for a picture, or the best picture for so many bytes, by whatever way measures best."""

import math
import os
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from twinscale.codecs.registry import codec_named
from twinscale.engine import Runtime
from twinscale.errors import PictureError, UsageError
from twinscale.images.files import write_atomically
from twinscale.images.levels import to_planes
from twinscale.images.picture import Picture, PictureLike
from twinscale.rescale.distortion import SMALLEST, psnr, ssim
from twinscale.rescale.model import ProgressCallback
from twinscale.rescale.search import first
from twinscale.rescale.ways import Way, ways

DEFAULT_QUALITY = 75
"""Of the codec alone, as which a picture is to be as good unless something else is asked for."""

_WHOLE = 2**20  # pixels up to which a way is chosen by the whole picture
_PIECE = 288  # rows and columns of a piece of a larger one: whole blocks of 8 at all scales
_PIECES = 9


class Measured(NamedTuple):
    """A file of a picture, and how good the picture is that comes back."""

    format: str
    scale: Fraction
    """How many times longer the sides of the original are than those of the picture in the file."""
    model: str | None
    """Name of the model that restores, or None for the codec alone."""
    quality: int | None
    """None for a format that is always lossless."""
    bytes: int
    bits_per_pixel: float
    """Of the original."""
    psnr: float
    """dB over R, G and B, infinite if nothing was lost."""
    ssim: float | None
    """On luminance; None of a picture that is too small for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A packed picture: an ordinary file, which :func:`twinscale.restore` brings back.

    Attributes:
        data: the file.
        measured: how it was made, and how good it is.
        alone: the codec alone, by the same aim: as many bytes at most, or as good at least; None if it cannot.
        compared: other codecs alone with at most as many bytes as this file, by their formats; None for one whose
            smallest file is larger.
        width: of the picture in the file, in pixels.
        height: see ``width``.
        notes: what was left out of the file, and what else the user should know, one line each.
    """

    data: bytes
    measured: Measured
    alone: Measured | None
    compared: dict[str, Measured | None]
    width: int
    height: int
    notes: tuple[str, ...] = ()

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the file, complete or not at all.

        Args:
            path: where to.
            overwrite: whether a file that is already there may be replaced.

        Raises:
            OutputExistsError: the file exists and ``overwrite`` is false.
            PictureError: the folder cannot be written to.
        """
        write_atomically(path, self.data, overwrite=overwrite)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a packed picture is to reach; one of the three, or nothing for the default quality.

    Attributes:
        quality: to be as good as the codec alone at this quality of 1 to 100, by PSNR, in as few bytes as possible.
        target_size: to be as good as possible by PSNR, in no more than so many bytes.
        min_psnr: to have at least so many dB in as few bytes as possible.
        min_ssim: the same by SSIM on luminance.

    Raises:
        UsageError: several are given, or one is out of range.
    """

    quality: int | None = None
    target_size: int | None = None
    min_psnr: float | None = None
    min_ssim: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} contradict each other: give one of them")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageError(f"quality {self.quality} is out of range; give 1 to 100")
        if self.target_size is not None and self.target_size < 1:
            raise UsageError(f"a file of {self.target_size} bytes is not possible: give at least 1")
        if self.min_psnr is not None and not 0 < self.min_psnr < math.inf:
            raise UsageError(f"a PSNR of {self.min_psnr} dB is out of range: give more than 0, such as 38")
        if self.min_ssim is not None and not 0 < self.min_ssim <= 1:
            raise UsageError(f"an SSIM of {self.min_ssim} is out of range: give more than 0 and at most 1")


def pack(
    picture: PictureLike,
    format: str = "JPEG",
    *,
    quality: int | None = None,
    target_size: int | None = None,
    min_psnr: float | None = None,
    min_ssim: float | None = None,
    compare: Sequence[str] = (),
    tile: int | None = None,
    runtime: Runtime | None = None,
    progress: ProgressCallback | None = None,
) -> Packed:
    """Make a small file of a picture, in the way that measures best.

    The file is an ordinary one: the picture at full size or reduced, with a tag that names the network by which
    :func:`restore` brings it back. All scales and networks are tried, and so is the codec alone, which is never better
    than the result. Which way is best is seen on the whole picture, or of one above a megapixel on nine pieces; the
    quality is always settled on the whole.

    Args:
        picture: a path, bytes, an open file, a PIL image, an array, or a picture, see :meth:`Picture.of`.
        format: of the file: a format's name or one of its extensions.
        quality: as good as the codec alone at this quality, by PSNR, in fewer bytes. By default 75, unless one of the
            next three is given.
        target_size: bytes that the file may have at most.
        min_psnr: dB that the restored picture must have at least, over R, G and B.
        min_ssim: the same for its SSIM, on luminance.
        compare: formats of which to measure the codec alone with at most as many bytes.
        tile: see :func:`twinscale.engine.run`.
        runtime: what runs the networks.
        progress: called with the finished and the estimated number of steps.

    Raises:
        UsageError: several aims are given, or one is out of range or cannot be reached; a format is unknown, cannot
            hold the tag, or is lossless and no other aim than a quality is given; or this is no picture.
        PictureError: the file cannot be read as a picture, or the format cannot hold it.
        ModelError: a model is damaged.
        OutOfMemoryError: memory runs out.
    """
    return Packer(format, Aim(quality, target_size, min_psnr, min_ssim), tuple(compare), tile, runtime)(
        Picture.of(picture), progress
    )
