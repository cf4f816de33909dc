"""Resizing exactly as MATLAB's ``imresize`` does it, with its classical kernels."""

import functools
import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twinscale import spill
from twinscale.errors import UsageError
from twinscale.images.linear import Float64, weighted_rows

Kernel = Literal["nearest", "box", "bilinear", "bicubic", "lanczos2", "lanczos3"]


def _box(x: Float64) -> Float64:
    return ((x >= -0.5) & (x < 0.5)).astype(np.float64)


def _triangle(x: Float64) -> Float64:
    return np.where(np.abs(x) < 1, 1 - np.abs(x), 0)


def _cubic(x: Float64) -> Float64:
    """Evaluate Keys' cubic convolution with a = -0.5 (IEEE Trans. ASSP 29(6), 1981, equation 15)."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


def _lanczos(lobes: int) -> Callable[[Float64], Float64]:
    return lambda x: np.where(np.abs(x) < lobes, np.sinc(x) * np.sinc(x / lobes), 0)


_KERNELS: dict[str, tuple[Callable[[Float64], Float64], float]] = {
    "nearest": (_box, 1.0),
    "box": (_box, 1.0),
    "bilinear": (_triangle, 2.0),
    "bicubic": (_cubic, 4.0),
    "lanczos2": (_lanczos(2), 4.0),
    "lanczos3": (_lanczos(3), 6.0),
}


def imresize(
    image: NDArray,
    scale: float | None = None,
    *,
    size: tuple[int, int] | None = None,
    kernel: Kernel = "bicubic",
    antialias: bool = True,
) -> NDArray:
    """Resize a picture as MATLAB's ``imresize`` does.

    Pixel centres are aligned at half-integers, the border is mirrored, weights sum to one, and a
    reduction widens the kernel by ``1 / scale`` (antialiasing; never for ``"nearest"``). The
    dimension that shrinks more is resized first. Integer pictures are rounded after each dimension,
    as MATLAB's are.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``; uint8, uint16, float32 or float64.
        scale: factor for both sides; the result has ``ceil(scale * side)`` pixels.
        size: ``(H, W)`` of the result, instead of ``scale``.
        kernel: interpolation kernel; ``"box"`` with antialiasing is the area average.
        antialias: widen the kernel when reducing.

    Returns:
        The resized picture, of the same type and number of dimensions.

    Raises:
        UsageError: neither or both of ``scale`` and ``size``, a size below one pixel, an unknown
            kernel, or a type that is not listed above.
    """
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise UsageError(f"cannot resize an array of shape {image.shape}: give (H, W) or (H, W, C), not empty")
    if image.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise UsageError(f"cannot resize {image.dtype} pixels: use uint8, uint16, float32 or float64")
    if kernel not in _KERNELS:
        raise UsageError(f"unknown kernel {kernel!r}: use one of {', '.join(_KERNELS)}")
    if (scale is None) == (size is None):
        raise UsageError(f"give either scale or size, not scale={scale} and size={size}")
    if scale is not None:
        if not (math.isfinite(scale) and scale > 0):
            raise UsageError(f"scale {scale} must be a positive number")
        height, width = (math.ceil(scale * side) for side in image.shape[:2])
        scales = (scale, scale)
    else:
        assert size is not None
        height, width = size
        if min(size) < 1:
            raise UsageError(f"size {size} must be at least 1x1 pixels")
        scales = (height / image.shape[0], width / image.shape[1])

    antialias = antialias and kernel != "nearest"
    for axis in sorted((0, 1), key=lambda axis: scales[axis]):
        out = (height, width)[axis]
        if out == image.shape[axis] and scales[axis] == 1:
            continue
        first, weights = contributions(image.shape[axis], out, scales[axis], kernel, antialias)
        if axis == 0:
            image = weighted_rows(image, first, weights)
        else:
            image = spill.map_rows(functools.partial(_weighted_columns, first=first, weights=weights), image)
    return spill.contiguous(image)


def _weighted_columns(image: NDArray, first: NDArray[np.intp], weights: Float64) -> NDArray:
    columns = np.ascontiguousarray(image.swapaxes(0, 1))
    return weighted_rows(columns, first, weights).swapaxes(0, 1)


def contributions(
    length: int, out: int, scale: float, kernel: Kernel, antialias: bool
) -> tuple[NDArray[np.intp], Float64]:
    """Compute which input samples make each output sample, and with which weights.

    Args:
        length: number of input samples.
        out: number of output samples.
        scale: output samples per input sample.
        kernel: name of the kernel.
        antialias: widen the kernel by ``1 / scale`` if ``scale`` is below one.

    Returns:
        ``first``, the ``(out,)`` index of the first contributing sample (it may lie outside
        ``0 .. length - 1``), and ``weights`` of shape ``(out, taps)``, each row summing to one.
    """
    function, width = _KERNELS[kernel]
    stretch = min(scale, 1.0) if antialias else 1.0
    # Centre of each output sample in input coordinates. They count from one, as MATLAB's do: the same sums
    # rounded in the same way put a centre halfway between two pixels on the same side.
    centre = np.arange(1, out + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(centre - width / stretch / 2).astype(np.intp)
    taps = math.ceil(width / stretch) + 2
    weights = function((centre[:, None] - first[:, None] - np.arange(taps)) * stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.flatnonzero(weights.any(axis=0))  # the two spare taps are mostly zero
    return first - 1 + used[0], weights[:, used[0] : used[-1] + 1]
