"""JPEG-LS against CharLS."""

import imagecodecs
import numpy as np
import pytest

from tests.awkward import exif_block, pattern
from twinscale.codecs.jpegls import CODEC
from twinscale.images.picture import Picture


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_round_trip(channels: int, dtype: type) -> None:
    source = Picture(pattern(channels=channels, dtype=dtype), exif=exif_block())
    data = source.encode("JPEGLS")
    np.testing.assert_array_equal(imagecodecs.jpegls_decode(data).squeeze(), source.pixels.squeeze())
    back = Picture.read(data)
    np.testing.assert_array_equal(back.pixels, source.pixels)
    assert (back.format, back.exif) == ("JPEGLS", None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(300, 200, 3), (1, 60_000, 1)])
def test_noise_has_room(shape: tuple[int, int, int], dtype: type) -> None:
    noise = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    data = Picture(noise).encode("JPEGLS")
    assert noise.nbytes < len(data) < 1.2 * noise.nbytes
    np.testing.assert_array_equal(Picture.read(data).pixels, noise)


@pytest.mark.parametrize("depth", [4, 7, 10, 12])
def test_other_depths(depth: int) -> None:
    """Black is the same code at every depth, so that the depth of a black picture can be changed by hand."""
    black = np.zeros((4, 6), np.uint8)
    data = bytearray(imagecodecs.jpegls_encode(black))
    data[data.index(b"\xff\xf7") + 4] = depth
    assert CODEC.header(bytes(data))[:5] == (6, 4, depth, 1, 1)
    pixels = Picture.read(bytes(data)).pixels
    assert pixels.dtype == (np.uint8 if depth <= 8 else np.uint16)
    assert not pixels.any()


def test_without_the_spiff_header() -> None:
    data = bytes(imagecodecs.jpegls_encode(pattern()))
    bare = data[:2] + data[data.index(b"\xff\xf7") :]
    np.testing.assert_array_equal(Picture.read(bare).pixels, pattern())


def test_behind_other_segments() -> None:
    data = bytes(imagecodecs.jpegls_encode(pattern()))
    comment = b"\xff\xfe\x00\x06\xff\xc0\xff\xda"  # its contents look like markers
    assert Picture.read(data[:2] + comment + b"\xff\xff" + data[3:]).format == "JPEGLS"
