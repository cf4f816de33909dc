"""Content-adaptive resampling on the CPU, compiled by Numba.

Torch's operators finish one tap of all pixels before they begin the next, and spend their time on moving what lies in
between through memory. Here part of a row of pixels gets one row of taps at once. The gradients locate the samples
again instead of keeping them.

Python's threads share the work: Numba's own must not be used by several threads at once, nor after a fork.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numba import njit
from numba.cpython.unsafe.tuple import tuple_setitem
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

_BLOCK = 128  # small pixels side by side, at most: long pieces of each channel of kernels and offsets are read at once
_FAST = {"contract", "nsz"}  # what is not a number stays so


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile at the first call, and keep the result if there is a folder that can be written."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": _FAST}
    try:
        return njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # no folder
        return njit(**options)(function)  # type: ignore[no-any-return]


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
    # One more pixel around gives every tap four neighbours, and no slope beyond. A pixel's channels lie together.
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
    zeros = (arrays[0].dtype.type(0),) * arrays[0].shape[3]  # compiled for so many channels: sums stay in registers
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(function, *ends, scale, zeros, *arrays) for ends in pairwise(bounds)]:
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
def _weights(kernel: float, down: float, right: float) -> tuple[float, float, float, float]:
    """Return the weights of the pixels above left, above right, below left and below right of a tap."""
    below = kernel * down
    above = kernel - below
    return above - above * right, above * right, below - below * right, below * right


@_compiled
def _forward(
    first: int,
    end: int,
    scale: int,
    zeros: tuple[float, ...],
    pixels: NDArray,
    kernels: NDArray,
    vertical: NDArray,
    horizontal: NDArray,
    small: NDArray,
) -> None:
    """Fill rows of the small pictures, counted through all of them."""
    _, taps, height, width = kernels.shape
    size, count, number = int(np.sqrt(taps)), len(zeros), kernels.dtype.type
    pixel, line = np.uint64(count), np.uint64(pixels.shape[2] * count)  # unsigned: no index counts from the end
    last_row, last_column = number(pixels.shape[1] - 2), number(pixels.shape[2] - 2)
    shift, half = (scale + 1) // 2, number((scale - 1) % 2 / 2)  # with the pixel around
    block = -(-width // -(-width // _BLOCK))  # all blocks of a row alike
    homes = np.empty(block, kernels.dtype)
    corners = np.empty((size, block), np.uint32)  # first samples of the pixels above and to the left of taps
    above_left, above_right, below_left, below_right = np.empty((4, size, block), kernels.dtype)
    for picture_row in range(first, end):
        picture, row = divmod(picture_row, height)
        samples = pixels[picture].reshape(-1)
        for unfinished in range(0, width, block):
            column = min(unfinished, width - block)  # the last one may begin inside the one before
            for x in range(block):
                homes[x] = (column + x) * scale + shift
            small[picture, :, row, unfinished : column + block] = 0
            for i in range(size):
                home = number(row * scale + shift + i)
                for j in range(size):  # views of rows are known to be contiguous, so the loop over them is vectorised
                    vertical_j = vertical[picture, i * size + j, row, column : column + block]
                    horizontal_j = horizontal[picture, i * size + j, row, column : column + block]
                    kernels_j = kernels[picture, i * size + j, row, column : column + block]
                    corners_j, above_left_j, above_right_j = corners[j], above_left[j], above_right[j]
                    below_left_j, below_right_j = below_left[j], below_right[j]
                    for x in range(block):
                        above, down = _place(vertical_j[x] + half, home, last_row)
                        before, right = _place(horizontal_j[x] + half, homes[x] + number(j), last_column)
                        corners_j[x] = (np.int32(above) * pixels.shape[2] + np.int32(before)) * count
                        weights = _weights(kernels_j[x], down, right)
                        above_left_j[x], above_right_j[x], below_left_j[x], below_right_j[x] = weights
                for x in range(unfinished - column, block):
                    sums = zeros
                    for j in range(size):
                        for c in range(count):
                            left = np.uint64(corners[j, x]) + np.uint64(c)
                            added = (
                                above_left[j, x] * samples[left]
                                + above_right[j, x] * samples[left + pixel]
                                + below_left[j, x] * samples[left + line]
                                + below_right[j, x] * samples[left + line + pixel]
                            )
                            sums = tuple_setitem(sums, c, sums[c] + added)  # type: ignore[call-arg]
                    for c in range(count):
                        small[picture, c, row, column + x] += sums[c]


@_compiled
def _backward(
    first: int,
    end: int,
    scale: int,
    zeros: tuple[float, ...],
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
    size, count, number = int(np.sqrt(taps)), len(zeros), kernels.dtype.type
    pixel, line = np.uint64(count), np.uint64(pixels.shape[2] * count)  # unsigned: no index counts from the end
    last_row, last_column = number(pixels.shape[1] - 2), number(pixels.shape[2] - 2)
    shift, half = (scale + 1) // 2, number((scale - 1) % 2 / 2)  # with the pixel around
    block = -(-width // -(-width // _BLOCK))  # all blocks of a row alike
    homes = np.empty(block, kernels.dtype)
    corners = np.empty((size, block), np.uint32)  # first samples of the pixels above and to the left of taps
    downs, rights, above_left, above_right, below_left, below_right = np.empty((6, size, block), kernels.dtype)
    for picture_row in range(first, end):
        picture, row = divmod(picture_row, height)
        samples = pixels[picture].reshape(-1)
        if of_pixels is not None:
            of_samples = of_pixels[picture].reshape(-1)
        for unfinished in range(0, width, block):
            column = min(unfinished, width - block)  # the last one may begin inside the one before
            for x in range(block):
                homes[x] = (column + x) * scale + shift
            for i in range(size):
                home = number(row * scale + shift + i)
                for j in range(size):  # views of rows are known to be contiguous, so the loop over them is vectorised
                    vertical_j = vertical[picture, i * size + j, row, column : column + block]
                    horizontal_j = horizontal[picture, i * size + j, row, column : column + block]
                    corners_j, downs_j, rights_j = corners[j], downs[j], rights[j]
                    for x in range(block):
                        above, down = _place(vertical_j[x] + half, home, last_row)
                        before, right = _place(horizontal_j[x] + half, homes[x] + number(j), last_column)
                        corners_j[x] = (np.int32(above) * pixels.shape[2] + np.int32(before)) * count
                        downs_j[x], rights_j[x] = down, right
                for x in range(block):
                    for j in range(size):
                        at_left = at_right = under_left = under_right = number(0)
                        for c in range(count):
                            gradient = upstream[picture, c, row, column + x]
                            left = np.uint64(corners[j, x]) + np.uint64(c)
                            at_left += gradient * samples[left]
                            at_right += gradient * samples[left + pixel]
                            under_left += gradient * samples[left + line]
                            under_right += gradient * samples[left + line + pixel]
                        above_left[j, x], above_right[j, x] = at_left, at_right
                        below_left[j, x], below_right[j, x] = under_left, under_right
                for j in range(size):
                    kernels_j = kernels[picture, i * size + j, row, column : column + block]
                    of_kernels_j = of_kernels[picture, i * size + j, row, column : column + block]
                    of_vertical_j = of_vertical[picture, i * size + j, row, column : column + block]
                    of_horizontal_j = of_horizontal[picture, i * size + j, row, column : column + block]
                    downs_j, rights_j, above_left_j, above_right_j = downs[j], rights[j], above_left[j], above_right[j]
                    below_left_j, below_right_j = below_left[j], below_right[j]
                    for x in range(block):
                        upper = above_left_j[x] + rights_j[x] * (above_right_j[x] - above_left_j[x])
                        lower = below_left_j[x] + rights_j[x] * (below_right_j[x] - below_left_j[x])
                        former = above_left_j[x] + downs_j[x] * (below_left_j[x] - above_left_j[x])
                        latter = above_right_j[x] + downs_j[x] * (below_right_j[x] - above_right_j[x])
                        of_kernels_j[x] = upper + downs_j[x] * (lower - upper)
                        of_vertical_j[x] = kernels_j[x] * (lower - upper)
                        of_horizontal_j[x] = kernels_j[x] * (latter - former)
                if of_pixels is not None:
                    for x in range(unfinished - column, block):
                        for j in range(size):
                            kernel = kernels[picture, i * size + j, row, column + x]
                            weights = _weights(kernel, downs[j, x], rights[j, x])
                            for c in range(count):
                                gradient = upstream[picture, c, row, column + x]
                                left = np.uint64(corners[j, x]) + np.uint64(c)
                                of_samples[left] += gradient * weights[0]
                                of_samples[left + pixel] += gradient * weights[1]
                                of_samples[left + line] += gradient * weights[2]
                                of_samples[left + line + pixel] += gradient * weights[3]
