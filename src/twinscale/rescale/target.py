"""How large a picture is to become."""

from dataclasses import dataclass
from fractions import Fraction

from twinscale.errors import UsageError
from twinscale.images.picture import Picture

MAX_SCALE = 16
"""The largest factor: beyond it, next to nothing of a result would come from the picture."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a picture is enlarged to: by a factor, to a width or height, or into a box. Its proportions stay.

    Raises:
        UsageError: several of these are given, a side is below one pixel, or the scale is not above 1 and at most
            ``MAX_SCALE``.
    """

    scale: float | None = None
    """A factor: sides become ``round(scale * side)``."""
    width: int | None = None
    """Columns of pixels. The height follows, unless it is given too; then both must fit the proportions to a pixel."""
    height: int | None = None
    """Rows of pixels; the width follows."""
    fit: tuple[int, int] | None = None
    """Width and height of a box: the largest size that fits inside."""

    def __post_init__(self) -> None:
        sides = self.width is not None or self.height is not None
        if (self.scale is not None) + sides + (self.fit is not None) > 1:
            raise UsageError("scale, width or height, and fit contradict each other: give one of them")
        if self.scale is not None and not 1 < self.scale <= MAX_SCALE:
            raise UsageError(f"scale {self.scale} must be above 1 and at most {MAX_SCALE}")
        for side in (self.width, self.height, *(self.fit or ())):
            if side is not None and side < 1:
                raise UsageError(f"a side of {side} pixels is not possible: give at least 1")

    def __str__(self) -> str:
        if self.scale is not None:
            return f"x{self.scale:g}"
        if self.fit or (self.width and self.height):
            width, height = self.fit or (self.width, self.height)
            return f"{width}x{height}"
        return f"{self.width}w" if self.width else f"{self.height}h"

    def or_times(self, scale: float) -> "Target":
        """Return this target, or a factor if nothing is given."""
        return Target(scale) if self == Target() else self

    def size(self, picture: Picture) -> tuple[int, int]:
        """Return ``(height, width)`` of the enlarged picture in pixels.

        Raises:
            UsageError: see :meth:`factor`.
        """
        factor = self.factor(picture)
        height, width = (max(1, round(side * factor)) for side in (picture.height, picture.width))
        return self.height or height, self.width or width

    def factor(self, picture: Picture) -> float | Fraction:
        """Return how many times longer the sides of a picture become.

        Raises:
            UsageError: the result would not be larger than the picture, or more than ``MAX_SCALE`` times as large, or
                would be distorted.
        """
        if self.scale is not None:
            return self.scale
        given = f"the picture, which is {picture.width}x{picture.height}"
        width, height = self.fit or (self.width, self.height)
        across = Fraction(width, picture.width) if width else None
        down = Fraction(height, picture.height) if height else None
        factors = [factor for factor in (across, down) if factor is not None]
        factor = min(factors) if self.fit else max(factors)
        if across and down and not self.fit:
            too_tall, too_wide = picture.height * abs(across - down), picture.width * abs(across - down)
            if min(too_tall, too_wide) > 1:
                raise UsageError(f"{self} would distort {given}: give one of width and height, or a box to fit into")
        if factor <= 1:
            raise UsageError(f"{self} is not larger than {given}: upscale only enlarges")
        if factor > MAX_SCALE:
            raise UsageError(f"{self} is more than {MAX_SCALE} times {given}: ask for less")
        return factor
