"""Local operations on pictures, and how they combine.

An :class:`Operation` maps ``(H, W, C)`` planes to planes whose sides are ``scale`` times as long, and each output
pixel depends only on input pixels within ``radius``. At the border of its input it does what it would do at the border
of the whole picture; one that does not do well there is ``mirrored``. These two promises make tiling exact.
"""

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from twinscale.engine.network import Network
from twinscale.images.colour import LUMA, luminance, rgb_to_ycbcr, ycbcr_to_rgb
from twinscale.images.resize import imresize

Planes = NDArray[np.float32]

_BICUBIC_RADIUS = 3  # two pixels of support, and the half-pixel shift of an enlargement
_REACH_OF_WHOLE = 32  # pixels: as far as a picture is continued if the operation looks at the whole of it
_TRANSPARENT = 1e-4  # opacity below which nothing is seen
_FAINT = 1 / 16  # opacity below which 8 bits no longer hold a colour: programs round it, or store none
_CONTINUED = 6  # pixels or blocks: twice as far as bicubic alpha reaches beyond the visible part


@dataclass(frozen=True, slots=True)
class Operation:
    """A local operation; call it with ``(H, W, C)`` float32 planes in [0, 1]."""

    function: Callable[[Planes], Planes]
    scale: Fraction = Fraction(1)
    """Side of the output divided by side of the input."""
    radius: int | float = 0
    """In input pixels; infinity for an operation that looks at the whole picture, which is then never tiled."""
    multiple_of: int = 1
    """Sides of the input must be multiples of this; a multiple of the scale's denominator."""
    mirrored: bool = False
    """Whether :func:`twinscale.engine.run` continues the picture by its mirror image, so that the input never ends at
    the border of the picture. Zeros around a flat colour would be an edge that does not exist."""
    activation_bytes: float = 0
    """What its network holds at its peak, in bytes per input pixel: tiles are as large as memory allows. Zero for an
    operation without a network."""

    def __call__(self, planes: Planes) -> Planes:
        """Apply the operation."""
        return self.function(planes)

    @classmethod
    def of(
        cls,
        network: Network,
        *,
        scale: Fraction = Fraction(1),
        radius: int | float = 0,
        multiple_of: int = 1,
        activation_bytes: float = 0,
    ) -> "Operation":
        """Make an operation of a network: one picture is a batch of one."""
        return cls(
            lambda planes: network(planes[None])[0], scale, radius, multiple_of, activation_bytes=activation_bytes
        )


def halo(radius: int | float, multiple_of: int) -> int:
    """Return how many pixels around a part of a picture must be known to compute it, a multiple of what is wanted.

    Args:
        radius: see :class:`Operation`.
        multiple_of: see :class:`Operation`.
    """
    return math.ceil((radius if math.isfinite(radius) else _REACH_OF_WHOLE) / multiple_of) * multiple_of


def told(network: Operation, conditions: Sequence[float]) -> Operation:
    """Make an operation on pictures of a network that is told how they were made.

    The planes are appended right before the network: what is wrapped around it sees, turns and pads the picture alone.

    Args:
        network: works on a picture's planes and one constant plane for each condition after them.
        conditions: what it is told, of 0 to 1; see :meth:`twinscale.codecs.quantisation.Quantisation.conditions`.
    """
    values = np.array(conditions, np.float32)

    def function(planes: Planes) -> Planes:
        return network(np.concatenate((planes, np.broadcast_to(values, (*planes.shape[:2], len(values)))), axis=2))

    return replace(network, function=function)


def bicubic(scale: Fraction) -> Operation:
    """Return bicubic resizing by a whole number, or by one over it, as an operation."""
    return Operation(
        lambda planes: imresize(planes, float(scale)),
        scale=scale,
        radius=_BICUBIC_RADIUS * scale.denominator,
        multiple_of=scale.denominator,
    )


def interpolated(network: Operation, scale: int) -> Operation:
    """Make an operation on the small picture of a network that works on the bicubic enlargement."""
    enlarge = bicubic(Fraction(scale))
    return Operation(
        lambda planes: network(enlarge(planes)),
        scale=enlarge.scale,
        radius=-(-network.radius // scale) + enlarge.radius if math.isfinite(network.radius) else math.inf,
        activation_bytes=network.activation_bytes * scale**2,
    )


def self_ensemble(operation: Operation) -> Operation:
    """Average an operation over the eight rotations and reflections of its input, each turned back.

    Geometric self-ensemble: Timofte et al. 2016, "Seven ways to improve example-based single image super resolution"
    (enhanced prediction); Lim et al. 2017, EDSR+. The result commutes with rotations and reflections.
    """

    def function(planes: Planes) -> Planes:
        results = (
            operation(planes.transpose(axes)[::rows, ::columns])[::rows, ::columns].transpose(axes)
            for axes in ((0, 1, 2), (1, 0, 2))
            for rows, columns in itertools.product((1, -1), repeat=2)
        )
        total: Planes = functools.reduce(np.add, results)
        return total / np.float32(8)

    return replace(operation, function=function)


def on_luminance(network: Operation) -> Operation:
    """Make a luminance network work on RGB: Y goes through the network, Cb and Cr are resized bicubically."""
    beside = bicubic(network.scale)

    def function(rgb: Planes) -> Planes:
        y = network(luminance(rgb))
        chroma = beside(rgb_to_ycbcr(rgb)[:, :, 1:])
        return ycbcr_to_rgb(np.concatenate((y, chroma), axis=2))

    return replace(network, function=function, radius=max(network.radius, beside.radius))


def on_luminance_range(network: Operation) -> Operation:
    """Make a luminance network work on grey: black and white become Y's levels 16 and 235, and are turned back."""
    black, contrast = np.float32(16 / 255), np.float32(219 / 255)
    return replace(network, function=lambda grey: (network(grey * contrast + black) - black) / contrast)


def on_grey(network: Operation) -> Operation:
    """Make an RGB network work on grey: three equal planes go in, their luma comes out."""
    luma = np.array(LUMA, dtype=np.float32)[:, None]
    return replace(network, function=lambda grey: network(np.repeat(grey, 3, axis=2)) @ luma)


def clamped_to_neighbours(enlargement: Operation, slack: float = 0) -> Operation:
    """Clamp an enlargement to the range of the 3x3 pixels around: what is flat stays flat, and nothing rings beside it.

    Args:
        enlargement: an enlargement by a whole number.
        slack: by what part of the range results may exceed it at both ends. 1 leaves photographs as they are.
    """
    copies = int(enlargement.scale)

    def function(planes: Planes) -> Planes:
        # Channels first, as networks leave their results: NumPy's loops then run along whole rows.
        around = np.pad(np.moveaxis(planes, 2, 0), ((0, 0), (1, 1), (1, 1)), mode="edge")
        lowest, highest = _over_neighbours(np.minimum, around), _over_neighbours(np.maximum, around)
        if slack:
            margin = (highest - lowest) * np.float32(slack)
            lowest -= margin
            highest += margin
        bounds = (bound.repeat(copies, axis=2)[:, :, None] for bound in (lowest, highest))
        enlarged = np.moveaxis(enlargement(planes), 2, 0)
        channels, height, width = enlarged.shape
        clamped = enlarged.copy() if np.may_share_memory(enlarged, planes) else enlarged
        rows = clamped.reshape(channels, height // copies, copies, width)  # a view: only one axis is split
        np.clip(rows, *bounds, out=rows)
        return np.moveaxis(clamped, 0, 2)

    return replace(enlargement, function=function, radius=max(enlargement.radius, 1))


def _over_neighbours(combine: np.ufunc, around: Planes) -> Planes:
    """Combine every pixel of ``(C, H, W)`` planes with its eight neighbours; the outermost pixels are dropped."""
    rows = combine(around[:, :-2], around[:, 1:-1])
    combine(rows, around[:, 2:], out=rows)
    combined: Planes = combine(rows[:, :, :-2], rows[:, :, 1:-1])
    combine(combined, rows[:, :, 2:], out=combined)
    return combined


def with_alpha(colour: Operation, alpha: Operation | None = None, *, block: int = 1) -> Operation:
    """Make operations on colour and on alpha work on planes whose last one is alpha.

    Where alpha hides the colour, it is continued from what is visible, so that hidden colour does not bleed and a
    network does not take the edge of the visible part for an edge in the picture, and sharpen it.

    Args:
        colour: the operation for all planes but the last.
        alpha: the operation for the last plane, of the same scale and ``multiple_of``; bicubic by default.
        block: side of the squares in which the colour is continued, a divisor of ``multiple_of``. A kernel that is
            widened by the scale reaches that much further than a network does.
    """
    beside = alpha or bicubic(colour.scale)

    def function(planes: Planes) -> Planes:
        opacity = np.clip(beside(planes[:, :, -1:]), 0, 1)
        visible = np.where(opacity > _TRANSPARENT, colour(_continued(planes, block)), 0)
        return np.concatenate((visible, opacity), axis=2)

    return replace(colour, function=function, radius=max(colour.radius + _CONTINUED * block, beside.radius))


def _continued(planes: Planes, block: int) -> Planes:
    """Return the colour planes; ``_CONTINUED`` blocks around visible ones take the mean of those with a colour."""
    known = np.minimum(planes[:, :, -1:] / _FAINT, 1)
    weighted = np.ascontiguousarray(np.moveaxis(np.concatenate((planes[:, :, :-1] * known, known), axis=2), 2, 0))
    if block == 1:
        return np.moveaxis(_spread(weighted), 0, 2)
    count, height, width = weighted.shape
    means = weighted.reshape(count, height // block, block, width // block, block).mean(axis=(2, 4))
    hidden = _spread(means).repeat(block, axis=1).repeat(block, axis=2)
    return np.moveaxis(weighted[:-1] + (1 - weighted[-1]) * hidden, 0, 2)


def _spread(weighted: Planes) -> Planes:
    """Fill in what is hidden in ``(C + 1, H, W)``, colours times how well they are known, and that; return colours."""
    for _ in range(_CONTINUED):
        around = _over_neighbours(np.add, np.pad(weighted, ((0, 0), (1, 1), (1, 1)), mode="edge"))
        total = around[-1]
        mean = np.divide(around, total, out=np.zeros_like(around), where=total > 0)
        weighted += (1 - weighted[-1]) * mean
    return weighted[:-1]
