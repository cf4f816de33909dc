"""Bits per pixel of files whose size is known."""

import imagecodecs
import numpy as np
import pytest

from twinscale.codecs.rate import bits_per_pixel


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_uncompressed() -> None:
    assert bits_per_pixel(noise(64, 48, 3), "BMP") == 24 + 8 * 54 / (64 * 48), (
        "three bytes a pixel behind a header of 54"
    )


@pytest.mark.parametrize(("channels", "floor"), [(1, 8), (3, 24)])
@pytest.mark.parametrize("file_format", ["JPEGLS", "PNG"])
def test_noise_cannot_be_compressed(file_format: str, channels: int, floor: int) -> None:
    assert floor <= bits_per_pixel(noise(64, 48, channels), file_format) < 1.25 * floor


def test_jpeg_ls_is_what_charls_makes_of_rgb() -> None:
    ramp = np.dstack([np.add.outer(np.arange(60), 2 * np.arange(40)).astype(np.uint8)] * 3)
    assert bits_per_pixel(ramp, "jls") == 8 * len(imagecodecs.jpegls_encode(ramp)) / 2400
