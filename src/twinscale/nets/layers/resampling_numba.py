"""Content-adaptive resampling on the CPU, compiled by Numba.

Torch's operators finish one tap of all pixels before they begin the next, and spend their time on moving what lies in
between through memory. Here a few pixels get all their taps at once, and what lies in between stays in the cache. The
gradients locate the samples again instead of keeping them.

Python's threads share the work: Numba's own must not be used by several threads at once, nor after a fork.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

_BLOCK = 16  # small pixels side by side: as many float32 as the widest vectors hold
_FAST = {"contract", "nsz"}  # what is not a number stays so
_compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
_inlined = njit(forceinline=True, error_model="numpy", fastmath=_FAST)


def resample(padded: Tensor, kernels: Tensor, vertical: Tensor, horizontal: Tensor, scale: int) -> Tensor:
    """Resample a picture that is already continued, see :func:`twinscale.nets.layers.resampling.resample`.

    Args:
        padded: ``(N, C, H + k//2*2, W + k//2*2)``; all tensors are float32, or all are float64.
        kernels: ``(N, k*k, H/scale, W/scale)``, and so are the offsets.
        vertical: downwards, in full-size pixels.
        horizontal: to the right.
        scale: full-size pixels per small one.

    Returns:
        ``(N, C, H/scale, W/scale)``.
    """
    # Once more around, so that every tap has four neighbours, and no slope beyond; the channels of a pixel lie together.
    pixels = F.pad(padded, (1, 1, 1, 1), mode="replicate").permute(0, 2, 3, 1)
    inputs = (tensor.contiguous() for tensor in (pixels, kernels, vertical, horizontal))
    return _Resample.apply(*inputs, scale)  # type: ignore[no-any-return, no-untyped-call]


class _Resample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pixels: Tensor, kernels: Tensor, vertical: Tensor, horizontal: Tensor, scale: int) -> Tensor:
        ctx.save_for_backward(pixels, kernels, vertical, horizontal)
        ctx.scale = scale
        pictures, _, height, width = kernels.shape
        small = kernels.new_empty(pictures, pixels.shape[3], height, width)
        _in_threads(_forward, pictures * height, 1, scale, pixels, kernels, vertical, horizontal, small)
        return small

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        pixels, *parts = ctx.saved_tensors
        pictures, _, height, _ = upstream.shape
        of_parts = [torch.empty_like(part) for part in parts]
        of_pixels = torch.zeros_like(pixels) if ctx.needs_input_grad[0] else None
        whole = 1 if of_pixels is None else height  # kernels of a picture may share pixels, but not those of two
        inputs = (pixels, *parts, upstream.contiguous())
        _in_threads(_backward, pictures * height, whole, ctx.scale, *inputs, *of_parts, of_pixels)
        return of_pixels, *of_parts, None


def _in_threads(function: Callable[..., None], rows: int, whole: int, scale: int, *tensors: Tensor | None) -> None:
    """Share rows of small pixels, ``whole`` at a time, among as many threads as torch uses."""
    arrays = [None if tensor is None else tensor.detach().numpy() for tensor in tensors]
    threads = min(torch.get_num_threads(), rows // whole)
    bounds = [rows // whole * thread // threads * whole for thread in range(threads + 1)]
    assert arrays[0] is not None
    channels = (0,) * arrays[0].shape[3]  # compiled for its length; a number would not be known in time
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(function, *ends, scale, channels, *arrays) for ends in pairwise(bounds)]:
            done.result()


@_inlined
def _place(offset: float, home: float, last: float) -> tuple[float, float]:
    """Return the pixel before a tap, from 0 to ``last``, and how far behind it the tap is, from 0 to 1.

    The home, a whole number, is kept apart, so that the fraction is as exact in a large picture as in a small one. If
    the offset is not a number, neither is the fraction, but the pixel still is one of the picture.
    """
    moved = -home if offset < -home else last - home if offset > last - home else offset
    whole = np.floor(moved)
    return home + (whole if whole >= -home else -home), moved - whole


@_inlined
def _locate(
    vertical: NDArray,
    horizontal: NDArray,
    tap_row: int,
    at: tuple[int, int, int],
    homes: NDArray,
    scale: int,
    shape: tuple[int, int, int],
    corners: NDArray,
    downs: NDArray,
    rights: NDArray,
) -> None:
    """Locate one row of taps of some small pixels.

    Args:
        vertical: see :func:`resample`.
        horizontal: the same.
        tap_row: which row of taps.
        at: picture, row and first column of the small pixels.
        homes: where the first taps of a row are without offsets, rounded down: columns of the picture.
        scale: see :func:`resample`.
        shape: rows, columns and channels of the picture.
        corners: receives ``(k, pixels)``: the first sample of the pixel above and to the left of each tap.
        downs: receives ``(k, pixels)``: how far below that pixel the tap is.
        rights: receives ``(k, pixels)``: how far to its right.
    """
    picture, row, column = at
    height, width, channels = shape
    size, count, number = len(corners), len(homes), vertical.dtype.type
    half = number((scale - 1) % 2 / 2)
    home = number(row * scale + (scale + 1) // 2 + tap_row)
    for j in range(size):
        # Rows with names of their own are known to be contiguous: the loop over them is vectorised.
        vertical_j = vertical[picture, tap_row * size + j, row, column : column + count]
        horizontal_j = horizontal[picture, tap_row * size + j, row, column : column + count]
        corners_j, downs_j, rights_j = corners[j], downs[j], rights[j]
        for x in range(count):
            above, downs_j[x] = _place(vertical_j[x] + half, home, number(height - 2))
            before, rights_j[x] = _place(horizontal_j[x] + half, homes[x] + number(j), number(width - 2))
            corners_j[x] = (np.int32(above) * width + np.int32(before)) * channels


@_inlined
def _corner_weights(kernel: float, down: float, right: float) -> tuple[float, float, float, float]:
    """Return the weights of the pixels above left, above right, below left and below right of a tap."""
    below = kernel * down
    above = kernel - below
    return above - above * right, above * right, below - below * right, below * right


@_compiled
def _forward(
    first: int,
    end: int,
    scale: int,
    channels: tuple[int, ...],
    pixels: NDArray,
    kernels: NDArray,
    vertical: NDArray,
    horizontal: NDArray,
    small: NDArray,
) -> None:
    """Fill rows of the small pictures, counted through all of them."""
    _, taps, height, width = kernels.shape
    size, count = int(np.sqrt(taps)), len(channels)
    shape = (pixels.shape[1], pixels.shape[2], count)
    line = np.uint64(shape[1] * count)  # unsigned: otherwise an index might count from the end
    homes = np.empty(_BLOCK, kernels.dtype)
    corners = np.empty((size, _BLOCK), np.uint32)
    downs, rights = np.empty((2, size, _BLOCK), kernels.dtype)
    sums = np.empty((_BLOCK, count), kernels.dtype)
    for picture_row in range(first, end):
        picture, row = divmod(picture_row, height)
        samples = pixels[picture].reshape(-1)
        for column in range(0, width, _BLOCK):
            block = min(_BLOCK, width - column)
            for x in range(block):
                homes[x] = (column + x) * scale + (scale + 1) // 2
            sums[:] = 0
            for i in range(size):
                at = picture, row, column
                _locate(vertical, horizontal, i, at, homes[:block], scale, shape, corners, downs, rights)
                for x in range(block):
                    for j in range(size):
                        kernel = kernels[picture, i * size + j, row, column + x]
                        weights = _corner_weights(kernel, downs[j, x], rights[j, x])
                        corner = np.uint64(corners[j, x])
                        for c in range(count):
                            left, right = corner + np.uint64(c), corner + np.uint64(count + c)
                            sums[x, c] += (
                                weights[0] * samples[left]
                                + weights[1] * samples[right]
                                + weights[2] * samples[left + line]
                                + weights[3] * samples[right + line]
                            )
            for c in range(count):
                for x in range(block):
                    small[picture, c, row, column + x] = sums[x, c]


@_compiled
def _backward(
    first: int,
    end: int,
    scale: int,
    channels: tuple[int, ...],
    pixels: NDArray,
    kernels: NDArray,
    vertical: NDArray,
    horizontal: NDArray,
    upstream: NDArray,
    of_kernels: NDArray,
    of_vertical: NDArray,
    of_horizontal: NDArray,
    of_pixels: NDArray | None,
) -> None:
    """Fill the same rows of the gradients (equations 4 to 6), and add to that of the pixels."""
    _, taps, height, width = kernels.shape
    size, count = int(np.sqrt(taps)), len(channels)
    shape = (pixels.shape[1], pixels.shape[2], count)
    line = np.uint64(shape[1] * count)
    homes = np.empty(_BLOCK, kernels.dtype)
    corners = np.empty((size, _BLOCK), np.uint32)
    downs, rights = np.empty((2, size, _BLOCK), kernels.dtype)
    for picture_row in range(first, end):
        picture, row = divmod(picture_row, height)
        samples = pixels[picture].reshape(-1)
        if of_pixels is not None:
            of_samples = of_pixels[picture].reshape(-1)
        for column in range(0, width, _BLOCK):
            block = min(_BLOCK, width - column)
            for x in range(block):
                homes[x] = (column + x) * scale + (scale + 1) // 2
            for i in range(size):
                at = picture, row, column
                _locate(vertical, horizontal, i, at, homes[:block], scale, shape, corners, downs, rights)
                for x in range(block):
                    for j in range(size):
                        tap = i * size + j
                        corner = np.uint64(corners[j, x])
                        above_left = above_right = below_left = below_right = kernels.dtype.type(0)
                        for c in range(count):
                            gradient = upstream[picture, c, row, column + x]
                            left, right = corner + np.uint64(c), corner + np.uint64(count + c)
                            above_left += gradient * samples[left]
                            above_right += gradient * samples[right]
                            below_left += gradient * samples[left + line]
                            below_right += gradient * samples[right + line]
                        kernel, down, right_of = kernels[picture, tap, row, column + x], downs[j, x], rights[j, x]
                        above = above_left + right_of * (above_right - above_left)
                        below = below_left + right_of * (below_right - below_left)
                        before = above_left + down * (below_left - above_left)
                        behind = above_right + down * (below_right - above_right)
                        of_kernels[picture, tap, row, column + x] = above + down * (below - above)
                        of_vertical[picture, tap, row, column + x] = kernel * (below - above)
                        of_horizontal[picture, tap, row, column + x] = kernel * (behind - before)
                        if of_pixels is not None:
                            weights = _corner_weights(kernel, down, right_of)
                            for c in range(count):
                                gradient = upstream[picture, c, row, column + x]
                                left, right = corner + np.uint64(c), corner + np.uint64(count + c)
                                of_samples[left] += gradient * weights[0]
                                of_samples[right] += gradient * weights[1]
                                of_samples[left + line] += gradient * weights[2]
                                of_samples[right + line] += gradient * weights[3]
