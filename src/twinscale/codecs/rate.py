"""How many bits a file spends on its picture."""

import numpy as np

from twinscale.codecs.encoding import encode
from twinscale.codecs.registry import codec_named


def bits_per_pixel(pixels: np.ndarray, file_format: str) -> float:
    """Return the bits of a whole file, including its headers, per pixel of its picture.

    Args:
        pixels: ``(H, W, 1 or 3)``, of a type that the format can hold.
        file_format: a format's name or one of its extensions, such as ``"JPEGLS"`` or ``"PNG"``.

    Raises:
        UsageError: there is no such format.
        PictureError: the format is only read, or cannot hold such a picture.
    """
    height, width, _ = pixels.shape
    bits: int = 8 * len(encode(codec_named(file_format), pixels).data)
    return float(bits / (height * width))
