"""Content-adaptive resampling on graphics cards, compiled by Triton.

A program makes a block of small pixels of one picture, tap by tap; what lies in between stays in registers. The
gradient locates the samples again instead of keeping them. Taps whose pixels coincide add to the picture's gradient
atomically, so its last bits differ from run to run.
"""

import math
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 128  # small pixels per program


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
    inputs = (tensor.contiguous() for tensor in (padded, kernels, vertical, horizontal))
    return _Resample.apply(*inputs, scale)  # type: ignore[no-any-return, no-untyped-call]


class _Resample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, padded: Tensor, kernels: Tensor, vertical: Tensor, horizontal: Tensor, scale: int) -> Tensor:
        ctx.save_for_backward(padded, kernels, vertical, horizontal)
        ctx.scale = scale
        small = kernels.new_empty(len(kernels), padded.shape[1], *kernels.shape[2:])
        _launch(_forward, scale, padded, kernels, vertical, horizontal, small)
        return small

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        padded, *parts = ctx.saved_tensors
        of_parts = [torch.empty_like(part) for part in parts]
        wanted = ctx.needs_input_grad[0]
        of_padded = torch.zeros_like(padded) if wanted else padded.new_empty(0)
        inputs = (padded, *parts, upstream.contiguous())
        _launch(_backward, ctx.scale, *inputs, *of_parts, of_padded, to_padded=wanted)
        return of_padded if wanted else None, *of_parts, None


def _launch(function: Any, scale: int, padded: Tensor, kernels: Tensor, *others: Tensor, **options: bool) -> None:
    pictures, taps, rows, columns = kernels.shape
    _, channels, height, width = padded.shape
    fixed = {
        "scale": scale,
        "size": math.isqrt(taps),
        "channels": channels,
        "lanes": triton.next_power_of_2(channels),
        "block": _BLOCK,
    }
    grid = (triton.cdiv(rows * columns, _BLOCK), pictures)
    function[grid](padded, kernels, *others, height, width, rows, columns, **fixed, **options)


@triton.jit
def _locate(offset, home, last):  # type: ignore[no-untyped-def]
    """Return the pixels around a tap in one direction, clamped to the picture, and how far it is behind the first.

    The home, a whole number, is kept apart from the offset, so that the fraction is as exact in a large picture as in a
    small one. Offsets beyond the picture are cut down to just outside of it, since they must fit whole numbers.
    """
    moved = tl.minimum(tl.maximum(offset, -1.0 - home), last + 1.0 - home)
    whole = tl.floor(moved)
    first = home + whole.to(tl.int32)
    return tl.minimum(tl.maximum(first, 0), last), tl.minimum(tl.maximum(first + 1, 0), last), moved - whole


@triton.jit  # type: ignore[untyped-decorator]
def _forward(  # type: ignore[no-untyped-def]
    padded,
    kernels,
    vertical,
    horizontal,
    small,
    height,
    width,
    rows,
    columns,
    scale: tl.constexpr,
    size: tl.constexpr,
    channels: tl.constexpr,
    lanes: tl.constexpr,
    block: tl.constexpr,
):
    picture = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * block + tl.arange(0, block)
    inside = pixel < rows * columns
    home_row = pixel // columns * scale + (scale - 1) // 2
    home_column = pixel % columns * scale + (scale - 1) // 2
    half: tl.constexpr = (scale - 1) % 2 / 2
    channel = tl.arange(0, lanes)[None]
    real = inside[:, None] & (channel < channels)
    plane = (picture * channels + channel) * height * width
    place = (picture * channels + channel) * rows * columns + pixel[:, None]
    total = tl.zeros((block, lanes), small.dtype.element_ty)
    for tap in range(size * size):
        at = (picture * size * size + tap) * rows * columns + pixel
        down = tl.load(vertical + at, inside, 0.0) + half
        right = tl.load(horizontal + at, inside, 0.0) + half
        kernel = tl.load(kernels + at, inside, 0.0)
        above, below, down = _locate(down, home_row + tap // size, height - 1)
        before, behind, right = _locate(right, home_column + tap % size, width - 1)
        corners = (
            plane + (above * width + before)[:, None],
            plane + (above * width + behind)[:, None],
            plane + (below * width + before)[:, None],
            plane + (below * width + behind)[:, None],
        )
        above_left, above_right = tl.load(padded + corners[0], real, 0.0), tl.load(padded + corners[1], real, 0.0)
        below_left, below_right = tl.load(padded + corners[2], real, 0.0), tl.load(padded + corners[3], real, 0.0)
        upper = above_left + right[:, None] * (above_right - above_left)
        lower = below_left + right[:, None] * (below_right - below_left)
        total += kernel[:, None] * (upper + down[:, None] * (lower - upper))
    tl.store(small + place, total, real)


@triton.jit  # type: ignore[untyped-decorator]
def _backward(  # type: ignore[no-untyped-def]
    padded,
    kernels,
    vertical,
    horizontal,
    upstream,
    of_kernels,
    of_vertical,
    of_horizontal,
    of_padded,
    height,
    width,
    rows,
    columns,
    scale: tl.constexpr,
    size: tl.constexpr,
    channels: tl.constexpr,
    lanes: tl.constexpr,
    block: tl.constexpr,
    to_padded: tl.constexpr,
):
    picture = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * block + tl.arange(0, block)
    inside = pixel < rows * columns
    home_row = pixel // columns * scale + (scale - 1) // 2
    home_column = pixel % columns * scale + (scale - 1) // 2
    half: tl.constexpr = (scale - 1) % 2 / 2
    channel = tl.arange(0, lanes)[None]
    real = inside[:, None] & (channel < channels)
    plane = (picture * channels + channel) * height * width
    place = (picture * channels + channel) * rows * columns + pixel[:, None]
    gradient = tl.load(upstream + place, real, 0.0)
    for tap in range(size * size):
        at = (picture * size * size + tap) * rows * columns + pixel
        down = tl.load(vertical + at, inside, 0.0) + half
        right = tl.load(horizontal + at, inside, 0.0) + half
        kernel = tl.load(kernels + at, inside, 0.0)
        above, below, down = _locate(down, home_row + tap // size, height - 1)
        before, behind, right = _locate(right, home_column + tap % size, width - 1)
        corners = (
            plane + (above * width + before)[:, None],
            plane + (above * width + behind)[:, None],
            plane + (below * width + before)[:, None],
            plane + (below * width + behind)[:, None],
        )
        above_left, above_right = tl.load(padded + corners[0], real, 0.0), tl.load(padded + corners[1], real, 0.0)
        below_left, below_right = tl.load(padded + corners[2], real, 0.0), tl.load(padded + corners[3], real, 0.0)
        upper = above_left + right[:, None] * (above_right - above_left)
        lower = below_left + right[:, None] * (below_right - below_left)
        former = above_left + down[:, None] * (below_left - above_left)
        latter = above_right + down[:, None] * (below_right - above_right)
        tl.store(of_kernels + at, tl.sum(gradient * (upper + down[:, None] * (lower - upper)), 1), inside)
        tl.store(of_vertical + at, kernel * tl.sum(gradient * (lower - upper), 1), inside)
        tl.store(of_horizontal + at, kernel * tl.sum(gradient * (latter - former), 1), inside)
        if to_padded:
            tl.atomic_add(of_padded + corners[0], gradient * (kernel * (1 - down) * (1 - right))[:, None], real)
            tl.atomic_add(of_padded + corners[1], gradient * (kernel * (1 - down) * right)[:, None], real)
            tl.atomic_add(of_padded + corners[2], gradient * (kernel * down * (1 - right))[:, None], real)
            tl.atomic_add(of_padded + corners[3], gradient * (kernel * down * right)[:, None], real)
