"""Bicubic reduction, next to Pillow's."""

from dataclasses import dataclass

from PIL import Image

from twinscale.benchmark.timing import medians, random_pixels
from twinscale.images.resize import imresize


@dataclass(frozen=True, slots=True)
class ResizeSpeed:
    """Bicubic reduction of an RGB picture to half its sides, in milliseconds."""

    imresize: float
    """Median of :func:`twinscale.images.resize.imresize`."""
    pillow: float
    """Median of Pillow's bicubic ``resize``."""

    @property
    def ratio(self) -> float:
        """How many times as long imresize takes."""
        return self.imresize / self.pillow


def measure_resize(megapixels: float, rounds: int) -> ResizeSpeed:
    """Reduce a random 8-bit RGB picture of 4:3 to half its sides with imresize and with Pillow.

    Args:
        megapixels: size of the picture.
        rounds: how often each of them reduces it.
    """
    unit = round((megapixels * 1e6 / 12) ** 0.5)
    pixels = random_pixels(3 * unit, 4 * unit)
    image = Image.fromarray(pixels)
    half = (image.width // 2, image.height // 2)
    ours, pillow = medians(
        rounds,
        lambda: imresize(pixels, size=half[::-1]),
        lambda: image.resize(half, Image.Resampling.BICUBIC),
    )
    return ResizeSpeed(ours, pillow)
