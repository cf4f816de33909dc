"""Classical downscaling, next to Pillow's reductions."""

from collections.abc import Sequence

from PIL import Image

from twinscale.benchmark.timing import medians, random_pixels
from twinscale.images.downscaling import downscale


def measure_downscaling(methods: Sequence[str], scale: int, megapixels: float, rounds: int) -> dict[str, float]:
    """Reduce a random 8-bit RGB picture of 4:3 with every method, and with Pillow.

    Args:
        methods: some of :data:`twinscale.images.downscaling.METHODS`.
        scale: how many times smaller.
        megapixels: size of the full-size picture.
        rounds: how often each of them reduces it.

    Returns:
        Median milliseconds per megapixel of the full-size picture, of every method, and of Pillow's bicubic ``resize``
        and its ``reduce``, the area average.

    Raises:
        UsageError: an unknown method, or a scale below 2 or above 16.
    """
    unit = max(1, round((megapixels * 1e6 / 12) ** 0.5 / scale)) * scale
    pixels = random_pixels(3 * unit, 4 * unit)
    image = Image.fromarray(pixels)
    small = (image.width // scale, image.height // scale)
    functions = {method: lambda method=method: downscale(pixels, scale, method) for method in methods} | {
        "Pillow bicubic": lambda: image.resize(small, Image.Resampling.BICUBIC),
        "Pillow area": lambda: image.reduce(scale),
    }
    return dict(zip(functions, medians(rounds, *functions.values(), per=pixels.size / 3e6), strict=True))
