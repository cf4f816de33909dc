"""Bits per pixel of files whose size is known."""

import numpy as np

from twinscale.codecs.rate import bits_per_pixel
from twinscale.images.picture import Picture


def test_bits_per_pixel() -> None:
    assert bits_per_pixel(bytes(300), 20, 30) == 4
    uncompressed = Picture(np.zeros((64, 64, 3), np.uint8)).encode("BMP")
    assert bits_per_pixel(uncompressed, 64, 64) == 24 + 8 * 54 / 64**2, "three bytes a pixel behind a header of 54"
