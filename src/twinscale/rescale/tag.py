"""What a small file says about how it was made."""

import hashlib
from dataclasses import dataclass
from fractions import Fraction

from twinscale import spill
from twinscale.images.picture import Picture

DIGITS = 16
"""How many digits of a SHA-256 tell weights or pixels apart: in a packed file, each byte counts."""


@dataclass(frozen=True, slots=True)
class Tag:
    """How a picture was made smaller, and what brings it back."""

    model: str
    """Name of the model that restores: the pair that shrank, or an upscaler."""
    digest: str
    """SHA-256 that identifies its weights, or at least its first :data:`DIGITS` digits."""
    scale: Fraction
    width: int
    """Width of the original in pixels."""
    height: int
    quality: int | None = None
    """The quality of the file, if the model must be told it and no JPEG says it."""
    pixels: str | None = None
    """What :func:`digest_of` says of the pixels as the file holds them, or None if it is not known."""

    @property
    def small_size(self) -> tuple[int, int]:
        """``(height, width)`` of the small picture in pixels.

        The original is continued until whole small pixels cover it; all in integers, so exact at any size.
        """
        blocks = (-(-side // self.scale.numerator) for side in (self.height, self.width))
        height, width = (count * self.scale.denominator for count in blocks)
        return height, width

    @property
    def covered_size(self) -> tuple[int, int]:
        """``(height, width)`` that the small picture covers at full size, in pixels: no less than the original's."""
        height, width = (int(side * self.scale) for side in self.small_size)
        return height, width


def digest_of(picture: Picture) -> str:
    """Return what tells a picture's pixels and alpha from any others: :data:`DIGITS` digits of their SHA-256."""
    digest = hashlib.sha256(f"{picture.pixels.shape} {picture.pixels.dtype.name}".encode())
    for samples in (picture.pixels, picture.alpha):
        if samples is not None:
            for rows in spill.bands(samples):
                digest.update(samples[rows].tobytes())
    return digest.hexdigest()[:DIGITS]
