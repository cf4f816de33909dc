"""The size in AV1 streams, against what their encoders were given."""

import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.awkward import pattern, pillow_file
from tests.codecs.test_hostile import saved
from twinscale.codecs.av1 import stated_size
from twinscale.codecs.items import read_items
from twinscale.errors import PictureError
from twinscale.images.picture import Picture


def streams(data: bytes) -> list[bytes]:
    return [data[item.start : item.start + item.length] for item in read_items(data) if item.kind == b"av01"]


@pytest.mark.parametrize(("height", "width"), [(40, 60), (1, 1), (17, 300), (257, 3)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_of_still_pictures(height: int, width: int, channels: int) -> None:
    pixels = pattern(height, width, channels)
    data = saved(Image.fromarray(pixels if channels > 1 else pixels[..., 0]), "AVIF")
    found = streams(data)
    assert len(found) == 1 + (channels == 4)
    assert {stated_size(stream) for stream in found} == {(width, height)}


def test_of_deep_pictures_and_animations() -> None:
    deep = np.stack([pattern(dtype=np.uint16) >> 6] * 3)
    for data in (
        bytes(imagecodecs.avif_encode(deep[0], bitspersample=10, level=100)),
        bytes(imagecodecs.avif_encode(deep, bitspersample=10, level=100)),
    ):
        assert {stated_size(stream) for stream in streams(data)} == {(60, 40)}


@pytest.mark.parametrize("stream", [b"", b"\x0a", b"\x0a\x05\x00", b"\xff" * 50, bytes(100), b"\x12\x00" * 100])
def test_of_what_is_none(stream: bytes) -> None:
    with pytest.raises((PictureError, IndexError)):
        stated_size(stream)


def test_streams_larger_than_their_file_says() -> None:
    """libavif decoded them, and made the result smaller."""
    data = pillow_file("AVIF")
    assert Picture.read(data).width == 64
    at = data.index(b"ispe") + 8
    with pytest.raises(PictureError, match="two different sizes"):
        Picture.read(data[:at] + struct.pack(">II", 16, 16) + data[at + 8 :], max_pixels=256)
