"""Weighted sums of neighbouring rows: the inner loop of resizing and of windowed filters."""

import numpy as np
from numpy.typing import NDArray

from twinscale import spill

Float64 = NDArray[np.float64]

# A band of this many output rows becomes one small dense matrix product. BLAS is so much faster than
# element-wise sums that multiplying by the zeros outside the band costs less than avoiding them.
_BAND = 16
# Multiply-adds of one product. A band of the input then stays in the second-level cache as float64, and
# OpenBLAS does not spread products this small over threads: on a busy machine its threads wait for each
# other thousands of times, and resizing takes a hundred times as long.
_PRODUCT = 2**18


def weighted_rows(image: NDArray[np.generic], first: NDArray[np.intp], weights: Float64) -> Float64 | NDArray:
    """Compute ``out[i] = sum_k weights[i, k] * image[first[i] + k]`` for every output row ``i``.

    Rows outside the image are mirrored at its border with the border row repeated (MATLAB's
    "symmetric"). Sums are float64. Integer images come back in their own type, clipped and rounded
    half up; float images come back in their own type.

    Args:
        image: ``(H, ...)`` array of any real type.
        first: ``(out,)`` index of the first row of each window; may be negative or beyond the end.
        weights: ``(out, taps)``.

    Returns:
        ``(out, ...)`` array of ``image``'s type.
    """
    height = image.shape[0]
    flat = image.reshape(height, -1)
    taps = weights.shape[1]
    out = spill.empty((len(first), flat.shape[1]), image.dtype)
    for top in range(0, len(first), _BAND):
        starts = first[top : top + _BAND]
        low, high = int(starts.min()), int(starts.max()) + taps
        band = np.zeros((len(starts), high - low))
        np.put_along_axis(band, (starts - low)[:, None] + np.arange(taps), weights[top : top + _BAND], axis=1)
        rows: slice | NDArray[np.intp] = slice(low, high)
        if low < 0 or high > height:
            around = np.arange(low, high) % (2 * height)
            rows = np.where(around < height, around, 2 * height - 1 - around)
        step = max(1, _PRODUCT // band.size)
        for left in range(0, flat.shape[1], step):
            columns = slice(left, left + step)
            out[top : top + _BAND, columns] = to_dtype(band @ flat[rows, columns].astype(np.float64), out.dtype)
        spill.release(flat, out)
    return out.reshape(len(first), *image.shape[1:])


def to_dtype(values: Float64, dtype: np.dtype) -> NDArray:
    """Store float64 values as ``dtype``; integers are clipped to their range and rounded half up."""
    if np.issubdtype(dtype, np.integer):
        values += 0.5  # values are never negative after the clip, so truncation rounds half up
        np.clip(values, 0, np.iinfo(dtype).max, out=values)
    return values.astype(dtype)
