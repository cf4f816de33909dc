"""What the small picture goes through between the network that shrinks and the one that restores.

Here is what really happens to it in evaluation and in use. Training sends gradients through a differentiable
form of each, in ``twinscale.nets.layers.channel``.
"""

import bisect
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from twinscale.codecs.codec import Options, Subsampling
from twinscale.codecs.quantisation import Quantisation
from twinscale.codecs.rate import Coded, coded
from twinscale.codecs.registry import codec_named
from twinscale.errors import TwinscaleError, UsageError
from twinscale.images.levels import to_pixels, to_planes
from twinscale.strict import Between, from_mapping
from twinscale.zoo.card import Conditions

SAMPLINGS: dict[Subsampling, tuple[int, int]] = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}
"""How many times fewer samples chroma has, down and across."""


class Channel(typing.Protocol):
    """A frozen dataclass whose fields are its parameters, so that it can be written into a recipe."""

    told: ClassVar[Conditions]
    """What the network that restores is told of it."""

    def __call__(self, planes: NDArray) -> NDArray:
        """Return what the receiver gets.

        Args:
            planes: what was sent, ``(H, W, C)`` about [0, 1].

        Returns:
            Planes of the same shape, float32.
        """

    def conditions(self, channels: int) -> tuple[float, ...]:
        """Return what the network that restores a picture of so many channels is told, each 0 where nothing is lost."""


@dataclass(frozen=True, slots=True)
class EightBits:
    """A lossless file of 8 bits."""

    told: ClassVar[Conditions] = "none"

    def __call__(self, planes: NDArray) -> NDArray:
        """Clip to [0, 1] and round to the nearest of 256 levels."""
        return to_planes(to_pixels(planes, np.uint8))

    def conditions(self, channels: int) -> tuple[float, ...]:
        """Return nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing in between."""

    told: ClassVar[Conditions] = "none"

    def __call__(self, planes: NDArray) -> NDArray:
        """Return floats as they are, even beyond black and white."""
        return planes.astype(np.float32)

    def conditions(self, channels: int) -> tuple[float, ...]:
        """Return nothing."""
        return ()


Quality = Annotated[int, Between(1, 100)]


@dataclass(frozen=True, kw_only=True)
class Lossy(ABC):
    """A file of a lossy format, written by a real encoder and read again."""

    told: ClassVar[Conditions]
    quality: Quality = 75
    """What is written unless :meth:`at` says another."""
    lowest: Quality = 10
    """Training draws a quality for each picture from here to :attr:`highest`."""
    highest: Quality = 95

    def __post_init__(self) -> None:
        if self.lowest > self.highest:
            raise UsageError(f"lowest = {self.lowest} is above highest = {self.highest}: exchange them")

    def __call__(self, planes: NDArray) -> NDArray:
        """Return what is read again of the file."""
        return to_planes(self.file(planes).pixels)

    def at(self, quality: int) -> Self:
        """Return the same channel with another quality."""
        return replace(self, quality=quality)

    def within(self, size: int, planes: NDArray) -> Self:
        """Return the channel with the highest quality whose file has at most so many bytes, or with the lowest."""
        qualities = range(1, 101)
        fitting = bisect.bisect_right(qualities, size, key=lambda quality: len(self.at(quality).file(planes).data))
        return self.at(qualities[max(0, fitting - 1)])

    @abstractmethod
    def file(self, planes: NDArray) -> Coded:
        """Write the file and read it again."""

    @abstractmethod
    def conditions(self, channels: int) -> tuple[float, ...]:
        """Return what the network that restores is told."""


@dataclass(frozen=True, kw_only=True)
class Jpeg(Lossy):
    """A JPEG with the usual tables."""

    told: ClassVar[Conditions] = "jpeg"
    subsampling: Subsampling = "4:2:0"

    def file(self, planes: NDArray) -> Coded:
        """Write the file and read it again."""
        return coded(to_pixels(planes, np.uint8), "JPEG", self.quality, Options(subsampling=self.subsampling))

    def conditions(self, channels: int) -> tuple[float, ...]:
        """Return those of :class:`twinscale.codecs.quantisation.Quantisation`."""
        return Quantisation.standard(self.quality, SAMPLINGS[self.subsampling], grey=channels == 1).conditions()


@dataclass(frozen=True, kw_only=True)
class File(Lossy):
    """A file of any format that has qualities."""

    told: ClassVar[Conditions] = "quality"
    format: str = "WebP"
    """The format's name."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if codec_named(self.format).quality is None:
            raise UsageError(f"format = {self.format!r} has no qualities: use one that has, such as WebP")

    def file(self, planes: NDArray) -> Coded:
        """Write the file and read it again."""
        return coded(to_pixels(planes, np.uint8), self.format, self.quality)

    def conditions(self, channels: int) -> tuple[float, ...]:
        """Return by how much of the scale of 1 to 100 the quality falls short of 100."""
        return (1 - self.quality / 100,)


CHANNELS: dict[str, type[Channel]] = {"8-bit": EightBits, "none": Unchanged, "jpeg": Jpeg, "file": File}


def create_channel(
    name: str, parameters: Mapping[str, Any] | None = None, error: type[TwinscaleError] = UsageError
) -> Channel:
    """Create a channel by its name.

    Args:
        name: a key of :data:`CHANNELS`.
        parameters: the channel's own arguments.
        error: the class of errors to raise.

    Raises:
        TwinscaleError: of the class ``error``: an unknown channel or parameter, or one that cannot be.
    """
    if name not in CHANNELS:
        raise error(f"unknown channel {name!r}: use one of {', '.join(CHANNELS)}")
    try:
        return from_mapping(CHANNELS[name], parameters or {}, f"channel {name}", error)
    except UsageError as reason:
        raise error(str(reason)) from None
