"""Writing pictures, against Pillow, tifffile and imagecodecs as readers."""

import io
import itertools
import struct
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.awkward import exif_block, icc_profile, pattern, xmp_packet
from twinscale.codecs.encoding import check
from twinscale.codecs.registry import codec_named
from twinscale.errors import OutputExistsError, PictureError, UsageError
from twinscale.images.picture import Picture

FORMATS = ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "AVIF", "JPEGXL", "JPEGLS"]
WITH_METADATA = ["PNG", "JPEG", "WEBP", "TIFF", "JPEG2000", "AVIF", "JPEGXL"]


def picture(channels: int = 3, dtype: type = np.uint8, *, alpha: bool = False) -> Picture:
    values = pattern(channels=channels + 1, dtype=dtype)
    return Picture(values[..., :channels], values[..., channels] if alpha else None)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "BMP", "JPEG2000"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
def test_lossless_formats_as_pillow_reads_them(format: str, channels: int, alpha: bool) -> None:
    if format == "BMP" and alpha:
        return
    source = picture(channels, alpha=alpha)
    read = opened(source.encode(format))
    assert read.format == format
    rgba = np.asarray(read.convert("RGBA"))
    np.testing.assert_array_equal(rgba[..., :3], np.broadcast_to(source.pixels, (40, 60, 3)))
    np.testing.assert_array_equal(rgba[..., 3], source.alpha if alpha else 255)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG2000", "JPEGXL", "JPEGLS"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bits_as_other_libraries_read_them(format: str, channels: int, alpha: bool) -> None:
    if format == "JPEGLS" and alpha:
        return
    source = picture(channels, np.uint16, alpha=alpha)
    data = source.encode(format)
    decode = {
        "PNG": imagecodecs.png_decode,
        "JPEG2000": imagecodecs.jpeg2k_decode,
        "JPEGXL": imagecodecs.jpegxl_decode,
        "JPEGLS": imagecodecs.jpegls_decode,
        "TIFF": lambda data: tifffile.imread(io.BytesIO(data)),
    }[format]
    expected = np.dstack([source.pixels, source.alpha]) if alpha else source.pixels
    np.testing.assert_array_equal(decode(data).squeeze(), expected.squeeze())


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_float_tiff_as_tifffile_reads_it(channels: int, alpha: bool) -> None:
    source = picture(channels, np.float32, alpha=alpha)
    expected = np.dstack([source.pixels, source.alpha]) if alpha else source.pixels
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(source.encode("TIFF"))).squeeze(), expected.squeeze())


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "GIF"])
@pytest.mark.parametrize("shape", [(1, 40, 3), (40, 1, 3), (1, 1, 3), (40, 1, 1)])
@pytest.mark.parametrize("turn", [np.s_[::-1], np.s_[:, ::-1], np.s_[::-1, ::-1]])
def test_sides_of_one_pixel_of_turned_pictures(format: str, shape: tuple[int, ...], turn: object) -> None:
    """NumPy calls such arrays contiguous whatever their strides, and PNG and JPEG-LS encoders refused them."""
    pixels = pattern(*shape)
    for turned in (pixels[turn], pixels[turn].swapaxes(0, 1)):
        read = Picture.read(Picture.from_array(turned).encode(format))
        if codec_named(format).is_lossless:
            np.testing.assert_array_equal(read.pixels, np.broadcast_to(turned, read.pixels.shape))
        assert read.pixels.shape[:2] == turned.shape[:2]


def test_tiff_of_many_strips() -> None:
    source = Picture(pattern(3000, 200, dtype=np.uint16))
    data = source.encode("TIFF")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert len(file.pages[0].dataoffsets) > 1
        np.testing.assert_array_equal(file.asarray(), source.pixels)
    np.testing.assert_array_equal(imagecodecs.tiff_decode(data), source.pixels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("quality", [60, 80, 95])
def test_lossy_formats_come_close(format: str, quality: int, channels: int) -> None:
    source = picture(channels)
    read = np.asarray(opened(source.encode(format, quality=quality)).convert("RGB"))
    assert np.abs(read.astype(int) - source.pixels).mean() < 6


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "JPEG2000", "JPEGXL"])
def test_quality_matters(format: str) -> None:
    noise = Picture(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    assert len(noise.encode(format, quality=30)) < 0.7 * len(noise.encode(format, quality=95))
    for wrong in (0, 101):
        with pytest.raises(UsageError, match="give 1 to 100"):
            noise.encode(format, quality=wrong)


def test_jpeg2000_quality_is_a_psnr() -> None:
    noise = np.random.default_rng(0).integers(0, 65536, (64, 64, 3), dtype=np.uint16)
    read = imagecodecs.jpeg2k_decode(Picture(noise).encode("JPEG2000", quality=80))
    psnr = 10 * np.log10(65535**2 / np.mean((read.astype(float) - noise) ** 2))
    assert psnr == pytest.approx(40, abs=1.5)


def test_default_qualities() -> None:
    source = picture()
    assert source.encode("JPEG") == source.encode("JPEG", quality=95)
    assert source.encode("AVIF") == source.encode("AVIF", quality=95)
    sampling = [component[1:3] for component in opened(source.encode("JPEG")).layer]
    assert sampling == [(1, 1)] * 3, "4:4:4"
    assert opened(source.encode("JPEG", quality=80)).layer[0][1:3] == (2, 2)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "GIF", "JPEGLS"])
def test_formats_without_quality(format: str) -> None:
    with pytest.raises(UsageError, match="leave it out"):
        picture(1).encode(format, quality=90)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("format", WITH_METADATA)
def test_metadata_comes_through(format: str, channels: int) -> None:
    icc = icc_profile(b"GRAY" if channels == 1 else b"RGB ")
    xmp, exif = xmp_packet(1), exif_block(1)
    source = replace(picture(channels), icc=icc, exif=exif, xmp=xmp)
    data = source.encode(format)
    back = Picture.read(data)
    assert back.xmp == xmp
    without_icc = format == "JPEGXL" or (format == "WEBP" and channels == 1)
    assert back.icc == (None if without_icc else icc)
    if format in ("PNG", "JPEG", "WEBP", "JPEG2000", "JPEGXL"):
        assert back.exif == exif
    kept = Image.Exif()
    kept.load(back.exif)
    assert kept[271] == "Twinlab"
    assert kept.get(274, 1) == 1
    assert kept.get_ifd(34665)[37500] == b"maker's note"
    assert kept.get_ifd(34853) == {1: "N", 2: (48.0, 8.0, 15.0)}
    np.testing.assert_array_equal(back.pixels, Picture.read(picture(channels).encode(format)).pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_metadata_as_pillow_reads_it(format: str, dtype: type) -> None:
    if dtype is np.uint16 and format not in ("PNG", "TIFF"):
        return
    icc, xmp, exif = icc_profile(b"RGB "), xmp_packet(1), exif_block(1)
    read = opened(replace(picture(dtype=dtype), icc=icc, exif=exif, xmp=xmp).encode(format))
    read.load()
    assert read.info["icc_profile"] == icc
    assert read.info["xmp"] == xmp
    assert read.getexif()[271] == "Twinlab"
    assert read.getexif().get_ifd(34853)[2] == (48.0, 8.0, 15.0)


def test_xmp_in_jpeg2000_is_a_uuid_box() -> None:
    data = replace(picture(), xmp=b"<packet/>").encode("JPEG2000")
    at = data.index(bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC") + b"<packet/>")
    assert data[at - 8 : at] == (8 + 16 + 9).to_bytes(4, "big") + b"uuid"


def test_jpeg2000_names_its_alpha() -> None:
    data = picture(alpha=True).encode("JPEG2000")
    at = data.index(b"cdef")
    assert data[at + 4 : at + 30].hex(" ", 2) == "0004 0000 0000 0001 0001 0000 0002 0002 0000 0003 0003 0001 0000"


def test_profile_for_other_channels_is_not_written() -> None:
    source = replace(picture(1), icc=icc_profile(b"RGB "))
    assert "icc_profile" not in opened(source.encode("PNG")).info


@pytest.mark.parametrize("format", ["JPEG", "BMP", "GIF", "JPEGLS"])
def test_transparency_is_refused_with_a_remedy(format: str) -> None:
    with pytest.raises(PictureError, match=f"^{format} cannot hold transparency; write PNG or WEBP or TIFF"):
        picture(alpha=True).encode(format)


def test_opaque_alpha_is_no_transparency() -> None:
    source = picture()
    opaque = replace(source, alpha=np.full(source.pixels.shape[:2], 255, np.uint8))
    assert opaque.encode("JPEG") == source.encode("JPEG")


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "BMP", "GIF", "AVIF"])
def test_sixteen_bits_are_refused_with_a_remedy(format: str) -> None:
    others = "PNG or TIFF or JPEG2000 or JPEGXL or JPEGLS"
    with pytest.raises(
        PictureError, match=f"^{format} cannot hold 16-bit samples; write {others}, or convert them with --depth 8$"
    ):
        picture(dtype=np.uint16).encode(format)


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "TIFF"])
def test_float_is_refused_with_a_remedy(format: str) -> None:
    with pytest.raises(
        PictureError, match=r"cannot hold floating-point samples; write TIFF, or convert them with --depth (8|16)$"
    ):
        picture(dtype=np.float32).encode(format)


@pytest.mark.parametrize(
    ("format", "side"),
    [("JPEG", 65500), ("WEBP", 16383), ("GIF", 65535), ("AVIF", 32768), ("JPEGLS", 65535), ("PNG", 1_000_000)],
)
@pytest.mark.parametrize("turned", [False, True])
def test_longest_sides(format: str, side: int, turned: bool) -> None:
    long = np.zeros((side + 1, 1, 1) if turned else (1, side + 1, 1), np.uint8)
    with pytest.raises(PictureError, match=f"only sides up to {side}; write .*TIFF"):
        Picture(long).encode(format)
    longest = long[1:] if turned else long[:, 1:]
    assert Picture.read(Picture(longest).encode(format)).pixels.shape[:2] == longest.shape[:2]


def test_what_avif_and_bmp_can_hold_in_all() -> None:
    """What libavif would not read again, and what a BMP of 4 GiB has no room for."""
    kind = {"channels": 3, "depth": 8, "transparent": False, "quality": None}
    check(codec_named("AVIF"), size=(16_384, 16_384), **kind)
    with pytest.raises(PictureError, match="AVIF cannot hold 16385 x 16384 pixels, only 268435456 in all; write PNG"):
        check(codec_named("AVIF"), size=(16_384, 16_385), **kind)
    check(codec_named("BMP"), size=(40_000, 40_000), **kind | {"channels": 1})
    with pytest.raises(PictureError, match="BMP cannot hold 40000 x 40000 pixels, only 4294966272 bytes; write PNG"):
        check(codec_named("BMP"), size=(40_000, 40_000), **kind)


@pytest.mark.parametrize("quality", [None, 0, 90, 101])
@pytest.mark.parametrize("format", [*FORMATS, "HEIF"])
def test_a_check_says_what_encoding_says(format: str, quality: int | None) -> None:
    """The same error or none, for every kind of picture, without having one."""
    for dtype, channels, alpha in itertools.product((np.uint8, np.uint16, np.float32), (1, 3), (False, True)):
        values = np.zeros((4, 6, channels), dtype)
        source = Picture(values, values[..., 0] if alpha else None)
        said = []
        for attempt in (
            lambda source=source: source.encode(format, quality=quality),
            lambda source=source: check(
                codec_named(format),
                size=(source.height, source.width),
                channels=source.channels,
                depth=source.depth,
                transparent=source.alpha is not None,
                quality=quality,
            ),
        ):
            try:
                attempt()
                said.append(None)
            except (PictureError, UsageError) as error:
                said.append((type(error), str(error)))
        assert said[0] == said[1]


def test_gif_is_exact_or_refused() -> None:
    few = np.asarray(Image.fromarray(pattern()).quantize(256).convert("RGB"))
    np.testing.assert_array_equal(np.asarray(opened(Picture(few).encode("GIF")).convert("RGB")), few)
    grey = picture(1)
    np.testing.assert_array_equal(np.asarray(opened(grey.encode("GIF")).convert("L")), grey.pixels[..., 0])
    with pytest.raises(PictureError, match="GIF holds 256 colours and the picture has"):
        picture().encode("GIF")


def test_jpeg_limits_on_metadata() -> None:
    """EXIF is left out; XMP is not, since it may hold the tag of a shrunk picture."""
    data, notes = replace(picture(), exif=exif_block(1) + bytes(65_530)).encoded("JPEG")
    assert notes == ("EXIF left out: JPEG cannot hold more than 65527 bytes",)
    assert Picture.read(data).exif is None
    with pytest.raises(PictureError, match="JPEG holds at most 65504 bytes of XMP, not"):
        replace(picture(), xmp=xmp_packet() + b" " * 65_530).encode("JPEG")


def test_long_profiles_in_jpeg() -> None:
    """A segment holds 64 KiB; other programs put the parts together."""
    profile = icc_profile(b"RGB ") + np.random.default_rng(0).bytes(200_000)
    profile = len(profile).to_bytes(4, "big") + profile[4:]
    data = replace(picture(), icc=profile).encode("JPEG")
    assert data.count(b"ICC_PROFILE\0") == 4
    assert opened(data).info["icc_profile"] == Picture.read(data).icc == profile


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_left_out_is_told(format: str, tmp_path: Path) -> None:
    source = picture(1) if format == "GIF" else picture()
    icc = icc_profile(b"GRAY" if source.is_grey else b"RGB ")
    data, notes = replace(source, icc=icc, exif=exif_block(), xmp=xmp_packet(1)).encoded(format)
    back = Picture.read(data)
    told = {note.partition(" left out: ")[0] for note in notes}
    names = {"ICC profile": back.icc, "EXIF": back.exif, "XMP": back.xmp}
    assert told == {name for name, block in names.items() if block is None}
    assert source.write(tmp_path / "plain.bin", format=format) == ()


DAMAGED = {
    "exif": (b"nonsense", exif_block()[:30], b"II*\0" + b"\xff" * 4),
    "icc": (b"nonsense", icc_profile(b"RGB ")[:-40], icc_profile(b"RGB ")[:132]),
    "xmp": (b"<x:xmpmeta", b"<a>" * 1100 + b"</a>" * 1100, b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"),
}


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("format", WITH_METADATA)
def test_damaged_metadata_is_left_out_on_writing(format: str, kind: str) -> None:
    for block in DAMAGED[kind]:
        data, notes = replace(picture(), **{kind: block}).encoded(format)
        assert len(notes) == 1
        assert "left out" in notes[0]
        back = Picture.read(data)
        assert getattr(back, kind) is None
        assert (back.height, back.width) == (40, 60)
        assert not back.notes


@pytest.mark.parametrize("format", WITH_METADATA)
def test_exif_of_odd_types(format: str) -> None:
    """Every type where another belongs, counts of nothing, values beyond the end: the rest is written and read."""
    for kind, count, value in itertools.product((*range(14), 99), (0, 1, 3, 10**9), (b"\xff\xff\xff\xff", bytes(4))):
        odd = b"".join(struct.pack("<HHI", tag, kind, count) + value for tag in (271, 274, 305, 34665, 34853))
        fine = struct.pack("<HHI", 33432, 2, 4) + b"Zoe\0"
        block = b"II*\0\x08\0\0\0\x06\0" + fine + odd + bytes(4)
        back = Picture.read(replace(picture(), exif=block).encode(format))
        assert b"Zoe\0" in back.exif
        assert (back.height, back.width) == (40, 60)


@pytest.mark.parametrize("format", FORMATS)
def test_write_and_read_a_file(format: str, tmp_path: Path) -> None:
    extension = {"JPEG2000": "jp2", "JPEG": "jpg", "JPEGXL": "jxl", "JPEGLS": "jls"}.get(format, format.lower())
    path = tmp_path / f"Größe 木.{extension}"
    picture(1).write(path)
    assert Picture.read(path).format == format
    assert list(tmp_path.iterdir()) == [path]


def test_refusals_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"a\.jpg: JPEG cannot hold transparency"):
        picture(alpha=True).write(tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())


def test_format_goes_before_the_extension(tmp_path: Path) -> None:
    picture().write(tmp_path / "a.dat", format="png")
    assert Picture.read(tmp_path / "a.dat").format == "PNG"


def test_existing_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"precious")
    with pytest.raises(OutputExistsError, match="already exists"):
        picture().write(path)
    assert path.read_bytes() == b"precious"
    picture().write(path, overwrite=True)
    assert Picture.read(path).pixels.shape[:2] == (40, 60)
    assert list(tmp_path.iterdir()) == [path]
