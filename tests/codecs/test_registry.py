"""Finding formats: by name, by extension, by contents, and by nothing but a file in the package."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from twinscale import codecs
from twinscale.codecs.registry import (
    all_codecs,
    codec_named,
    codec_of_bytes,
    codec_of_path,
    readable_extensions,
    writable_codecs,
)
from twinscale.datasets.find import find_pictures
from twinscale.errors import PictureError, UsageError
from twinscale.images.picture import Picture

WRITABLE = ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "AVIF", "JPEGXL", "JPEGLS"]


def test_the_formats_in_order_of_rank() -> None:
    assert [codec.name for codec in writable_codecs()] == WRITABLE
    assert [codec.name for codec in all_codecs()] == [*WRITABLE, "HEIF"]
    ranks = [codec.rank for codec in all_codecs()]
    assert len(set(ranks)) == len(ranks)


def test_extensions() -> None:
    listed = [extension for codec in all_codecs() for extension in codec.extensions]
    assert readable_extensions() == set(listed)
    assert len(listed) == len(set(listed)), "no extension stands for two formats"
    assert {".png", ".jpg", ".jpeg", ".tif", ".jp2", ".jxl", ".jls", ".heic"} < readable_extensions()


@pytest.mark.parametrize(
    ("name", "format"),
    [("PNG", "PNG"), ("png", "PNG"), ("jpg", "JPEG"), (".tif", "TIFF"), ("jp2", "JPEG2000"), ("JXL", "JPEGXL")],
)
def test_names(name: str, format: str) -> None:
    assert codec_named(name).name == format


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match=r"'xyz' is not supported; choose one of PNG, JPEG, .*JPEGLS$"):
        codec_named("xyz")


def test_paths() -> None:
    assert codec_of_path("a/b.JPEG").name == "JPEG"
    assert codec_of_path(Path("x.tif")).name == "TIFF"
    for wrong in ("a.xyz", "png", "a.png.txt"):
        with pytest.raises(UsageError, match=r"is not supported; use one of \.png, \.jpg"):
            codec_of_path(wrong)
    with pytest.raises(UsageError, match=r"'\.heic' can be read but not written; use one of \.png, \.jpg"):
        codec_of_path("a.heic")


def test_contents() -> None:
    with pytest.raises(PictureError, match="empty"):
        codec_of_bytes(b"")
    with pytest.raises(PictureError, match=r"known format \(PNG, JPEG, .*HEIF\); convert"):
        codec_of_bytes(b"Dear reader")


def test_what_the_formats_keep() -> None:
    assert [codec.name for codec in writable_codecs() if codec.keeps_xmp] == [
        name for name in WRITABLE if name not in ("BMP", "GIF", "JPEGLS")
    ]
    assert [codec.name for codec in writable_codecs() if not codec.is_lossless] == ["JPEG", "AVIF"]


TOY = """
    import numpy as np
    from twinscale.codecs.codec import Codec, Decoded, Header

    def header(data):
        return Header(data[3], data[4], 8, 1)

    def decode(data):
        return Decoded(np.frombuffer(data, np.uint8, offset=5).reshape(data[4], data[3]))

    def encode(pixels, metadata, quality, options):
        height, width, _ = pixels.shape
        return b"TOY" + bytes([width, height]) + pixels.tobytes()

    CODEC = Codec(
        name="TOY", extensions=(".toy",), rank=99, sniff=lambda data: data[:3] == b"TOY", header=header,
        decode=decode, encode=encode, alpha=False, max_side=255, keeps=(),
    )
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A format that is nothing but one more file in the package."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "toy.py").write_text(textwrap.dedent(TOY))
    monkeypatch.setattr(codecs, "__path__", [*codecs.__path__, str(folder)])
    all_codecs.cache_clear()
    yield
    all_codecs.cache_clear()


@pytest.mark.usefixtures("toy")
def test_one_file_is_a_format(tmp_path: Path) -> None:
    picture = Picture(np.arange(12, dtype=np.uint8).reshape(3, 4, 1))
    picture.write(tmp_path / "a.toy")
    back = Picture.read(tmp_path / "a.toy")
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert back.format == "TOY"
    assert ".toy" in readable_extensions()
    assert find_pictures(tmp_path) == [tmp_path / "a.toy"]
    with pytest.raises(PictureError, match="4 x 3 pixels exceed the limit of 11"):
        Picture.read(tmp_path / "a.toy", max_pixels=11)
    with pytest.raises(PictureError, match=r"TOY cannot hold 16-bit samples; write PNG"):
        Picture(np.zeros((3, 4, 1), np.uint16)).encode("toy")
