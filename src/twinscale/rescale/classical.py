"""Shrinking a picture by a classical method, which no network can undo."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from twinscale import spill
from twinscale.engine import Operation, run
from twinscale.engine.operation import with_alpha
from twinscale.errors import OutOfMemoryError
from twinscale.images.downscaling import KERNELS, check, downscale
from twinscale.images.levels import to_pixels
from twinscale.images.picture import Picture
from twinscale.rescale.model import ProgressCallback
from twinscale.rescale.xmp import remove_tag

DEFAULT_SCALE = 2

_REACH = 3  # blocks: lanczos, which reaches furthest
_BYTES = 200  # per pixel of a tile with alpha


def shrink_classically(
    picture: Picture, scale: int, method: str, *, tile: int | None = None, progress: ProgressCallback | None = None
) -> Picture:
    """Shrink a picture and its alpha, sides rounded up; metadata and depth stay, a tag does not.

    Alpha is reduced like the colour by kernels, and bicubically beside the other methods.

    Args:
        picture: what to shrink.
        scale: see :func:`twinscale.images.downscaling.downscale`.
        method: see :func:`twinscale.images.downscaling.downscale`.
        tile: see :func:`twinscale.engine.run`; only transparent pictures need tiles.
        progress: see :func:`twinscale.engine.run`.

    Raises:
        UsageError: an unknown method, or a scale that is not a whole number from 2 to 16.
        OutOfMemoryError: memory runs out.
    """
    check(scale, method)
    # A shrunk picture that is reduced is none any more, and the pixels are no JPEG's.
    picture = replace(picture, xmp=remove_tag(picture.xmp), quantisation=None)
    if not picture.is_opaque:
        result = run(_with_alpha(int(scale), method), picture.samples(), tile=tile, progress=progress)
        return replace(picture, pixels=spill.contiguous(result[:, :, :-1]), alpha=spill.contiguous(result[:, :, -1]))
    try:
        pixels = downscale(picture.pixels, scale, method)
    except MemoryError:
        raise OutOfMemoryError(
            f"memory ran out on a picture of {picture.width}x{picture.height}: close other programs or use a smaller "
            "picture"
        ) from None
    if progress:
        progress(1, 1)
    if pixels.dtype.kind == "f":
        pixels = to_pixels(pixels, pixels.dtype)  # within 0 to 1
    alpha = None if picture.alpha is None else np.broadcast_to(picture.alpha[:1, :1], pixels.shape[:2])
    return replace(picture, pixels=pixels, alpha=alpha)


def _with_alpha(scale: int, method: str) -> Operation:
    def operation(method: str) -> Operation:
        return Operation(
            lambda planes: downscale(planes, scale, method),
            scale=Fraction(1, scale),
            radius=np.inf if method == "l0" else _REACH * scale,
            multiple_of=scale,
            activation_bytes=_BYTES,
        )

    return with_alpha(operation(method), operation(method if method in KERNELS else "bicubic"), block=scale)
