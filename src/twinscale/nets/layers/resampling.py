"""Content-adaptive resampling: every small pixel is a weighted mean of full-size ones, wherever its kernel looks.

Sun and Chen, "Learned Image Downscaling for Upscaling Using Content Adaptive Resampler", §3.2.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


class Resampling(NamedTuple):
    """How each small pixel is made, ``(N, k*k, h, w)`` each: channel ``i*k + j`` is the tap in row i and column j."""

    kernels: Tensor
    """Weights of the taps; those of a pixel add up to one."""
    vertical: Tensor
    """How far down each tap moves from its place, in full-size pixels; the paper's ΔX, since its x counts rows."""
    horizontal: Tensor
    """How far to the right; the paper's ΔY."""


def resample(picture: Tensor, resampling: Resampling, scale: int) -> Tensor:
    """Make the small picture, with gradients for everything (equations 1 to 6).

    Tap (i, j) of the small pixel in row x and column y lies at row ``(x + 0.5) * scale - 0.5 + i - k//2`` plus its
    vertical offset, and in the column alike. Values between pixels are bilinear. Equation 3 is misprinted in the paper:
    it weighs neighbouring columns with the fraction α of the row and rows with that of the column, and equation 6
    follows it; here each fraction weighs its own direction. The picture is continued by ``k//2`` pixels of its mirror
    image, without repeating the outermost ones; beyond that, by the last of them.

    Args:
        picture: ``(N, C, H, W)``; all channels are resampled alike. H and W are multiples of the scale.
        resampling: kernels and offsets for ``(N, C, H/scale, W/scale)``; k is odd.
        scale: full-size pixels per small one, in both directions.

    Returns:
        ``(N, C, H/scale, W/scale)``, float32 whatever autocast says, or float64 for float64.

    Raises:
        ValueError: shapes do not fit, or a side of the picture is too short to be mirrored.
    """
    size = _check(picture, resampling, scale)
    with torch.autocast(picture.device.type, enabled=False):
        dtype = torch.float64 if picture.dtype == torch.float64 else torch.float32
        padded = F.pad(picture.to(dtype), (size // 2,) * 4, mode="reflect")
        parts = (part.to(dtype) for part in resampling)
        return _implementation(picture.device)(padded, *parts, scale)


def _implementation(device: torch.device) -> Callable[..., Tensor]:
    """Return the fastest way for a device."""
    if torch.compiler.is_exporting():
        return _exported
    if device.type == "cpu":
        from twinscale.nets.layers.resampling_numba import resample as fastest

        return fastest
    return _plain


def _exported(padded: Tensor, kernels: Tensor, vertical: Tensor, horizontal: Tensor, scale: int) -> Tensor:
    """Resample with ONNX's GridSample, one row of taps at a time."""
    size = math.isqrt(kernels.shape[1])
    (rows, columns), (height, width) = kernels.shape[2:], padded.shape[2:]
    taps, half = torch.arange(size), (scale - 1) / 2
    homes_down = taps[:, None, None, None] + torch.arange(rows)[:, None] * scale + half
    homes_right = taps[:, None, None] + torch.arange(columns) * scale + half
    down = vertical.unflatten(1, (size, size)) + homes_down
    right = horizontal.unflatten(1, (size, size)) + homes_right
    grid = torch.stack((right * (2 / (width - 1)), down * (2 / (height - 1))), -1) - 1
    weighted: Tensor | float = 0.0  # taps of a column below one another, (N, C, k*h, w)
    for places, weights in zip(
        grid.flatten(2, 3).unbind(1), kernels.unflatten(1, (size, size)).flatten(2, 3).unbind(1), strict=True
    ):
        # F.grid_sample is the same, but takes the exporter many seconds
        samples = torch.onnx.ops.symbolic(
            "GridSample",
            (padded, places),
            {"padding_mode": "border", "align_corners": 1},
            dtype=padded.dtype,
            shape=(*padded.shape[:2], *places.shape[1:3]),
        )
        weighted = weighted + samples * weights[:, None]
    assert isinstance(weighted, Tensor)
    return weighted.unflatten(2, (size, rows)).sum(2)


def _plain(padded: Tensor, kernels: Tensor, vertical: Tensor, horizontal: Tensor, scale: int) -> Tensor:
    """Resample tap by tap with torch's own operators."""
    size = math.isqrt(kernels.shape[1])
    small = torch.zeros_like(kernels[:, :1])
    for tap in range(size**2):  # samples are gathered again for the gradient, instead of kept
        parts = (part[:, tap] for part in (kernels, vertical, horizontal))
        small = small + checkpoint(_tap, padded, *parts, divmod(tap, size), scale, use_reentrant=False)
    return small


def _tap(
    padded: Tensor, kernel: Tensor, vertical: Tensor, horizontal: Tensor, tap: tuple[int, int], scale: int
) -> Tensor:
    """Sample the picture at one tap of every kernel, and weigh it: ``(N, C, h, w)``."""
    pictures, channels, height, width = padded.shape
    rows, row_fraction = _neighbours(vertical, tap[0], scale, height, dim=1)
    columns, column_fraction = _neighbours(horizontal, tap[1], scale, width, dim=2)
    flat = padded.flatten(2)

    def at(row: Tensor, column: Tensor) -> Tensor:
        index = (row * width + column).flatten(1)[:, None].expand(-1, channels, -1)
        return flat.gather(2, index).view(pictures, channels, *kernel.shape[1:])

    above, below = (
        torch.lerp(at(row, columns[0]), at(row, columns[1]), column_fraction[:, None].expand(-1, channels, -1, -1))
        for row in rows
    )
    return torch.lerp(above, below, row_fraction[:, None].expand_as(above)) * kernel[:, None]


def _neighbours(offset: Tensor, tap: int, scale: int, side: int, *, dim: int) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Return the two pixels around a tap in one direction, and how far it lies from the first to the second.

    What counts pixels stays whole, so that the fraction is as exact in a large picture as in a small one.
    """
    shift, half = divmod(scale - 1, 2)
    position = offset + half / 2
    whole = position.detach().floor()
    shape = (-1, 1) if dim == 1 else (1, -1)
    place = torch.arange(offset.shape[dim], device=offset.device).view(shape) * scale + shift + tap
    first = whole.long() + place
    return (first.clamp(0, side - 1), (first + 1).clamp(0, side - 1)), position - whole


def _check(picture: Tensor, resampling: Resampling, scale: int) -> int:
    """Return the side k of the kernels if everything fits together."""
    pictures, _, height, width = picture.shape
    shape = resampling.kernels.shape
    size = math.isqrt(shape[1])
    if size**2 != shape[1] or size % 2 == 0:
        raise ValueError(f"kernels have {shape[1]} taps: use the square of an odd side")
    if any(part.shape != shape for part in resampling) or (pictures, height, width) != (
        shape[0],
        shape[2] * scale,
        shape[3] * scale,
    ):
        raise ValueError(
            f"kernels and offsets of {[tuple(part.shape) for part in resampling]} do not fit a picture of "
            f"{tuple(picture.shape)}: at scale {scale} they must be (N, k*k, H/{scale}, W/{scale})"
        )
    if min(height, width) <= size // 2:
        raise ValueError(
            f"a picture of {height}x{width} is too small for kernels of {size}x{size}: its sides must be at least "
            f"{size // 2 + 1} to be mirrored"
        )
    return size
