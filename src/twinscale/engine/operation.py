"""Local operations on pictures, and how they combine.

An :class:`Operation` maps ``(H, W, C)`` planes to planes whose sides are ``up / down`` times as long,
and each output pixel depends only on input pixels within ``radius``. At the border of its input it does
what it would do at the border of the whole picture. These two promises make tiling exact.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinscale.images.colour import luminance, rgb_to_ycbcr, ycbcr_to_rgb
from twinscale.images.resize import imresize

Planes = NDArray[np.float32]

_BICUBIC_RADIUS = 3  # two pixels of support, and the half-pixel shift of an enlargement
_TRANSPARENT = 1e-4  # below half a level of 16 bits there is no colour to divide out


@dataclass(frozen=True, slots=True)
class Operation:
    """A local operation; call it with ``(H, W, C)`` float32 planes in [0, 1]."""

    function: Callable[[Planes], Planes]
    up: int = 1
    down: int = 1
    radius: int = 0
    """In input pixels."""
    multiple_of: int = 1
    """Sides of the input must be multiples of this; a multiple of ``down``."""

    def __call__(self, planes: Planes) -> Planes:
        return self.function(planes)


def bicubic(up: int = 1, down: int = 1) -> Operation:
    """Bicubic resizing by an integer factor, or by one over it, as an operation."""
    return Operation(
        lambda planes: imresize(planes, up / down),
        up=up,
        down=down,
        radius=_BICUBIC_RADIUS * down,
        multiple_of=down,
    )


def interpolated(network: Operation, scale: int) -> Operation:
    """A network that works on the bicubic enlargement, as an operation on the small picture."""
    enlarge = bicubic(up=scale)
    return Operation(
        lambda planes: network(enlarge(planes)),
        up=scale,
        radius=math.ceil(network.radius / scale) + enlarge.radius,
    )


def on_luminance(network: Operation) -> Operation:
    """Y through a luminance network, Cb and Cr bicubically beside it: RGB in, RGB out."""
    beside = bicubic(network.up, network.down)

    def function(rgb: Planes) -> Planes:
        y = network(luminance(rgb))
        chroma = beside(rgb_to_ycbcr(rgb)[:, :, 1:])
        return ycbcr_to_rgb(np.concatenate((y, chroma), axis=2))

    return replace(network, function=function, radius=max(network.radius, beside.radius))


def on_grey(network: Operation) -> Operation:
    """A grey picture through an RGB network: three equal planes in, their luma out."""
    luma = np.array([[0.299], [0.587], [0.114]], dtype=np.float32)
    return replace(network, function=lambda grey: network(np.repeat(grey, 3, axis=2)) @ luma)


def with_alpha(colour: Operation) -> Operation:
    """The last plane is alpha: resized bicubically on its own, colour premultiplied by it."""
    beside = bicubic(colour.up, colour.down)

    def function(planes: Planes) -> Planes:
        alpha = planes[:, :, -1:]
        premultiplied = colour(planes[:, :, :-1] * alpha)
        resized = np.clip(beside(alpha), 0, 1)
        straight = np.where(resized > _TRANSPARENT, premultiplied / np.maximum(resized, _TRANSPARENT), 0)
        return np.concatenate((straight, resized), axis=2)

    return replace(colour, function=function, radius=max(colour.radius, beside.radius))
