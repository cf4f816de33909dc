"""How good a picture comes back from a file of how many bits, by every way to make the file.

A rate is the bits of the whole file, with its headers and tag, per pixel of the full-size picture. What comes back is
compared in 8 bits with the whole picture, borders included: PSNR over R, G and B, and PSNR, SSIM and MS-SSIM on the
luminance of BT.601, which is not rounded. Comparisons of learned codecs often give the mean MS-SSIM of R, G and B.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from twinscale.codecs.registry import codec_named
from twinscale.engine import Runtime
from twinscale.errors import UsageError
from twinscale.images.colour import luminance
from twinscale.images.downscaling import downscale
from twinscale.images.metrics import psnr, ssim_and_ms_ssim
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.rescale.model import as_model
from twinscale.rescale.ways import Way, ways

VERSION = 1
"""Increased whenever this module changes what it measures, so that kept points are measured again."""

ALONE = "alone"
"""What the codec alone is called among the ways."""

QUALITIES = {
    "JPEG": (5, 10, 20, 30, 50, 70, 80, 90, 95),
    "WEBP": (5, 20, 45, 70, 90),
    "AVIF": (10, 25, 40, 60, 80),
    "JPEGXL": (10, 30, 55, 75, 90),
    "JPEG2000": (30, 45, 55, 65, 80),
}
"""What the codecs are asked for: a few numbers each, which cover 0.1 to 2 bits per pixel of photographs."""

_SAME = 1e-6  # what a similarity may lack of 1: beyond 60 dB there is nothing to tell apart


class Point(NamedTuple):
    """One file of one picture."""

    quality: int
    """What the codec was asked for, 1 to 100."""
    size: int
    """Bytes of the file."""
    psnr_rgb: float
    """dB over all samples."""
    psnr_y: float
    """dB on luminance."""
    ssim: float
    ms_ssim: float


METRICS: Mapping[str, Callable[[Point], float]] = {
    "PSNR-RGB": lambda point: point.psnr_rgb,
    "PSNR-Y": lambda point: point.psnr_y,
    "SSIM": lambda point: _decibels(point.ssim),
    "MS-SSIM": lambda point: _decibels(point.ms_ssim),
}
"""The quality of a point in dB; that of a similarity ``s`` is ``-10 log10(1 - s)``, so that steps near 1 count."""


class Coding(Protocol):
    """What :class:`twinscale.rescale.ways.Way` does."""

    def shrink(self, picture: Picture) -> Picture:
        """Return what the codec gets."""

    def code(self, small: Picture, quality: int) -> bytes:
        """Return a file."""

    def restore(self, data: bytes) -> Picture:
        """Return what comes back, at full size."""


@dataclass(frozen=True, slots=True)
class Bicubic:
    """Bicubic reduction before the codec and bicubic enlargement after it: what any program can do."""

    format: str
    scale: int

    def shrink(self, picture: Picture) -> Picture:
        """Reduce a picture, sides rounded up."""
        return Picture(downscale(picture.pixels, self.scale, "bicubic"))

    def code(self, small: Picture, quality: int) -> bytes:
        """Return a file without a tag."""
        return small.encode(self.format, quality=quality)

    def restore(self, data: bytes) -> Picture:
        """Enlarge the picture in a file; the result may have a last row and column too many."""
        return Picture(imresize(Picture.read(data).pixels, self.scale))


class Contender(NamedTuple):
    """A way that is measured."""

    name: str
    """Scale and model, such as ``"x2 jpeg-x2"``, or :data:`ALONE`."""
    coding: Coding
    is_packed: bool
    """Whether :func:`twinscale.pack` chooses among it and others; what is not, is there to compare with."""
    made_by: str
    """What decides its points: weights, bounds and arithmetic of its networks."""


def contenders(
    format: str, models: Iterable[str | os.PathLike[str]] = (), runtime: Runtime | None = None
) -> list[Contender]:
    """Return the ways into a format that are measured.

    They are those that :func:`twinscale.pack` has, the first being the codec alone; bicubic reduction and enlargement;
    and models that were not made for this codec.

    Args:
        format: a format's name or one of its extensions.
        models: names or folders of the last: a pair shrinks by itself, before an upscaler bicubic reduction does.
        runtime: what runs the networks.

    Raises:
        UsageError: there is no such format, or none of :data:`QUALITIES`.
        ModelError: there is no such model.
    """
    format = codec_named(format).name
    if format not in QUALITIES:
        raise UsageError(f"{format} has no curve of rate and distortion here: choose from {', '.join(QUALITIES)}")
    loaded = [as_model(model, runtime=runtime) for model in models]
    compared = [Way(format, Fraction(model.card.scale), model) for model in loaded]
    packed = {_name(way): way for way in ways(format, runtime)}
    others = {_name(way): way for way in compared if _name(way) not in packed}
    named = [Contender(name, way, name in packed, _made_by(way)) for name, way in {**packed, **others}.items()]
    return [*named, Contender("x2 bicubic", Bicubic(format, 2), False, "")]


def measure(coding: Coding, picture: Picture, qualities: Iterable[int]) -> Iterator[Point]:
    """Yield the points of one way on one picture.

    A file that brings back the very pixels is left out: no curve of dB goes through it. Of a grey picture in a format
    that holds no grey, the first channel counts.

    Args:
        coding: the way.
        picture: 8 bits, opaque, without metadata; see :func:`plain`.
        qualities: what the codec is asked for.

    Raises:
        UsageError: a side is below 161 pixels, too small for MS-SSIM.
    """
    truth = picture.pixels
    truth_y = _luminance(truth)
    small = coding.shrink(picture)
    for quality in qualities:
        data = coding.code(small, quality)
        result = coding.restore(data).pixels[: picture.height, : picture.width, : picture.channels]
        result_y = _luminance(result)
        scores = psnr(truth, result), psnr(truth_y, result_y), *ssim_and_ms_ssim(truth_y, result_y)
        if all(map(math.isfinite, scores)):
            yield Point(quality, len(data), *scores)


def plain(picture: Picture) -> Picture:
    """Return a picture in 8 bits, on white and without metadata, which would count in every file."""
    return Picture(picture.with_depth(8).on_background("white").pixels)


def _name(way: Way) -> str:
    return ALONE if way.model is None else f"x{float(way.scale):g} {way.model.card.name}"


def _made_by(way: Way) -> str:
    if way.model is None:
        return ""
    return f"{way.model.card.digest} {way.model.bounds} {way.model.runtime.arithmetic}"


def _luminance(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return ``(H, W)`` levels: Y of RGB, else the only plane."""
    levels = luminance(pixels / 255) * 255 if pixels.shape[2] == 3 else pixels.astype(np.float64)
    plane: NDArray[np.float64] = levels[:, :, 0]
    return plane


def _decibels(similarity: float) -> float:
    return -10 * math.log10(max(1 - similarity, _SAME))
