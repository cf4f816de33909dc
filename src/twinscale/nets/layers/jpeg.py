"""JPEG with a gradient: level for level what libjpeg makes of a picture.

Each step of libjpeg (its "islow" transforms, which Pillow and most programs use) is linear in whole numbers and then
rounded. So it is here, in float64, which holds these numbers exactly; gradients pass through all rounding as if it were
not there (soft forms of rounding taught no more: ``docs/experiments/pack.md``).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.layers.inward_clamp import inward_clamp
from twinscale.rescale.channel import SAMPLINGS

# What libjpeg's constants of 13 bits add up to: sqrt(8) times the orthonormal DCT, in units of 2**-13.
_DCT = torch.tensor(
    [
        [8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192],
        [11363, 9633, 6437, 2260, -2260, -6437, -9633, -11363],
        [10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703],
        [9633, -2259, -11362, -6436, 6436, 11362, 2259, -9633],
        [8192, -8192, -8192, 8192, 8192, -8192, -8192, 8192],
        [6437, -11362, 2261, 9633, -9633, -2261, 11362, -6437],
        [4433, -10704, 10704, -4433, -4433, 10704, -10704, 4433],
        [2260, -6436, 9633, -11363, 11363, -9633, 6436, -2260],
    ],
    dtype=torch.float64,
)
# BT.601 in units of 2**-16: Y, Cb and Cr of RGB, and RGB of Y, Cb - 128 and Cr - 128.
_TO_YCC = torch.tensor([[19595, 38470, 7471], [-11059, -21709, 32768], [32768, -27439, -5329]], dtype=torch.float64)
_TO_RGB = torch.tensor([[65536, 0, 91881], [65536, -22554, -46802], [65536, 116130, 0]], dtype=torch.float64)
_HALF = 1 / 2
_JUST_BELOW_HALF = _HALF - 2**-16  # with which libjpeg rounds Cb and Cr
_MIDDLE, _WHITE = 128, 255
_SIDE = 8  # of a block
_PER_COEFFICIENT, _PER_DIGIT = 2.97, 1.36  # bits
_NARROW = 2  # samples across: libjpeg does not interpolate narrower chroma


class Coded(NamedTuple):
    """A batch of pictures after JPEG."""

    picture: Tensor
    """As decoded, ``(N, C, H, W)`` in 256 levels of [0, 1]."""
    coefficients: list[Tensor]
    """What is stored, in quantisation steps, whole numbers: ``(N, 1, rows, columns, 8, 8)`` of luma, and for RGB
    ``(N, 2, rows, columns, 8, 8)`` of chroma; rows and columns count blocks."""


class JPEG(nn.Module):
    """Encode and decode as libjpeg does, with gradients for the picture."""

    def forward(self, picture: Tensor, luma: Tensor, chroma: Tensor | None, sampling: tuple[int, int]) -> Coded:
        """Code a batch in which every picture has its own quantisation.

        Args:
            picture: grey or RGB, ``(N, 1 or 3, H, W)`` about [0, 1], of any size. It is clipped and rounded to 8 bits;
                beyond black and white, only gradients that lead back inside pass.
            luma: quantisation steps in levels, ``(N, 8, 8)``; rows are vertical frequencies.
            chroma: those of Cb and Cr; grey needs none.
            sampling: how many times fewer samples chroma has, down and across: ``(1, 1)``, ``(1, 2)`` or ``(2, 2)``.

        Raises:
            ValueError: chroma has no steps, or is sampled otherwise.
        """
        picture = picture.to(torch.promote_types(picture.dtype, torch.float32))  # levels are finer than bfloat16
        size = picture.shape[2], picture.shape[3]
        levels = _floor(inward_clamp(picture, 0, 1) * _WHITE + _HALF).double()
        if picture.shape[1] == 1:
            stored = _encoded(levels, luma, (1, 1))
            return Coded(_to_unit(_decoded(stored, luma, (1, 1), size), picture), [stored])
        if chroma is None or sampling not in SAMPLINGS.values():
            known = ", ".join(map(str, SAMPLINGS.values()))
            raise ValueError(f"RGB needs the steps of chroma and a sampling of {known}, not {sampling}")
        planes = _to_ycc(levels)
        y, cbcr = _encoded(planes[:, :1], luma, (1, 1)), _encoded(planes[:, 1:], chroma, sampling)
        decoded = torch.cat((_decoded(y, luma, (1, 1), size), _decoded(cbcr, chroma, sampling, size)), dim=1)
        return Coded(_to_unit(_to_rgb(decoded), picture), [y, cbcr])


def bits(coefficients: list[Tensor]) -> Tensor:
    """Estimate what the AC coefficients of :class:`Coded` take in a file: ``(N,)`` bits, with gradients.

    Huffman codes give each coefficient that is not zero a code and about the logarithm of its size in digits. The two
    constants were fitted to the sizes of files of photographs with tables of their own, at qualities of 10 to 95
    (``docs/experiments/pack.md``). Zeros have no gradient: they cost nothing already.
    """
    sizes = [plane.abs().flatten(-2)[..., 1:] for plane in coefficients]  # DC comes first
    costs = (_PER_DIGIT * torch.log2(1 + size) + _PER_COEFFICIENT * size.clamp(max=1) for size in sizes)
    return torch.stack([cost.flatten(1).sum(dim=1) for cost in costs]).sum(dim=0)


def _encoded(planes: Tensor, steps: Tensor, sampling: tuple[int, int]) -> Tensor:
    """Sample levels ``(N, C, H, W)`` and quantise their transform: ``(N, C, rows, columns, 8, 8)``."""
    down, across = sampling
    # Columns are continued at full size, rows only as far as chroma needs them, and from there on at its size.
    samples = _downsampled(_continued(planes, down, across * _SIDE), sampling)
    samples = _continued(samples, _SIDE, 1)
    pictures, channels, height, width = samples.shape
    blocks = samples.reshape(pictures, channels, height // _SIDE, _SIDE, width // _SIDE, _SIDE).transpose(3, 4)
    rows = _floor((blocks - _MIDDLE) @ _DCT.T.to(blocks.device) / 2**11 + _HALF)
    frequencies = _floor(_DCT.to(blocks.device) @ rows / 2**15 + _HALF)  # times 8
    return _rounded(frequencies / (_SIDE * _of_blocks(steps)))


def _decoded(stored: Tensor, steps: Tensor, sampling: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Make levels ``(N, C, H, W)`` of what :func:`_encoded` returns."""
    columns = _floor(_DCT.T.to(stored.device) @ (stored * _of_blocks(steps)) / 2**11 + _HALF)
    blocks = inward_clamp(_floor(columns @ _DCT.to(stored.device) / 2**18 + _HALF) + _MIDDLE, 0, _WHITE)
    samples = blocks.transpose(3, 4).flatten(4, 5).flatten(2, 3)
    (down, across), (height, width) = sampling, size
    return _upsampled(samples[:, :, : -(-height // down), : -(-width // across)], sampling)[:, :, :height, :width]


def _of_blocks(steps: Tensor) -> Tensor:
    """Let tables ``(N, 8, 8)`` stand for all planes and blocks of a picture."""
    return steps.double()[:, None, None, None]


def _continued(planes: Tensor, rows: int, columns: int) -> Tensor:
    """Repeat the last column and row until there are multiples of so many."""
    height, width = planes.shape[2:]
    return F.pad(planes, (0, -width % columns, 0, -height % rows), mode="replicate")


def _downsampled(planes: Tensor, sampling: tuple[int, int]) -> Tensor:
    """Average 1, 1 x 2 or 2 x 2 samples; halves are rounded down and up in turn, as libjpeg does."""
    if sampling == (1, 1):
        return planes
    means = F.avg_pool2d(planes, sampling)
    bias = torch.tensor([0.0, 0.5] if sampling == (1, 2) else [0.25, 0.5]).to(means).repeat(means.shape[3] // 2)
    return _floor(means + bias)


def _upsampled(samples: Tensor, sampling: tuple[int, int]) -> Tensor:
    """Interpolate between 1, 1 x 2 or 2 x 2 times fewer samples, three parts of the nearer and one of the farther."""
    down, across = sampling
    if sampling == (1, 1):
        return samples
    if samples.shape[3] <= _NARROW:
        return samples.repeat_interleave(down, 2).repeat_interleave(across, 3)
    if down == 2:
        samples = _interpolated(samples, 2)
    # libjpeg rounds to the left of a sample and to its right with other constants.
    bias = torch.tensor([8, 7] if down == 2 else [4, 8]).to(samples) / 16
    return _floor(_interpolated(samples, 3) + bias.repeat(samples.shape[3]))


def _interpolated(samples: Tensor, axis: int) -> Tensor:
    """Double the samples along an axis: each becomes two, at a quarter of the way to the neighbour on either side."""
    count = samples.shape[axis]
    first, last = samples.narrow(axis, 0, 1), samples.narrow(axis, count - 1, 1)
    before = torch.cat((first, samples.narrow(axis, 0, count - 1)), axis)
    after = torch.cat((samples.narrow(axis, 1, count - 1), last), axis)
    return torch.stack((0.75 * samples + 0.25 * before, 0.75 * samples + 0.25 * after), axis + 1).flatten(
        axis, axis + 1
    )


def _to_ycc(rgb: Tensor) -> Tensor:
    rounding = torch.tensor([_HALF, _MIDDLE + _JUST_BELOW_HALF, _MIDDLE + _JUST_BELOW_HALF]).to(rgb)
    return _floor(_mixed(rgb, _TO_YCC) + rounding[:, None, None])


def _to_rgb(ycc: Tensor) -> Tensor:
    middle = torch.tensor([0, _MIDDLE, _MIDDLE]).to(ycc)
    return inward_clamp(_floor(_mixed(ycc - middle[:, None, None], _TO_RGB) + _HALF), 0, _WHITE)


def _mixed(planes: Tensor, matrix: Tensor) -> Tensor:
    """Mix channels, by a matrix in units of 2**-16."""
    return torch.einsum("ij,njhw->nihw", matrix.to(planes.device) / 2**16, planes)


def _to_unit(levels: Tensor, like: Tensor) -> Tensor:
    """Return levels as values in [0, 1] of another tensor's type."""
    return levels.to(like.dtype) / _WHITE


def _floor(x: Tensor) -> Tensor:
    """Round down; gradients pass."""
    return _StraightThrough.apply(x, torch.floor)  # type: ignore[no-any-return, no-untyped-call]


def _rounded(x: Tensor) -> Tensor:
    """Round to the nearest whole number, halves away from zero; gradients pass."""
    return _StraightThrough.apply(x, lambda x: torch.trunc(x + torch.copysign(torch.full_like(x, _HALF), x)))  # type: ignore[no-any-return, no-untyped-call]


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
        return rounding(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None
