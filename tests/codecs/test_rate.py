"""Bits per pixel of files whose size is known, and the pixels that come back."""

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.awkward import pattern
from twinscale.codecs.codec import Codec
from twinscale.codecs.rate import coded
from twinscale.codecs.registry import writable_codecs


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_uncompressed() -> None:
    assert coded(noise(64, 48, 3), "BMP").bits_per_pixel() == 24 + 8 * 54 / (64 * 48), (
        "three bytes a pixel behind a header of 54"
    )


@pytest.mark.parametrize(("channels", "floor"), [(1, 8), (3, 24)])
@pytest.mark.parametrize("file_format", ["JPEGLS", "PNG"])
def test_noise_cannot_be_compressed(file_format: str, channels: int, floor: int) -> None:
    assert floor <= coded(noise(64, 48, channels), file_format).bits_per_pixel() < 1.25 * floor


def test_jpeg_ls_is_what_charls_makes_of_rgb() -> None:
    ramp = np.dstack([np.add.outer(np.arange(60), 2 * np.arange(40)).astype(np.uint8)] * 3)
    assert coded(ramp, "jls").bits_per_pixel() == 8 * len(imagecodecs.jpegls_encode(ramp)) / 2400


def test_the_picture_that_the_file_stands_for() -> None:
    small = coded(noise(20, 30, 3), "JPEG", quality=50)
    assert small.bits_per_pixel((60, 90)) == pytest.approx(small.bits_per_pixel() / 9)
    np.testing.assert_array_equal(small.pixels, np.asarray(Image.open(io.BytesIO(small.data))))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("codec", writable_codecs(), ids=lambda codec: codec.name)
def test_every_format(codec: Codec, channels: int) -> None:
    """What a format holds exactly comes back, and what it loses comes back nearly."""
    pixels = pattern(channels=1 if codec.name == "GIF" else channels)
    result = coded(pixels, codec.name)
    assert (result.pixels.shape, result.pixels.dtype) == (pixels.shape, pixels.dtype)
    np.testing.assert_allclose(result.pixels.astype(int), pixels, atol=0 if codec.is_lossless else 8)
