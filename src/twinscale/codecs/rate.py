"""What a codec makes of pixels: the bytes of a file, how many bits those are per pixel, and the pixels that return."""

from typing import NamedTuple

import numpy as np

from twinscale.codecs.codec import NO_OPTIONS, Options
from twinscale.codecs.decoding import decode
from twinscale.codecs.encoding import encode
from twinscale.codecs.registry import codec_named


class Coded(NamedTuple):
    """A whole file, including its headers, and its decoded pixels ``(H, W, C)``."""

    data: bytes
    pixels: np.ndarray

    def bits_per_pixel(self, size: tuple[int, int] | None = None) -> float:
        """Return the bits of the file per pixel.

        Args:
            size: height and width of the full-size picture that the file stands for; its own by default.
        """
        height, width = size or self.pixels.shape[:2]
        return float(8 * len(self.data) / (height * width))


def coded(pixels: np.ndarray, format: str, quality: int | None = None, options: Options = NO_OPTIONS) -> Coded:
    """Encode pixels and decode them again.

    Args:
        pixels: ``(H, W, 1 or 3)``, of a type that the format can hold.
        format: a format's name or one of its extensions, such as ``"JPEGLS"`` or ``"png"``.
        quality: 1 to 100, or ``None`` for the format's own default.
        options: those that the format has.

    Returns:
        The file, and pixels of the same shape and type as those given; of a format that holds no grey, the first
        channel.

    Raises:
        UsageError: there is no such format, or the quality or an option is out of range or not one of its own.
        PictureError: the format is only read, or cannot hold such a picture.
    """
    channels = pixels.shape[2]
    codec = codec_named(format)
    data = encode(codec, pixels, quality=quality, options=options).data
    decoded = decode(codec, data, 2**62)  # it was made here
    return Coded(data, decoded.pixels[..., :channels])
