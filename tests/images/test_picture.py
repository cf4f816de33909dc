"""Reading pictures, against Pillow, tifffile, scikit-image and files made by hand."""

import contextlib
import io
import itertools
import re
import struct
import tempfile
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import skimage.color
import skimage.data
import tifffile
from PIL import Image, ImageOps

from tests.awkward import (
    BOMBS,
    exif_block,
    heic_file,
    icc_profile,
    make_awkward_pictures,
    pattern,
    png_chunk,
    png_file,
    xmp_packet,
)
from twinscale.codecs import pillow
from twinscale.codecs.codec import NO_OPTIONS, Metadata
from twinscale.codecs.quantisation import Quantisation
from twinscale.codecs.registry import codec_named
from twinscale.errors import PictureError, UsageError
from twinscale.images.picture import Picture
from twinscale.rescale import shrink, upscale
from twinscale.rescale.upscale import resized

_FOLDER = tempfile.TemporaryDirectory()  # made on import, so that every file is a test of its own
FOLDER = Path(_FOLDER.name)
AWKWARD = make_awkward_pictures(FOLDER)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def tiff_file(pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def assert_refused(source: object, match: str = "", **options: int) -> None:
    with pytest.raises(PictureError) as caught:
        Picture.read(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert re.search(match, message), message


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_file(name: str) -> None:
    if AWKWARD[name] == "refused":
        assert_refused(FOLDER / name, match=f"^{re.escape(str(FOLDER / name))}: .+[;,] .+")
        return
    picture = Picture.read(FOLDER / name)
    assert picture.pixels.flags.c_contiguous
    assert picture.planes().dtype == np.float32
    assert 0 <= picture.planes().min() <= picture.planes().max() <= 1


UNLIKE_PILLOW = ("deep", "float", "white", "whole", "ten-bits", "lab", "cmyk-profile", "cmyk.tif", "wrong-name.jpg")
UNKNOWN_TO_PILLOW = (".jxl", ".jls", ".heic")
WITH_ALPHA = ("grey-alpha.png", "palette-transparent.png", "rgba.webp")


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, verdict in AWKWARD.items()
        if verdict == "ok"
        and not name.startswith(UNLIKE_PILLOW)
        and not name.endswith(UNKNOWN_TO_PILLOW)
        and name not in WITH_ALPHA
    ],
)
def test_pixels_equal_pillow(name: str) -> None:
    picture = Picture.read(FOLDER / name)
    reference = ImageOps.exif_transpose(Image.open(FOLDER / name))
    mode = "L" if picture.is_grey else "RGB"
    np.testing.assert_array_equal(picture.pixels.squeeze(), np.asarray(reference.convert(mode)).squeeze())
    assert picture.alpha is None


@pytest.mark.parametrize("name", WITH_ALPHA)
def test_alpha_equals_pillow(name: str) -> None:
    picture = Picture.read(FOLDER / name)
    reference = np.asarray(Image.open(FOLDER / name).convert("RGBA"))
    np.testing.assert_array_equal(np.broadcast_to(picture.pixels, (40, 60, 3)), reference[..., :3])
    np.testing.assert_array_equal(picture.alpha, reference[..., 3])


@pytest.mark.parametrize(
    "name",
    ["deep-rgb.png", "deep.jp2", "deep-lzw.tif", "deep-big-endian.tif", "deep.jxl", "deep.jls"],
)
def test_sixteen_bits_are_kept(name: str) -> None:
    picture = Picture.read(FOLDER / name)
    np.testing.assert_array_equal(picture.pixels, pattern(dtype=np.uint16))
    assert picture.depth == 16


@pytest.mark.parametrize("name", ["deep-grey-alpha.png", "deep-grey-alpha.tif"])
def test_sixteen_bit_grey_with_alpha(name: str) -> None:
    picture = Picture.read(FOLDER / name)
    expected = pattern(channels=2, dtype=np.uint16)
    np.testing.assert_array_equal(picture.pixels, expected[..., :1])
    np.testing.assert_array_equal(picture.alpha, expected[..., 1])


def test_white_is_zero_is_inverted() -> None:
    expected = 65535 - pattern(dtype=np.uint16)[..., :1]
    np.testing.assert_array_equal(Picture.read(FOLDER / "white-is-zero.tif").pixels, expected)


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bit_grey_tiff_of_either_byte_order(order: str) -> None:
    deep = pattern(channels=1, dtype=np.uint16)
    np.testing.assert_array_equal(Picture.read(tiff_file(deep[..., 0], byteorder=order)).pixels, deep)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
def test_sixteen_bit_tiff_in_every_layout(planar: str, compression: str | None) -> None:
    deep = pattern(channels=4, dtype=np.uint16)
    stored = deep if planar == "contig" else np.moveaxis(deep, 2, 0)
    options = {"photometric": "rgb", "planarconfig": planar, "extrasamples": ["unassalpha"]}
    picture = Picture.read(tiff_file(stored, compression=compression, **options))
    np.testing.assert_array_equal(picture.pixels, deep[..., :3])
    np.testing.assert_array_equal(picture.alpha, deep[..., 3])


def test_extra_channels_that_are_not_alpha_are_left_out() -> None:
    picture = Picture.read(tiff_file(pattern(channels=5), photometric="rgb", extrasamples=[0, 0]))
    np.testing.assert_array_equal(picture.pixels, pattern(channels=5)[..., :3])
    assert picture.notes == ("2 extra channels left out",)


def test_depths_between_8_and_16_bits_fill_the_whole_range() -> None:
    levels = np.array([[0, 1, 512, 1023]], np.uint16)
    stream = imagecodecs.jpeg2k_encode(levels, level=0, codecformat="jp2", bitspersample=10, reversible=True)
    np.testing.assert_array_equal(Picture.read(bytes(stream)).pixels[0, :, 0], [0, 64, 32800, 65535])
    ten = Picture.read(FOLDER / "ten-bits.avif")
    np.testing.assert_allclose(ten.planes(), (pattern(dtype=np.uint16) >> 6) / 1023, atol=2 / 1023)
    twelve = imagecodecs.avif_encode(pattern(dtype=np.uint16) >> 4, level=100, bitspersample=12)
    np.testing.assert_allclose(
        Picture.read(bytes(twelve)).planes(), (pattern(dtype=np.uint16) >> 4) / 4095, atol=2 / 4095
    )


def test_float_tiff_is_kept() -> None:
    expected = pattern(dtype=np.float32)
    np.testing.assert_array_equal(Picture.read(FOLDER / "float-rgb.tif").pixels, expected)
    np.testing.assert_array_equal(Picture.read(FOLDER / "float-grey.tif").pixels, pattern(channels=1, dtype=np.float32))
    half = Picture.read(tiff_file(expected.astype(np.float16), photometric="rgb"))
    np.testing.assert_array_equal(half.pixels, expected.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.01, 1.5])
def test_float_values_out_of_range_are_refused(bad: float) -> None:
    values = pattern(dtype=np.float32)
    values[3, 4, 1] = bad
    assert_refused(tiff_file(values, photometric="rgb"), match="scale them to 0 to 1")


def test_32_bit_whole_numbers_say_so() -> None:
    picture = Picture.read(FOLDER / "whole-32.tif")
    np.testing.assert_array_equal(picture.pixels[..., 0], pattern(dtype=np.uint16)[..., 0])
    assert picture.notes == ("32-bit whole numbers taken as 16-bit",)
    assert_refused(tiff_file(np.array([[-1, 5]], np.int16)), match="from -1 to 5")


def test_sixteen_bit_cmyk_is_refused_rather_than_cut() -> None:
    assert_refused(tiff_file(pattern(channels=4, dtype=np.uint16), photometric="separated"), match="16-bit TIFF")


@pytest.mark.parametrize(("depth", "row"), [(1, 0b10000000), (2, 0b11000000), (4, 0xF0)])
def test_transparent_key_of_shallow_grey_png(depth: int, row: int) -> None:
    key = png_chunk(b"tRNS", struct.pack(">H", 2**depth - 1))
    picture = Picture.read(png_file(2, 1, depth, 0, bytes([0, row]), key))
    assert picture.pixels.ravel().tolist() == [255, 0]
    assert picture.alpha.ravel().tolist() == [0, 255]


def test_transparent_key_of_deep_grey_png() -> None:
    picture = Picture.read(FOLDER / "deep-key.png")
    assert picture.pixels.ravel().tolist() == [0x1234, 0x5678]
    assert picture.alpha.ravel().tolist() == [0, 65535]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_interlaced_png(dtype: type) -> None:
    values = pattern(8, 16, 1, dtype)
    passes = (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    )
    rows = b""
    for top, left, down, across in passes:
        for row in values[top::down, left::across, 0]:
            rows += b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes()
    data = png_file(16, 8, 8 * values.itemsize, 0, rows, interlace=1)
    np.testing.assert_array_equal(Picture.read(data).pixels, values)


def test_wrong_checksums_are_refused() -> None:
    data = saved(Image.fromarray(pattern()), "PNG")
    for chunk in (b"IHDR", b"IDAT", b"IEND"):
        damaged = bytearray(data)
        at = data.index(chunk)
        damaged[at + 4 + int.from_bytes(data[at - 4 : at], "big")] ^= 1
        assert_refused(bytes(damaged), match="a checksum is wrong")


def test_transparent_gif() -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 0]], np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 100, 50, 7, 8, 9])
    picture = Picture.read(saved(image, "GIF", transparency=1))
    assert picture.alpha.tolist() == [[255, 0], [255, 255]]
    assert picture.pixels[1, 0].tolist() == [7, 8, 9]


def test_premultiplied_alpha() -> None:
    stored = np.full((4, 4, 4), (50, 100, 25, 128), np.uint8)
    picture = Picture.read(tiff_file(stored, photometric="rgb", extrasamples=["assocalpha"]))
    np.testing.assert_allclose(picture.pixels[0, 0], [100, 199, 50], atol=1)
    assert picture.alpha[0, 0] == 128
    deep = tiff_file(stored.astype(np.uint16), photometric="rgb", extrasamples=["assocalpha"])
    assert_refused(deep, match="premultiplied")


def test_cmyk_goes_through_its_profile() -> None:
    inks = np.zeros((2, 2, 4), np.uint8)
    inks[0] = (255, 0, 0, 0)
    file = saved(Image.fromarray(inks, "CMYK"), "TIFF", icc_profile=icc_profile(b"CMYK"))
    picture = Picture.read(file)
    red, grey = picture.pixels[0, 0].astype(int), picture.pixels[1, 0].astype(int)
    assert red[0] > red[1] + 100  # the profile says that cyan ink is red
    assert np.ptp(grey) <= 2
    assert picture.icc is None
    assert picture.notes == ("CMYK converted to sRGB through its ICC profile",)


def test_cmyk_with_a_damaged_profile() -> None:
    damaged = icc_profile(b"CMYK")[:140]
    image = Image.fromarray(pattern(channels=4), "CMYK")
    picture = Picture.read(saved(image, "TIFF", icc_profile=damaged))
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert picture.icc is None


def test_lab_equals_scikit_image() -> None:
    lab = np.array([[[50, 0, 0], [60, 30, 20], [70, -20, 25], [40, 10, -30]]], float)
    stored = np.dstack([(lab[..., :1] * 2.55).round().astype(np.uint8), lab[..., 1:].astype(np.int8).view(np.uint8)])
    picture = Picture.read(tiff_file(stored, photometric="cielab"))
    bradford = [
        [0.9555766, -0.0230393, 0.0631636],
        [-0.0282895, 1.0099416, 0.0210077],
        [0.0122982, -0.020483, 1.3299098],
    ]
    expected = skimage.color.xyz2rgb(skimage.color.lab2xyz(lab, illuminant="D50") @ np.transpose(bradford))
    np.testing.assert_allclose(picture.planes(), expected, atol=3 / 255)


def test_photograph_of_another_library() -> None:
    path = Path(skimage.data.__file__).parent / "rocket.jpg"
    np.testing.assert_allclose(Picture.read(path).pixels.astype(int), skimage.data.rocket(), atol=3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_orientation_is_applied_once_and_reset(orientation: int, format: str) -> None:
    image = Image.fromarray(pattern(channels=3 if format == "JPEG" else 4))
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if format == "WEBP" else {}
    data = saved(image, format, exif=exif, **options)
    with Image.open(io.BytesIO(data)) as opened:
        reference = np.asarray(ImageOps.exif_transpose(opened))
    picture = Picture.read(data)
    np.testing.assert_array_equal(picture.pixels, reference[..., :3])
    if format != "JPEG":
        np.testing.assert_array_equal(picture.alpha, reference[..., 3])
    if picture.exif:
        kept = Image.Exif()
        kept.load(picture.exif)
        assert kept.get(274, 1) == 1


def test_orientation_of_deep_pictures() -> None:
    deep = pattern(dtype=np.uint16)
    turned = tiff_file(deep, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    np.testing.assert_array_equal(Picture.read(turned).pixels, np.rot90(deep, -1))
    png = bytes(imagecodecs.png_encode(deep))
    png = png[:33] + png_chunk(b"eXIf", exif_block(8, order=">")) + png[33:]
    np.testing.assert_array_equal(Picture.read(png).pixels, np.rot90(deep))


def test_orientation_in_xmp() -> None:
    picture = Picture.read(saved(Image.fromarray(pattern()), "PNG"))
    assert picture.pixels.shape[:2] == (40, 60)
    jpeg = saved(Image.fromarray(pattern()), "JPEG", xmp=xmp_packet(6))
    assert Picture.read(jpeg).pixels.shape[:2] == (60, 40)
    assert Picture.read(jpeg).xmp == xmp_packet(1)
    element = b"<rdf:Description><tiff:Orientation>8</tiff:Orientation></rdf:Description>"
    assert Picture.read(saved(Image.fromarray(pattern()), "JPEG", xmp=element)).xmp == element.replace(b"8", b"1")
    both = saved(Image.fromarray(pattern()), "JPEG", xmp=xmp_packet(6), exif=b"Exif\0\0" + exif_block(1))
    assert Picture.read(both).pixels.shape[:2] == (40, 60), "EXIF goes first"


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_is_kept_byte_for_byte_but_for_orientation_and_thumbnail(order: str) -> None:
    thumbnail = saved(Image.new("RGB", (8, 8), "red"), "JPEG")
    exif = exif_block(3, thumbnail=thumbnail, order=order)
    picture = Picture.read(saved(Image.fromarray(pattern()), "JPEG", exif=b"Exif\0\0" + exif))
    kept = Image.Exif()
    kept.load(picture.exif)
    assert kept[274] == 1
    assert kept[271] == "Twinlab"
    assert kept.get_ifd(34665)[37500] == b"maker's note"
    assert kept.get_ifd(34853) == {1: "N", 2: (48.0, 8.0, 15.0)}
    assert not kept.get_ifd(1)
    assert thumbnail not in picture.exif
    plain = exif_block(1, order=order)
    differing = [k for k in range(len(plain)) if plain[k] != picture.exif[k]]
    assert not differing


FORMATS_WITH_METADATA = ["PNG", "JPEG", "WEBP", "TIFF", "JPEG2000", "AVIF", "JPEGXL"]
ODD_EXIF = {
    "cut": exif_block()[:60],
    "no header": b"nonsense" * 8,
    "huge count": exif_block().replace(struct.pack("<HHI", 271, 2, 8), struct.pack("<HHI", 271, 2, 2**31)),
    "unknown type": exif_block().replace(struct.pack("<HHI", 271, 2, 8), struct.pack("<HHI", 271, 99, 8)),
    "orientation of none": exif_block(6).replace(struct.pack("<HHI", 274, 3, 1), struct.pack("<HHI", 274, 3, 0)),
    "orientation as float": exif_block(6).replace(struct.pack("<HHI", 274, 3, 1), struct.pack("<HHI", 274, 11, 1)),
    "orientation twice": exif_block(6).replace(struct.pack("<HHI", 271, 2, 8), struct.pack("<HHI", 274, 2, 8)),
    "orientation as text": exif_block(6).replace(struct.pack("<HHI", 274, 3, 1), struct.pack("<HHI", 274, 2, 1)),
    "orientation of many": exif_block(6).replace(struct.pack("<HHI", 274, 3, 1), struct.pack("<HHI", 274, 3, 9)),
    "directory nowhere": exif_block().replace(
        struct.pack("<HHII", 34665, 4, 1, 70), struct.pack("<HHII", 34665, 4, 1, 10**6)
    ),
    "thumbnail at a float": exif_block(thumbnail=b"jpeg").replace(
        struct.pack("<HHI", 513, 4, 1), struct.pack("<HHI", 513, 11, 1)
    ),
    "thumbnail before all": exif_block(thumbnail=b"jpeg").replace(
        struct.pack("<HHII", 514, 4, 1, 4), struct.pack("<HHIi", 514, 9, 1, -9)
    ),
}


def with_metadata(format: str, *, exif: bytes | None = None, icc: bytes | None = None) -> bytes:
    """A file whose metadata nobody has checked."""
    codec = codec_named(format)
    if exif and format == "AVIF":  # the encoder looks into it: put it into the place of a sound one
        place = b"II*\0\x08\0\0\0" + bytes(len(exif) - 8)
        plain = pillow.save(Image.fromarray(pattern()), "AVIF", exif=place)
        at = plain.index(place)
        return plain[:at] + exif + plain[at + len(exif) :]
    return codec.encode(pattern(), Metadata(icc, exif), codec.quality or 0, NO_OPTIONS)


@pytest.mark.parametrize("kind", ODD_EXIF)
@pytest.mark.parametrize("format", [format for format in FORMATS_WITH_METADATA if format != "TIFF"])
def test_odd_exif_stops_neither_reading_nor_writing(
    format: str, kind: str, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    picture = Picture.read(with_metadata(format, exif=ODD_EXIF[kind]))
    assert picture.pixels.shape[:2] == (40, 60)
    if kind not in ("thumbnail at a float", "thumbnail before all"):
        assert [note for note in picture.notes if "EXIF left out" in note]
    for other in FORMATS_WITH_METADATA:
        data, notes = picture.encoded(other)
        assert not notes
        assert Picture.read(data).pixels.shape[:2] == (40, 60)
        if other != "JPEGXL":  # which Pillow does not read
            assert Image.open(io.BytesIO(data)).getexif().get(274, 1) == 1
    assert capfd.readouterr().err == ""
    assert not recwarn.list


@pytest.mark.parametrize("tag", [271, 34665, 34853, 34675, 700])
def test_odd_fields_in_tiff(tag: int) -> None:
    """Whatever type, count and place a field has that only describes."""
    plain = Picture(pattern(), exif=exif_block(), xmp=xmp_packet(), icc=icc_profile(b"RGB ")).encode("TIFF")
    entries = range(10, 10 + 12 * plain[8], 12)
    at = next(entry for entry in entries if plain[entry : entry + 2] == struct.pack("<H", tag))
    for kind, count, offset in itertools.product((1, 3, 5, 12, 99), (0, 1, 10**9), (0, 10**9)):
        picture = Picture.read(plain[:at] + struct.pack("<HHII", tag, kind, count, offset) + plain[at + 12 :])
        assert bool(picture.notes) or (tag == 271 and kind != 99 and 0 < count < 10)
        np.testing.assert_array_equal(picture.pixels, pattern())
        assert Picture.read(picture.encode("TIFF")).pixels.shape[:2] == (40, 60)


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientations_that_mean_nothing(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    picture = Picture.read(saved(Image.fromarray(pattern()), format, exif=exif))
    assert picture.pixels.shape[:2] == (40, 60)
    assert Picture.read(tiff_file(pattern(), extratags=[(274, "H", 1, orientation, True)])).pixels.shape[:2] == (40, 60)


@pytest.mark.parametrize("format", FORMATS_WITH_METADATA[:-1])
def test_damaged_profiles_stop_neither_reading_nor_writing(format: str, capfd: pytest.CaptureFixture[str]) -> None:
    icc = icc_profile(b"RGB ")
    for damaged in (icc[:-40], icc[:100], b"\0\0\2\x7f" + icc[4:], icc[:128] + b"\xff" * 4 + icc[132:]):
        picture = Picture.read(with_metadata(format, icc=damaged))
        assert (picture.pixels.shape[:2], picture.icc, picture.notes) == (
            (40, 60),
            None,
            ("damaged ICC profile left out",),
        )
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize(("space", "mode", "kept"), [
    (b"RGB ", "RGB", True), (b"GRAY", "L", True), (b"GRAY", "RGB", False), (b"RGB ", "L", False),
])  # fmt: skip
def test_icc_is_kept_only_where_it_fits(format: str, space: bytes, mode: str, kept: bool) -> None:
    profile = icc_profile(space)
    picture = Picture.read(saved(Image.fromarray(pattern()).convert(mode), format, icc_profile=profile))
    assert picture.icc == (profile if kept else None)
    assert bool(picture.notes) is not kept


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("moving.gif", "first of 3 frames"),
        ("moving.webp", "first of 3 frames"),
        ("moving.png", "first of 3 frames"),
        ("pages.tif", "first of 3 pages"),
        ("moving.jxl", "first frame of an animation"),
        ("still.gif", None),
    ],
)
def test_note_on_several_frames(name: str, note: str | None) -> None:
    assert Picture.read(FOLDER / name).notes == ((note,) if note else ())


WHOLE = sorted(name for name, verdict in AWKWARD.items() if verdict == "ok" and not name.startswith("turned"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", WHOLE)
def test_limit_on_pixels(name: str) -> None:
    height, width = Picture.read(FOLDER / name).pixels.shape[:2]
    Picture.read(FOLDER / name, max_pixels=height * width)
    assert_refused(FOLDER / name, match=f"{width} x {height} pixels exceed", max_pixels=height * width - 1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("format", ["PNG", "TIFF", "GIF", "JPEG", "WEBP", "AVIF", "BMP", "JPEG2000"])
def test_only_our_limit_counts_not_pillows(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for mode in ("RGB", "P", "CMYK") if format == "TIFF" else ("RGB",):
        data = saved(Image.fromarray(pattern()).convert(mode), format)
        with monkeypatch.context() as strict:
            strict.setattr(Image, "MAX_IMAGE_PIXELS", 10)
            assert Picture.read(data).pixels.shape[:2] == (40, 60)


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_by_their_header(kind: str) -> None:
    assert_refused(BOMBS[kind](60_000), match="60000 x 60000 pixels exceed ")


def test_a_second_header_does_not_hide_the_first() -> None:
    """The limit holds for what is decoded, whichever of two sizes was checked."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 1)
    assert_refused(png_file(1, 1, 8, 0, b"\0\7", png_chunk(b"IHDR", header), interlace=1))
    data = saved(Image.fromarray(pattern(16, 16)), "JPEG2000")
    at = data.index(b"jp2h") - 4
    end = at + int.from_bytes(data[at : at + 4], "big")
    assert_refused(BOMBS["jp2"](60_000)[:end] + data[at:], match="60000 x 60000 pixels exceed")
    stream = data.index(b"\xff\x4f\xff\x51") + 8
    assert_refused(data[:stream] + struct.pack(">II", 60_000, 60_000) + data[stream + 8 :], match="two different sizes")


def test_packed_metadata_cannot_blow_up() -> None:
    body = b"ICC profile\0\0" + zlib.compress(bytes(100 * 2**20), 9)
    assert Picture.read(png_file(1, 1, 8, 0, b"\0\7", png_chunk(b"iCCP", body))).icc is None


CUT_JPEG = {
    "baseline.jpg": lambda image: saved(image, "JPEG"),
    "progressive.jpg": lambda image: saved(image, "JPEG", progressive=True),
    "small-colour.jpg": lambda image: saved(image, "JPEG", subsampling="4:2:0"),
    "grey.jpg": lambda image: saved(image.convert("L"), "JPEG"),
}


@pytest.mark.parametrize("missing", [1, 2, 33])
@pytest.mark.parametrize("name", CUT_JPEG)
def test_jpegs_without_their_last_bytes(name: str, missing: int) -> None:
    """As browsers do: what is there is shown."""
    data = CUT_JPEG[name](Image.fromarray(pattern(120, 160)))
    whole, picture = Picture.read(data), Picture.read(data[:-missing])
    np.testing.assert_array_equal(picture.pixels[:104], whole.pixels[:104])
    if missing > 2:
        assert len(picture.notes) == 1
        assert picture.notes[0].startswith("the file is cut short: ")


@pytest.mark.parametrize("name", CUT_JPEG)
def test_small_jpegs_without_their_last_bytes(name: str) -> None:
    data = CUT_JPEG[name](Image.fromarray(pattern(30, 40)))
    np.testing.assert_array_equal(Picture.read(data[:-2]).pixels, Picture.read(data).pixels)


def test_how_many_rows_are_missing() -> None:
    image = Image.fromarray(pattern(120, 160))
    data = saved(image, "JPEG", subsampling="4:4:4")
    whole, picture = Picture.read(data), Picture.read(data[: len(data) // 2])
    (note,) = picture.notes
    missing = int(re.fullmatch(r"the file is cut short: the last (\d+) of 120 rows are missing", note)[1])
    assert missing % 8 == 0
    assert 32 <= missing <= 88
    np.testing.assert_array_equal(picture.pixels[: 112 - missing], whole.pixels[: 112 - missing])
    assert (picture.pixels[120 - missing :] == 128).all()


@pytest.mark.parametrize("name", CUT_JPEG)
def test_jpegs_of_which_nothing_is_there(name: str) -> None:
    data = CUT_JPEG[name](Image.fromarray(pattern(120, 160)))
    first_scan = data.index(b"\xff\xda")
    head_of_scan = first_scan + 2 + data[first_scan + 3]
    for length in (2, 40, first_scan - 3, first_scan + 2, head_of_scan):
        assert_refused(data[:length])


CUT = {
    "plain.png": lambda image: saved(image, "PNG"),
    "lossy.webp": lambda image: saved(image, "WEBP"),
    "lossless.webp": lambda image: saved(image, "WEBP", lossless=True),
    "plain.gif": lambda image: saved(image, "GIF"),
    "plain.bmp": lambda image: saved(image, "BMP"),
    "plain.avif": lambda image: saved(image, "AVIF"),
    "plain.jp2": lambda image: saved(image, "JPEG2000"),
    "plain.tif": lambda image: saved(image, "TIFF"),
    "lzw.tif": lambda image: saved(image, "TIFF", compression="tiff_lzw"),
    "jpeg.tif": lambda image: saved(image, "TIFF", compression="jpeg"),
    "palette.tif": lambda image: saved(image.quantize(200), "TIFF", compression="tiff_lzw"),
    "cmyk.tif": lambda image: saved(image.convert("CMYK"), "TIFF"),
    "deep.png": lambda image: bytes(imagecodecs.png_encode(pattern(120, 160, dtype=np.uint16))),
    "deep.tif": lambda image: tiff_file(pattern(120, 160, dtype=np.uint16), photometric="rgb"),
    "deflated.tif": lambda image: tiff_file(
        pattern(120, 160, dtype=np.uint16), photometric="rgb", compression="zlib", rowsperstrip=16
    ),
    "ours.tif": lambda image: Picture(pattern(1200, 160, dtype=np.uint16)).encode("TIFF"),
    "ours.jp2": lambda image: Picture(pattern(120, 160, dtype=np.uint16)).encode("JPEG2000"),
    "lossy.jxl": lambda image: bytes(imagecodecs.jpegxl_encode(pattern(120, 160), level=90)),
    "deep.jxl": lambda image: Picture(pattern(120, 160, dtype=np.uint16)).encode("JPEGXL"),
    "ours.jxl": lambda image: Picture(pattern(120, 160), exif=exif_block(), xmp=xmp_packet()).encode("JPEGXL"),
    "plain.jls": lambda image: bytes(imagecodecs.jpegls_encode(pattern(120, 160))),
    "deep.jls": lambda image: bytes(imagecodecs.jpegls_encode(pattern(120, 160, dtype=np.uint16))),
    "photo.heic": lambda image: heic_file(pattern(120, 160)),
    "deep.avif": lambda image: bytes(imagecodecs.avif_encode(pattern(dtype=np.uint16) >> 6, bitspersample=10)),
}


@pytest.mark.parametrize("name", CUT)
def test_no_cut_file_is_half_decoded(name: str) -> None:
    data = CUT[name](Image.fromarray(pattern(120, 160)))
    whole = Picture.read(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of cut TIFF directories before it refuses
        for length in (
            8,
            40,
            len(data) // 10,
            len(data) // 2,
            len(data) * 9 // 10,
            len(data) - 100,
            len(data) - 20,
        ):
            try:
                picture = Picture.read(data[:length])
            except PictureError:
                continue
            # Only what follows the pixels may be missing.
            np.testing.assert_array_equal(picture.pixels, whole.pixels, err_msg=f"{name} cut to {length}")
            assert length > len(data) * 0.9


@pytest.mark.parametrize("name", [*CUT, *CUT_JPEG])
def test_damaged_bytes_never_escape_as_other_errors(name: str) -> None:
    data = (CUT | CUT_JPEG)[name](Image.fromarray(pattern(120, 160)))
    random = np.random.default_rng(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(12):
            damaged = bytearray(data)
            for position in random.integers(4, min(len(data), 400), 6):
                damaged[position] = random.integers(256)
            with contextlib.suppress(PictureError):
                Picture.read(bytes(damaged), max_pixels=1_000_000)


def test_sources() -> None:
    data = (FOLDER / "grey.png").read_bytes()
    expected = Picture.read(FOLDER / "grey.png").pixels
    for source in (str(FOLDER / "grey.png"), data, io.BytesIO(data)):
        np.testing.assert_array_equal(Picture.read(source).pixels, expected)
    with (FOLDER / "grey.png").open("rb") as file:
        np.testing.assert_array_equal(Picture.read(file).pixels, expected)


def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_refused(tmp_path, match="is a folder")
    assert_refused(tmp_path / "none.png", match="no such file")
    assert_refused("a\0b.png", match="cannot be read")

    def forbidden(path: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    assert_refused(FOLDER / "grey.png", match="permissions")


def test_reading_in_threads_changes_no_settings() -> None:
    before = Image.MAX_IMAGE_PIXELS
    results: list[tuple[int, int]] = []
    read = lambda: results.append(Picture.read(FOLDER / "lab.tif").pixels.shape[:2])  # noqa: E731
    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(40, 60)] * 8
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3))],
)
def test_arrays_that_are_not_pictures(pixels: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"; (give|use) "):
        Picture(pixels)


@pytest.mark.parametrize("alpha", [np.zeros((4, 5), np.uint8), np.zeros((4, 4), np.uint16)])
def test_alpha_that_does_not_fit(alpha: np.ndarray) -> None:
    with pytest.raises(UsageError, match="does not fit"):
        Picture(np.zeros((4, 4, 3), np.uint8), alpha)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_planes_and_back(dtype: type) -> None:
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    every = np.linspace(0, top, 65536).astype(dtype).reshape(256, 256, 1)
    picture = Picture(every, every[..., 0], icc=b"icc", exif=b"exif", xmp=b"xmp", format="PNG", notes=("note",))
    planes = picture.planes()
    assert planes.dtype == np.float32
    np.testing.assert_allclose(planes, every / np.float64(top), atol=1e-7)
    back = picture.with_planes(planes, planes[..., 0])
    np.testing.assert_array_equal(back.pixels, every)
    np.testing.assert_array_equal(back.alpha, every[..., 0])
    assert (back.icc, back.exif, back.xmp, back.format) == (b"icc", b"exif", b"xmp", "PNG")
    assert picture.with_planes(planes, xmp=b"new").xmp == b"new"
    assert picture.with_planes(planes).alpha is None


def test_rounding_is_half_up_and_clipped() -> None:
    picture = Picture(np.zeros((1, 1, 1), np.uint8))
    values = np.array([-1, 0.49 / 255, 0.5 / 255, 1.5 / 255, 254.49 / 255, 2]).reshape(1, 6, 1)
    assert picture.with_planes(values).pixels.ravel().tolist() == [0, 0, 1, 2, 254, 255]
    with pytest.raises(UsageError, match="finite"):
        picture.with_planes(np.full((1, 1, 1), np.nan))


def test_properties() -> None:
    picture = Picture(np.zeros((4, 5, 3), np.uint16))
    assert (picture.height, picture.width, picture.channels) == (4, 5, 3)
    assert picture.depth == 16
    assert not picture.is_grey


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 2), (4, 5, 3), (4, 5, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", np.float16, np.float32, np.float64, ">f8"])
def test_arrays_in_and_out(dtype: object, shape: tuple[int, ...]) -> None:
    top = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    array = (np.random.default_rng(1).random(shape) * top).astype(dtype)
    picture = Picture.from_array(array, icc=b"i", exif=b"e", xmp=b"x")
    count = shape[2] if len(shape) == 3 else 1
    assert (picture.height, picture.width, picture.channels) == (4, 5, 1 if count < 3 else 3)
    assert (picture.alpha is not None) == (count in (2, 4))
    assert (picture.icc, picture.exif, picture.xmp) == (b"i", b"e", b"x")
    back = picture.to_array()
    assert back.dtype == (np.float32 if top == 1 else array.dtype.newbyteorder("="))
    np.testing.assert_array_equal(back, array.reshape(4, 5, -1).astype(back.dtype))


@pytest.mark.parametrize("view", [np.s_[::-1], np.s_[:, ::2], np.s_[1:, 1:]])
def test_views_of_arrays(view: object) -> None:
    array = pattern(20, 31)
    np.testing.assert_array_equal(Picture.from_array(array[view]).pixels, array[view])
    np.testing.assert_array_equal(Picture.read(Picture.from_array(array[view]).encode("PNG")).pixels, array[view])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 40, 60), np.uint8), r"shape \(3, 40, 60\) is not a picture; give \(height, width\) or"),
        (np.zeros(5, np.uint8), "is not a picture"),
        (np.zeros((0, 5), np.uint8), "is not a picture"),
        (np.zeros((2, 4, 5, 3), np.uint8), "is not a picture"),
        (np.zeros((4, 5), np.int64), "type int64 is not a picture; give uint8, uint16, or floating point of 0 to 1"),
        (np.zeros((4, 5), bool), "type bool is not a picture"),
        (np.full((4, 5), 128.0), "floating-point pixel values run from 128 to 128; scale them to 0 to 1"),
        (np.full((4, 5, 3), np.nan), "from nan to nan; scale them to 0 to 1"),
        (np.full((4, 5, 3), 1e300), "from inf to inf; scale them to 0 to 1"),
        (np.full((4, 5), -0.1, np.float16), "scale them to 0 to 1"),
    ],
)
def test_arrays_that_are_refused(array: np.ndarray, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Picture.from_array(array)


def test_floats_of_a_picture_are_within_0_and_1() -> None:
    with pytest.raises(UsageError, match="pixel values run from 0 to 2; scale them to 0 to 1"):
        Picture(np.array([[[0.0], [2.0]]], np.float32))
    with pytest.raises(UsageError, match="alpha values run from nan to nan"):
        Picture(np.zeros((1, 1, 1), np.float32), np.full((1, 1), np.nan, np.float32))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "HSV"])
def test_modes_of_pillow(mode: str) -> None:
    image = Image.fromarray(pattern(channels=4))
    steps = {"PA": ["RGB", "P", "PA"], "La": ["LA", "La"], "RGBa": ["RGBA", "RGBa"]}.get(mode, [mode])
    for step in steps if mode in ("LA", "La", "RGBA", "RGBa") else ["RGB", *steps]:
        image = image.convert(step)
    picture = Picture.from_pil(image)
    plain = image.convert("LA") if mode == "La" else image  # Pillow converts La to nothing else
    expected = np.asarray(plain.convert("RGBA" if "A" in mode or "a" in mode else "RGB"))
    np.testing.assert_array_equal(np.broadcast_to(picture.pixels, (40, 60, 3)), expected[:, :, :3])
    assert (picture.alpha is not None) == (expected.shape[2] == 4)
    if picture.alpha is not None:
        np.testing.assert_array_equal(picture.alpha, expected[:, :, 3])
    assert picture.is_grey == (mode in ("1", "L", "LA", "La"))


def test_deep_modes_of_pillow() -> None:
    deep, floats = pattern(channels=1, dtype=np.uint16), pattern(channels=1, dtype=np.float32)
    for image in (
        Image.fromarray(deep[:, :, 0]),
        Image.frombytes("I;16B", (60, 40), deep.astype(">u2").tobytes()),
        Image.fromarray(deep[:, :, 0].astype(np.int32)),
    ):
        picture = Picture.from_pil(image)
        assert picture.pixels.dtype == np.uint16
        np.testing.assert_array_equal(picture.pixels, deep)
    np.testing.assert_array_equal(Picture.from_pil(Image.fromarray(floats[:, :, 0])).pixels, floats)
    with pytest.raises(PictureError, match="from 0 to 255; scale them to 0 to 1"):
        Picture.from_pil(Image.fromarray(np.array([[0, 255.0]], np.float32)))


def test_images_that_are_read_by_pillow_are_like_files() -> None:
    palette = Image.fromarray(pattern()).quantize(16)
    palette.info["transparency"] = 3
    turned = saved(
        Image.fromarray(pattern()), "JPEG", exif=b"Exif\0\0" + exif_block(6), icc_profile=icc_profile(b"RGB ")
    )
    cmyk = saved(Image.fromarray(pattern(channels=4), "CMYK"), "TIFF", icc_profile=icc_profile(b"CMYK"))
    xmp = saved(Image.fromarray(pattern()), "PNG", xmp=xmp_packet())
    for data in (saved(palette, "PNG", transparency=3), turned, cmyk, xmp):
        read, made = Picture.read(data), Picture.from_pil(Image.open(io.BytesIO(data)))
        np.testing.assert_array_equal(made.to_array(), read.to_array())
        assert (made.icc, made.exif, made.xmp, made.notes) == (read.icc, read.exif, read.xmp, read.notes)
    transposed = ImageOps.exif_transpose(Image.open(io.BytesIO(turned)))
    np.testing.assert_array_equal(Picture.from_pil(transposed).pixels, Picture.read(turned).pixels)
    with pytest.raises(PictureError, match="cannot be decoded"):
        Picture.from_pil(Image.open(io.BytesIO(turned[:-200])))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_to_pillow_and_back(channels: int, mode: str) -> None:
    array, icc = pattern(channels=channels), icc_profile(b"GRAY" if channels < 3 else b"RGB ")
    picture = Picture.from_array(array, icc=icc, exif=exif_block(), xmp=xmp_packet(1))
    image = picture.to_pil()
    assert (image.mode, image.size) == (mode, (60, 40))
    np.testing.assert_array_equal(np.asarray(image).reshape(array.shape), array)
    assert image.getexif()[271] == "Twinlab"
    back = Picture.from_pil(image)
    np.testing.assert_array_equal(back.to_array(), array)
    assert (back.icc, back.exif, back.xmp) == (picture.icc, picture.exif, picture.xmp)


def test_deep_pictures_to_pillow() -> None:
    for dtype, mode in ((np.uint16, "I;16"), (np.float32, "F")):
        grey = pattern(channels=1, dtype=dtype)
        image = Picture(grey).to_pil()
        assert image.mode == mode
        np.testing.assert_array_equal(Picture.from_pil(image).pixels, grey)
    with pytest.raises(UsageError, match=r"Pillow cannot hold 16 bits in 3 channels: use with_depth\(8\)"):
        Picture(pattern(dtype=np.uint16)).to_pil()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_depths(dtype: type) -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    source = Picture((every / 255 * top).round(7).astype(dtype), every[..., 0].astype(dtype) // 255, icc=b"icc")
    for depth, expected in ((8, every), (16, every * np.uint16(257))):
        changed = source.with_depth(depth)
        assert (changed.depth, changed.icc) == (depth, b"icc")
        np.testing.assert_array_equal(changed.pixels, expected)
        assert changed.alpha.max() == np.iinfo(changed.alpha.dtype).max // (1 if dtype is np.float32 else top)
    for depth in (10, 32):
        with pytest.raises(UsageError, match=f"depth {depth} is not supported; choose 8 or 16"):
            source.with_depth(depth)


def test_every_16_bit_level_becomes_the_nearest_of_8_bits() -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    expected = np.floor(levels / 257.0 + 0.5)
    np.testing.assert_array_equal(Picture(levels).with_depth(8).pixels, expected)


@pytest.mark.parametrize("colour", ["white", "#ff8000", (10, 20, 30), "black"])
@pytest.mark.parametrize("channels", [2, 4])
def test_on_a_background(channels: int, colour: object) -> None:
    array = pattern(channels=channels)
    flat = Picture.from_array(array, exif=exif_block()).on_background(colour)
    image = Image.fromarray(array).convert("RGBA")
    behind = Image.new("RGBA", image.size, colour)
    expected = np.asarray(Image.alpha_composite(behind, image).convert("RGB"))
    assert flat.alpha is None
    assert flat.exif == exif_block()
    assert flat.is_grey == (channels == 2 and colour in ("white", "black"))
    difference = np.broadcast_to(flat.pixels, expected.shape).astype(int) - expected
    assert np.abs(difference).max() <= 1


def test_backgrounds_of_opaque_pictures_and_colours_that_are_none() -> None:
    opaque = Picture(pattern())
    assert opaque.on_background("white") is opaque
    deep = pattern(channels=4, dtype=np.uint16)
    deep[:, :, 3] = 65535
    np.testing.assert_array_equal(Picture.from_array(deep).on_background("red").pixels, deep[:, :, :3])
    for colour in ("whyte", "#12", "#ff000080", (1, 2), (0, 0, 256), (0.5, 0.5, 0.5)):
        with pytest.raises(UsageError, match="is not a colour; give a name such as white"):
            opaque.on_background(colour)


def test_metadata_are_stripped_but_for_the_profile() -> None:
    stripped = Picture(pattern(), icc=b"icc", exif=b"exif", xmp=b"xmp").without_metadata()
    assert (stripped.icc, stripped.exif, stripped.xmp) == (b"icc", None, None)


def test_representation_is_short() -> None:
    assert repr(Picture(np.zeros((4, 5, 3), np.uint16))) == "<Picture 5x4 RGB 16-bit>"
    data = saved(Image.fromarray(pattern(channels=2)), "PNG", icc_profile=icc_profile(b"GRAY"), exif=exif_block())
    assert repr(Picture.read(data)) == "<Picture 60x40 grey+alpha 8-bit PNG, ICC, EXIF>"


def test_files_in_text_mode_are_refused() -> None:
    with pytest.raises(PictureError, match="gives str, not bytes; open it in binary mode, 'rb'"):
        Picture.read(io.StringIO("text"))


def as_jpeg(image: Image.Image, **options: object) -> bytes:
    return saved(image, "JPEG", **{"quality": 40, "subsampling": "4:2:0", **options})


RGB = Image.fromarray(pattern())


@pytest.mark.parametrize(
    ("data", "conditions"),
    [
        (as_jpeg(RGB), Quantisation.standard(40)),
        (as_jpeg(RGB, progressive=True, optimize=True), Quantisation.standard(40)),
        (as_jpeg(RGB, subsampling="4:4:4"), Quantisation.standard(40, (1, 1))),
        (as_jpeg(RGB.convert("L")), Quantisation.standard(40, grey=True)),
        (as_jpeg(RGB)[:-40], Quantisation.standard(40)),
        (
            as_jpeg(RGB, quality=50, qtables=[[9] * 64, [20] * 64]),
            Quantisation(np.full((8, 8), 9), np.full((8, 8), 20), (2, 2)),
        ),
        (saved(RGB, "MPO", quality=40, append_images=[RGB], save_all=True), Quantisation.standard(40)),
        (as_jpeg(RGB.convert("CMYK")), None),
        (as_jpeg(RGB, keep_rgb=True, subsampling="4:4:4"), None),
        (saved(RGB, "PNG"), None),
    ],
    ids=["usual", "progressive", "4:4:4", "grey", "cut", "own tables", "several", "CMYK", "stored as RGB", "PNG"],
)
def test_how_a_jpeg_was_quantised(data: bytes, conditions: Quantisation | None) -> None:
    if b"\xff\xd9" in data[-2:]:  # Pillow refuses files that are cut short
        opened = Picture.from_pil(Image.open(io.BytesIO(data))).quantisation
        assert (opened and opened.conditions()) == (conditions and conditions.conditions())
    read = Picture.read(data).quantisation
    assert (read and read.conditions()) == (conditions and conditions.conditions())


def test_a_turned_jpeg_was_quantised_as_its_file_says() -> None:
    turned = Picture.read(as_jpeg(RGB, subsampling="4:2:2", exif=b"Exif\0\0" + exif_block(6)))
    assert (turned.height, turned.width) == (RGB.width, RGB.height)
    assert turned.quantisation is not None
    assert turned.quantisation.subsampling == "4:2:2"


@pytest.mark.parametrize(
    "touch",
    [
        lambda image: image.load(),
        lambda image: image.thumbnail((30, 30)),
        lambda image: image.putpixel((0, 0), (1, 2, 3)),
        lambda image: image.draft("RGB", (20, 20)),
    ],
    ids=["decoded", "reduced", "painted on", "to be decoded smaller"],
)
def test_a_jpeg_that_may_have_been_changed_is_none_any_more(touch: Callable[[Image.Image], object]) -> None:
    image = Image.open(io.BytesIO(as_jpeg(RGB)))
    touch(image)
    assert Picture.from_pil(image).quantisation is None


def test_new_pixels_are_those_of_no_jpeg() -> None:
    picture = Picture.read(as_jpeg(RGB))
    assert picture.with_depth(16).quantisation is picture.without_metadata().quantisation is picture.quantisation
    assert picture.with_planes(picture.planes()).quantisation is None
    assert shrink(picture, 2, method="area").quantisation is None
    assert upscale(picture, model="srcnn-x2").quantisation is None
    assert resized(picture, (20, 30)).quantisation is None
