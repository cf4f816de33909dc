"""What headers tell, against what is decoded."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.awkward import BOMBS, exif_block, icc_profile, make_awkward_pictures, pattern, xmp_packet
from twinscale.codecs.registry import all_codecs, codec_of_bytes
from twinscale.errors import PictureError
from twinscale.images.picture import Picture
from twinscale.images.summary import Summary

_FOLDER = tempfile.TemporaryDirectory()  # made on import, so that every file is a test of its own
FOLDER = Path(_FOLDER.name)
WHOLE = [name for name, verdict in make_awkward_pictures(FOLDER).items() if verdict == "ok"]


def assert_alike(summary: Summary, picture: Picture) -> None:
    assert (summary.format, summary.width, summary.height) == (picture.format, picture.width, picture.height)
    assert (summary.depth, summary.channels) == (picture.depth, picture.channels)
    assert summary.has_alpha == (picture.alpha is not None)
    assert (summary.icc, summary.exif, summary.xmp) == (picture.icc, picture.exif, picture.xmp)
    assert (summary.quantisation is None) == (picture.quantisation is None)
    if summary.quantisation and picture.quantisation:
        assert summary.quantisation.quality == picture.quantisation.quality


@pytest.mark.parametrize("name", WHOLE)
def test_headers_tell_what_is_decoded(name: str) -> None:
    assert_alike(Summary.read(FOLDER / name), Picture.read(FOLDER / name))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "JPEG2000", "AVIF", "JPEGXL"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_metadata_without_decoding(format: str, orientation: int, tmp_path: Path) -> None:
    picture = Picture(pattern(), icc=icc_profile(b"RGB "), exif=exif_block(), xmp=xmp_packet())
    data = picture.encode(format)
    turned = data.replace(exif_block(), exif_block(orientation))
    (tmp_path / "picture").write_bytes(turned if format not in ("PNG", "TIFF") else data)
    summary = Summary.read(tmp_path / "picture")
    assert_alike(summary, Picture.read(tmp_path / "picture"))
    assert summary.exif is not None
    assert summary.xmp == xmp_packet()


@pytest.mark.parametrize("kind", [kind for kind in BOMBS if kind not in ("avif", "heic")])
def test_pictures_of_any_size(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is decoded, whatever a file claims."""
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[kind](60_000))
    codec = codec_of_bytes(path.read_bytes())
    assert codec in all_codecs()
    summary = Summary.read(path)
    assert (summary.width, summary.height, summary.notes) == (60_000, 60_000, ())


def test_pixels_of_png_are_not_read(tmp_path: Path) -> None:
    data = bytearray(Picture(np.zeros((500, 500, 3), np.uint8), xmp=xmp_packet()).encode("PNG"))
    at = data.index(b"IDAT") + 4
    data[at : at + 100] = bytes(100)
    (tmp_path / "damaged.png").write_bytes(data)
    with pytest.raises(PictureError, match="a checksum is wrong"):
        Picture.read(tmp_path / "damaged.png")
    assert Summary.read(tmp_path / "damaged.png").xmp == xmp_packet()


@pytest.mark.parametrize("data", [b"", b"Dear reader", b"\x89PNG\r\n\x1a\n", b"II*\0"])
def test_what_is_no_picture(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "letter").write_bytes(data)
    with pytest.raises(PictureError, match=r"letter: .+[;,] .+"):
        Summary.read(tmp_path / "letter")
