"""JPEG XL against libjxl's own decoder, and headers written bit by bit."""

import struct

import imagecodecs
import numpy as np
import pytest

from tests.awkward import bits, exif_block, pattern, xmp_packet
from twinscale.codecs.codec import Metadata
from twinscale.codecs.encoding import encode
from twinscale.codecs.jpegxl import CODEC
from twinscale.errors import PictureError
from twinscale.images.picture import Picture

EIGHT_BY_EIGHT = [(1, 1), (0, 5), (1, 3)]


def picture(channels: int, dtype: type) -> Picture:
    values = pattern(channels=channels, dtype=dtype)
    if channels in (2, 4):
        return Picture(values[..., :-1], values[..., -1])
    return Picture(values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("quality", [None, 100])
def test_lossless(channels: int, dtype: type, quality: int | None) -> None:
    source = picture(channels, dtype)
    data = source.encode("JPEGXL", quality=quality)
    np.testing.assert_array_equal(
        imagecodecs.jpegxl_decode(data).squeeze(), pattern(channels=channels, dtype=dtype).squeeze()
    )
    back = Picture.read(data)
    np.testing.assert_array_equal(back.pixels, source.pixels)
    assert (back.alpha is None) == (channels in (1, 3))
    assert not back.notes


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossy_is_as_close_at_16_bits_as_at_8(channels: int) -> None:
    """A decoder turns lossy colours into the curve that the file names, so a wrong name would show here."""
    errors = []
    for dtype in (np.uint8, np.uint16):
        source = picture(channels, dtype)
        back = Picture.read(source.encode("JPEGXL", quality=90))
        assert back.depth == source.depth
        assert not back.notes
        errors.append(np.abs(back.planes() - source.planes()).mean())
        if source.alpha is not None:
            np.testing.assert_array_equal(back.alpha, source.alpha)
    assert errors[1] < errors[0] < 3 / 255


def test_deep_pictures_are_not_named_linear() -> None:
    deep = pattern(dtype=np.uint16)
    plain = bytes(imagecodecs.jpegxl_encode(deep, lossless=True))
    assert Picture.read(plain).notes == ("colour profile of the JPEG XL codestream left out",)
    assert Picture.read(Picture(deep).encode("JPEGXL")).notes == ()


def test_float_is_read() -> None:
    values = pattern(dtype=np.float32)
    data = bytes(imagecodecs.jpegxl_encode(values, lossless=True))
    np.testing.assert_array_equal(Picture.read(data).pixels, values)
    with pytest.raises(PictureError, match="scale them to 0 to 1"):
        Picture.read(bytes(imagecodecs.jpegxl_encode(values * 8, lossless=True)))


def test_metadata_stands_in_boxes() -> None:
    exif, xmp = exif_block(1), xmp_packet(1)
    data = encode(CODEC, pattern(), metadata=Metadata(exif=exif, xmp=xmp)).data
    assert struct.pack(">I4sI", 12 + len(exif), b"Exif", 0) + exif in data
    assert struct.pack(">I4s", 8 + len(xmp), b"xml ") + xmp in data
    np.testing.assert_array_equal(imagecodecs.jpegxl_decode(data), pattern())
    assert CODEC.decode(data).metadata == Metadata(None, exif, xmp)


def test_compressed_metadata() -> None:
    xmp = xmp_packet()
    plain = bytes(imagecodecs.jpegxl_encode(pattern(), lossless=True, usecontainer=True))
    packed = b"xml " + bytes(imagecodecs.brotli_encode(xmp))
    assert CODEC.decode(plain + struct.pack(">I4s", 8 + len(packed), b"brob") + packed).metadata.xmp == xmp
    bomb = b"xml " + bytes(imagecodecs.brotli_encode(bytes(100 * 2**20)))
    bombed = plain + struct.pack(">I4s", 8 + len(bomb), b"brob") + bomb
    assert CODEC.decode(bombed).metadata.xmp == bomb[4:]  # still packed, which is damaged XMP
    assert Picture.read(bombed).notes == ("XMP left out: it is damaged",)


def test_codestream_in_parts() -> None:
    stream = bytes(imagecodecs.jpegxl_encode(pattern(), lossless=True))
    whole = bytes(imagecodecs.jpegxl_encode(pattern(), lossless=True, usecontainer=True))
    front = whole[: whole.index(b"jxlc") - 4]
    parts = [struct.pack(">I", 0) + stream[:10], struct.pack(">I", 1 << 31 | 1) + stream[10:]]
    data = front + b"".join(struct.pack(">I4s", 8 + len(part), b"jxlp") + part for part in parts)
    np.testing.assert_array_equal(Picture.read(data).pixels, pattern())


def test_orientation_is_the_codestreams() -> None:
    """EXIF only repeats what libjxl has done already."""
    data = encode(CODEC, pattern(), metadata=Metadata(exif=exif_block(6))).data
    back = Picture.read(data)
    np.testing.assert_array_equal(back.pixels, pattern())
    assert back.exif == exif_block(1)


@pytest.mark.parametrize("shape", [(8, 8), (16, 24), (200, 300), (257, 511), (3, 20000), (480, 640), (1080, 1920)])
def test_sizes(shape: tuple[int, int]) -> None:
    data = bytes(imagecodecs.jpegxl_encode(np.zeros(shape, np.uint8), effort=1, lossless=True))
    assert CODEC.header(data)[:2] == shape[::-1]


# Fields of the image header, each a value and its count of bits, in the order of ISO/IEC 18181-1.
FRONT = [(0x0AFF, 16), *EIGHT_BY_EIGHT, (0, 1)]
SIZE_ON_SCREEN, PREVIEW = [(1, 1), *EIGHT_BY_EIGHT], [(1, 1), (1, 1), (0, 2), (1, 3)]
ANIMATION = [(1, 1), (0, 2), (0, 2), (1, 2), (7, 3), (0, 1)]
NO_FIELDS, ALL_FIELDS = [(0, 1)], [(1, 1), (5, 3), *SIZE_ON_SCREEN, *PREVIEW, *ANIMATION]
BITS_8, BITS_9 = [(0, 1), (0, 2), (1, 1)], [(0, 1), (3, 2), (8, 6), (1, 1)]
BITS_12, BITS_24 = [(0, 1), (2, 2), (1, 1)], [(0, 1), (3, 2), (23, 6), (1, 1)]
NO_EXTRA, ALPHA = [(0, 2)], [(1, 2), (1, 1)]
SPOT = [(1, 2), (0, 1), (2, 2), (0, 4), (0, 1), (0, 2), (0, 2), (1, 2), (2, 4), (0x6261, 16), (0, 64)]
PREMULTIPLIED = [(1, 2), (0, 1), (0, 2), (0, 1), (0, 2), (0, 2), (0, 2), (1, 1)]
SRGB = [(1, 1), (1, 1)]
GREY = [(0, 1), (0, 1), (0, 1), (1, 2), (1, 2), (0, 1), (2, 2), (11, 4)]


@pytest.mark.parametrize(
    ("fields", "channels", "depth", "refused"),
    [
        ([*NO_FIELDS, *BITS_12, *NO_EXTRA, *SRGB], 3, 12, None),
        ([*NO_FIELDS, *BITS_9, *ALPHA, *SRGB], 4, 9, None),
        ([*ALL_FIELDS, *BITS_8, *NO_EXTRA, *GREY], 1, 8, None),
        ([*ALL_FIELDS, *BITS_8, *ALPHA, *GREY], 2, 8, None),
        ([*NO_FIELDS, *BITS_24, *NO_EXTRA, *SRGB], 3, 24, "24 bits"),
        ([*NO_FIELDS, *BITS_8, *SPOT, *SRGB], 3, 8, "beyond colour and alpha"),
        ([*NO_FIELDS, *BITS_8, *PREMULTIPLIED, *SRGB], 4, 8, "premultiplied"),
    ],
)
def test_headers_bit_by_bit(fields: list[tuple[int, int]], channels: int, depth: int, refused: str | None) -> None:
    data = bits(*FRONT, *fields) + bytes(8)
    assert CODEC.header(data)[:5] == (8, 8, depth, channels, 1)
    if refused:
        with pytest.raises(PictureError, match=refused):
            CODEC.decode(data)


def test_headers_that_end_early() -> None:
    for data in (b"\xff\x0a", b"\xff\x0a\x00", b"\0\0\0\x0cJXL \r\n\x87\n"):
        with pytest.raises(PictureError, match="get a complete copy"):
            Picture.read(data)
