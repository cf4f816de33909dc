"""HEIC files that pillow-heif wrote, and what is said where it is missing."""

import sys

import numpy as np
import pytest

from tests.awkward import exif_block, heic_file, icc_profile, pattern, xmp_packet
from twinscale.errors import PictureError
from twinscale.images.picture import Picture


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels(channels: int, dtype: type) -> None:
    values = pattern(channels=channels, dtype=dtype)
    picture = Picture.read(heic_file(values))
    assert picture.pixels.dtype == dtype
    top = np.iinfo(dtype).max
    np.testing.assert_allclose(picture.planes(), values[..., :3] / top, atol=4 / 255)
    if channels == 4:
        np.testing.assert_allclose(picture.alpha / top, values[..., 3] / top, atol=4 / 255)


def test_ten_bits_fill_the_whole_range() -> None:
    values = np.full((64, 64, 3), 65535, np.uint16)
    values[:32] = 0
    picture = Picture.read(heic_file(values))
    assert (picture.pixels.min(), picture.pixels.max()) == (0, 65535)


def test_metadata() -> None:
    icc, exif, xmp = icc_profile(b"RGB "), exif_block(1), xmp_packet()
    picture = Picture.read(heic_file(pattern(), icc_profile=icc, exif=b"Exif\0\0" + exif, xmp=xmp))
    assert (picture.icc, picture.exif, picture.xmp) == (icc, exif, xmp)


def test_exif_orientation_turns_nothing() -> None:
    """HEIF turns pictures by properties of its own; EXIF is left behind for programs that know no better."""
    picture = Picture.read(heic_file(pattern(), exif=b"Exif\0\0" + exif_block(6)))
    assert picture.pixels.shape[:2] in ((40, 60), (60, 40))


def test_without_pillow_heif_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heic_file(pattern())
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError, match=r"^picture data: .*; install it with pip install 'twinscale\[heif\]'"):
        Picture.read(data)


def test_is_not_written() -> None:
    with pytest.raises(PictureError, match=r"^HEIF can be read but not written; write PNG or JPEG"):
        Picture(pattern()).encode("HEIC")
