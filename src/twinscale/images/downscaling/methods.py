"""All methods by name."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from twinscale import spill
from twinscale.errors import UsageError
from twinscale.images.downscaling.blocks import padded, to_blocks
from twinscale.images.downscaling.dpid import dpid
from twinscale.images.downscaling.l0 import l0
from twinscale.images.downscaling.perceptual import perceptual
from twinscale.images.linear import to_dtype
from twinscale.images.resize import Kernel, imresize

KERNELS: dict[str, Kernel] = {
    "nearest": "nearest",
    "bilinear": "bilinear",
    "area": "box",
    "bicubic": "bicubic",
    "lanczos": "lanczos3",
}
"""The methods that are a kernel of :func:`twinscale.images.resize.imresize`, widened by the scale."""

_LOCAL: dict[str, Callable[[NDArray], NDArray]] = {"dpid": dpid, "perceptual": perceptual}
_CONTEXT = 1  # rows of blocks above and below on which their results depend
_SAMPLES = 2**19  # of a band of blocks: its float32 copies stay in the caches

METHODS = (*KERNELS, *_LOCAL, "l0")
"""The names of all methods."""

SCALES = range(2, 17)
"""By how much pictures can be reduced: beyond 16, a picture is mostly lost whatever the method."""


def check(scale: int, method: str) -> None:
    """Check what does not depend on the picture.

    Raises:
        UsageError: an unknown method, or a scale that is not one of :data:`SCALES`.
    """
    if method not in METHODS:
        raise UsageError(f"unknown method {method!r}: use one of {', '.join(METHODS)}")
    if scale not in SCALES:
        raise UsageError(f"scale {scale} of {method} must be a whole number from {SCALES[0]} to {SCALES[-1]}")


def downscale(image: NDArray, scale: int, method: str) -> NDArray:
    """Reduce a picture by a whole number.

    Sides that are not a multiple of the scale are padded by repeating the last row or column, as
    :func:`twinscale.shrink` does for networks; beyond that border, kernels see the mirror image. Integers are rounded
    half up, by kernels after each dimension.

    At 12 megapixels of RGB in 8 bits, it holds less than 50 MiB beside the picture, but ``"l0"`` 1.1 GiB at x2 and
    400 MiB at x4; sides that are not a multiple of the scale add a copy of the picture for kernels and ``"l0"``.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``; uint8, uint16, float32 or float64. Floats are about 0 to 1: perceptual and
            l0 have thresholds.
        scale: 2 to 16.
        method: one of :data:`METHODS`.

    Returns:
        ``ceil(side / scale)`` pixels, of the same type and number of dimensions; floats may go beyond 0 and 1.

    Raises:
        UsageError: an unknown method, another scale, or no such array.
    """
    check(scale, method)
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise UsageError(f"cannot reduce an array of shape {image.shape}: give (H, W) or (H, W, C), not empty")
    if image.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise UsageError(f"cannot reduce {image.dtype} pixels: use uint8, uint16, float32 or float64")
    scale = int(scale)
    planes = image.reshape(*image.shape[:2], -1)
    if method in KERNELS:
        small = imresize(padded(planes, scale), 1 / scale, kernel=KERNELS[method])
    elif method in _LOCAL:
        small = _in_bands(_LOCAL[method], planes, scale)
    else:
        small = _stored(l0(planes, scale), image.dtype)
    return small.reshape(*small.shape[:2], *image.shape[2:])


def _in_bands(reduce: Callable[[NDArray], NDArray], image: NDArray, scale: int) -> NDArray:
    """Apply a function of blocks to a few rows of them at a time, together with those on which they depend."""
    height, width = (-(-side // scale) for side in image.shape[:2])
    step = max(4 * _CONTEXT, _SAMPLES // (width * scale**2 * image.shape[2]))
    out = spill.empty((height, width, image.shape[2]), image.dtype)
    for top in range(0, height, step):
        low = max(0, top - _CONTEXT)
        blocks = to_blocks(image[low * scale : (top + step + _CONTEXT) * scale], scale)
        band = reduce(blocks)[:, top - low :][:, :step]
        out[top : top + step] = _stored(np.moveaxis(band, 0, 2), image.dtype)
        spill.release(image, out)
    return out


def _stored(planes: NDArray, dtype: np.dtype) -> NDArray:
    """Store floats of 0 to 1 as integers of full range; floats stay as they are."""
    return to_dtype(planes * np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else planes, dtype)
