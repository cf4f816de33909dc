"""What the small picture goes through between the network that shrinks and the one that restores.

Here is what really happens to it in evaluation and in use. Training sends gradients through a differentiable
form of each, in ``twinscale.nets.layers.channel``.
"""

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinscale.errors import TwinscaleError, UsageError
from twinscale.images.levels import to_pixels, to_planes
from twinscale.strict import from_mapping


class Channel(typing.Protocol):
    """A frozen dataclass whose fields are its parameters, so that it can be written into a recipe."""

    def __call__(self, planes: NDArray) -> NDArray:
        """Return what the receiver gets.

        Args:
            planes: what was sent, ``(H, W, C)`` about [0, 1].

        Returns:
            Planes of the same shape, float32.
        """


@dataclass(frozen=True, slots=True)
class EightBits:
    """A lossless file of 8 bits."""

    def __call__(self, planes: NDArray) -> NDArray:
        """Clip to [0, 1] and round to the nearest of 256 levels."""
        return to_planes(to_pixels(planes, np.uint8))


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing in between."""

    def __call__(self, planes: NDArray) -> NDArray:
        """Return floats as they are, even beyond black and white."""
        return planes.astype(np.float32)


CHANNELS: dict[str, type[Channel]] = {"8-bit": EightBits, "none": Unchanged}


def create_channel(
    name: str, parameters: Mapping[str, Any] | None = None, error: type[TwinscaleError] = UsageError
) -> Channel:
    """Create a channel by its name.

    Args:
        name: a key of :data:`CHANNELS`.
        parameters: the channel's own arguments.
        error: the class of errors to raise.

    Raises:
        TwinscaleError: of the class ``error``: an unknown channel or parameter.
    """
    if name not in CHANNELS:
        raise error(f"unknown channel {name!r}: use one of {', '.join(CHANNELS)}")
    return from_mapping(CHANNELS[name], parameters or {}, f"channel {name}", error)
