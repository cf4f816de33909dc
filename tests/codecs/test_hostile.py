"""Files made to hurt: sizes that are not what they seem, metadata without end, damage that decoders talk about."""

import io
import random
import re
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.awkward import (
    BOMBS,
    changed,
    exif_block,
    heic_file,
    icc_profile,
    jpeg2000_bomb,
    make_awkward_pictures,
    pattern,
    png_chunk,
    png_file,
    xmp_packet,
)
from twinscale.codecs.boxes import make_box, read_boxes
from twinscale.codecs.codec import Codec
from twinscale.codecs.decoding import _check_cost, decode
from twinscale.codecs.depth import fill_scale
from twinscale.codecs.registry import codec_named
from twinscale.errors import OutOfMemoryError, PictureError
from twinscale.images.picture import Picture


@pytest.fixture(autouse=True)
def silence(capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> object:
    """No decoder says anything but by an error or a note."""
    yield
    assert capfd.readouterr().err == ""
    assert [str(warning.message) for warning in recwarn.list] == []


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def tiff_of(*fields: tuple[int, int, int]) -> bytes:
    """A grey TIFF file of 16 x 16 pixels, by hand, in which these fields (tag, type, value) come before its own."""
    own = [(256, 4, 16), (257, 4, 16), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    own += [(278, 4, 16), (279, 4, 256)]
    entries = sorted([*fields, *own], key=lambda field: field[0])
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<I", 264) + bytes(256) + struct.pack("<H", len(entries)) + packed + bytes(4)


def test_a_tiff_with_two_sizes_has_the_first() -> None:
    """As for libtiff, which decodes it."""
    assert Picture.read(tiff_of()).pixels.shape[:2] == (16, 16)
    with pytest.raises(PictureError, match="60000 x 60000 pixels exceed"):
        Picture.read(tiff_of((256, 4, 60_000), (257, 4, 60_000)))


@pytest.mark.parametrize("field", [(277, 3, 1000), (32997, 4, 10_000)])
def test_tiffs_of_many_samples_a_pixel(field: tuple[int, int, int]) -> None:
    with pytest.raises(PictureError, match=r"TIFF of .* is not supported; save it as plain grey or RGB"):
        Picture.read(tiff_of(field, (256, 4, 16_000), (257, 4, 16_000)))


def test_chains_of_tiff_directories() -> None:
    """Directories that lie one over the other take no longer than others, and are not counted without end."""
    data = tiff_of()
    start = len(data)
    chain = b"".join(struct.pack("<HHHIII", 1, 256, 4, 1, 16, start + 18 * (number + 1)) for number in range(10_001))
    with pytest.raises(PictureError, match="more than 10000 pages"):
        Picture.read(data[:-4] + struct.pack("<I", start) + chain)
    overlapping = bytearray(1_000_000)
    for number in range(100):
        struct.pack_into("<H", overlapping, 4 * number, 60_000)
        struct.pack_into("<I", overlapping, 4 * number + 2 + 12 * 60_000, start + 4 * (number + 1))
    picture = Picture.read(data[:-4] + struct.pack("<I", start) + overlapping)
    assert picture.notes == ("first of 102 pages",)


def test_tiles_far_larger_than_their_picture() -> None:
    """Small files, since what they hold packs well, of which libtiff would unpack a gibibyte."""
    tiled = ((322, 4, 32_768), (323, 4, 32_768), (324, 4, 8), (325, 4, 256))
    with pytest.raises(PictureError, match="TIFF of 16 x 16 pixels in tiles of 32768 x 32768 is not supported"):
        Picture.read(tiff_of(*tiled))


def test_directories_of_endless_fields() -> None:
    endless = b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**40) + bytes(10_000_000)
    with pytest.raises(PictureError, match="a directory has more than 4096 fields"):
        Picture.read(endless)


def test_what_decoders_hold_counts() -> None:
    """Not only pixels: OpenJPEG's integers, wide samples, and channels that are left out."""
    with pytest.raises(PictureError, match="15000 x 15000 pixels, which take 4050000000 bytes to decode, exceed"):
        Picture.read(jpeg2000_bomb(15_000))
    for fields, cost in (
        (((258, 3, 64), (277, 3, 16)), 128),
        (((258, 3, 32), (262, 3, 2), (277, 3, 4), (338, 3, 2)), 16),
    ):
        data = tiff_of((256, 4, 12_000), (257, 4, 12_000), *fields)
        with pytest.raises(
            PictureError, match=f"which take {cost * 12_000**2} bytes .* --max-pixels {cost * 18_000_000} "
        ):
            Picture.read(data)


def test_the_error_about_a_limit_names_one_that_suffices() -> None:
    data = jpeg2000_bomb(20_000)
    with pytest.raises(PictureError, match="20000 x 20000 pixels exceed") as caught:
        Picture.read(data)
    named = re.search(r"--max-pixels (\d+) \(in Python, max_pixels=(\d+)\)", str(caught.value))
    assert named
    assert named[1] == named[2]
    with pytest.raises(PictureError, match="exceed"):
        decode(codec_named("JPEG2000"), data, int(named[1]) - 1)
    _check_cost(codec_named("JPEG2000").header(data), int(named[1]))


def test_small_pictures_may_be_costly() -> None:
    """A limit of a picture's own size takes it, in every format."""
    data = Picture(pattern()).encode("JPEG2000")
    assert Picture.read(data, max_pixels=40 * 60).pixels.shape == (40, 60, 3)


def test_palettes_of_jpeg2000() -> None:
    """A box of a few hundred bytes made 255 channels out of one."""
    grey = bytes(imagecodecs.jpeg2k_encode(pattern(channels=1, dtype=np.uint16)[..., 0], level=0, codecformat="jp2"))

    def with_palette(columns: int) -> bytes:
        palette = struct.pack(">HB", 2, columns) + bytes([15]) * columns + bytes(4 * columns)
        mapping = b"".join(struct.pack(">HBB", 0, 1, column) for column in range(columns))
        boxes = [(kind, body) for kind, body, _ in read_boxes(grey)]
        added = make_box(b"pclr", palette) + make_box(b"cmap", mapping)
        return b"".join(make_box(kind, body + added if kind == b"jp2h" else body) for kind, body in boxes)

    assert Picture.read(with_palette(3)).channels == 3
    with pytest.raises(PictureError, match="255 channels are not supported"):
        Picture.read(with_palette(255))


def test_the_first_of_two_streams_counts_as_for_openjpeg() -> None:
    large, small = (saved(Image.fromarray(pattern(side, side)), "JPEG2000") for side in (64, 16))
    boxes = {kind: make_box(kind, body) for kind, body, _ in read_boxes(large)}
    others = {kind: make_box(kind, body) for kind, body, _ in read_boxes(small)}
    data = boxes[b"jP  "] + boxes[b"ftyp"]
    data += boxes[b"jp2h"] + others[b"jp2h"] + boxes[b"jp2c"] + others[b"jp2c"]
    with pytest.raises(PictureError, match="64 x 64 pixels exceed the limit of 256"):
        Picture.read(data, max_pixels=256)
    assert Picture.read(data).width == 64


def test_a_webp_header_after_the_picture_says_nothing() -> None:
    """libwebp decodes what comes first."""
    plain = saved(Image.fromarray(pattern(64, 64)), "WEBP")[12:]
    chunks = b"WEBP" + plain + b"VP8X" + struct.pack("<I4x", 10) + struct.pack("<I", 15)[:3] * 2
    with pytest.raises(PictureError, match="64 x 64 pixels exceed the limit of 256"):
        Picture.read(b"RIFF" + struct.pack("<I", len(chunks)) + chunks, max_pixels=256)


def test_jpeg2000_of_many_channels() -> None:
    data = saved(Image.fromarray(pattern(16, 16)), "JPEG2000")
    header, stream = data.index(b"ihdr") + 12, data.index(b"\xff\x4f\xff\x51") + 40
    many = struct.pack(">H", 16_384)
    with pytest.raises(PictureError, match="16384 channels are not supported"):
        Picture.read(data[:header] + many + data[header + 2 :])
    with pytest.raises(PictureError, match="two different sizes"):
        Picture.read(data[:stream] + many + data[stream + 2 :])


def test_jpegs_of_many_scans() -> None:
    data = saved(Image.fromarray(pattern(64, 64)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(PictureError, match="JPEG of 209 scans of 64 x 64 pixels is not supported, only up to 100"):
        Picture.read(data[:last] + data[last:-2] * 200 + data[-2:])

    # What looks like the end may stand in a comment, and what looks like a scan in the length of a segment.
    hidden = b"\xff\xfe\0\4\xff\xd9"
    with pytest.raises(PictureError, match="JPEG of 209 scans"):
        Picture.read(data[:last] + hidden + data[last:-2] * 200 + data[-2:])


def test_scans_of_large_jpegs_are_fewer() -> None:
    """Each passes over all pixels, and 95 of 10000 x 10000 took minutes."""
    data = saved(Image.fromarray(np.zeros((64, 64), np.uint8)), "JPEG", progressive=True)
    data = data[:2] + (b"\xff\xfe" + struct.pack(">H", 50_002) + bytes(50_000)) * 4 + data[2:]
    last = data.rindex(b"\xff\xda")
    many = data[:last] + data[last:-2] * 90 + data[-2:]
    assert Picture.read(many).width == 64
    with pytest.raises(PictureError, match="scans of 10000 x 10000 pixels is not supported, only up to 42"):
        Picture.read(changed(many, b"\xff\xc2", 5, struct.pack(">HH", 10_000, 10_000)))


@pytest.mark.parametrize("kind", ["jpg", "progressive.jpg"])
def test_small_files_of_large_jpegs_are_not_grey_pictures(kind: str) -> None:
    """A file of 1 KB gave 256 million grey pixels."""
    with pytest.raises(PictureError, match="bytes cannot hold a JPEG of 16000 x 16000 pixels, so nearly all of it is"):
        Picture.read(BOMBS[kind](16_000))


def test_small_files_of_large_tiffs() -> None:
    """libtiff filled gigabytes with zeros before it said what was missing."""
    data = saved(Image.fromarray(pattern()), "TIFF", compression="tiff_lzw")
    width = struct.pack("<HHI", 256, 3, 1)
    with pytest.raises(PictureError, match="bytes cannot hold a TIFF of 6000000 x 40 pixels, so nearly all of it is"):
        Picture.read(changed(data, width, 0, struct.pack("<HHII", 256, 4, 1, 6_000_000)))
    blank = saved(Image.new("1", (10_000, 10_000)), "TIFF", compression="tiff_lzw")
    assert Picture.read(blank).width == 10_000


def test_files_of_endless_small_parts() -> None:
    """Parts of a few bytes, each of which takes longer to read than to write."""
    jpeg, gif = saved(Image.fromarray(pattern()), "JPEG"), saved(Image.fromarray(pattern(channels=1)[..., 0]), "GIF")
    frame = b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\2\2\x4c\1\0"
    webp, jxl = Picture(pattern()).encode("WEBP"), bytes(imagecodecs.jpegxl_encode(pattern(), usecontainer=True))
    free = make_box(b"free", b"")
    for data, reason in (
        (jpeg[:2] + b"\xff\xfe\0\2" * 1_000_000 + jpeg[2:], "JPEG of more than 10000 segments"),
        (jpeg[:2] + b"\xff" * 1_000_000 + jpeg[2:], "JPEG of more than 10000 segments"),
        (jpeg[:-2] + b"\xff\xfe\0\2" * 1_000_000 + jpeg[-2:], "JPEG of more than 10000 segments"),
        (png_file(1, 1, 8, 0, b"\0\7", png_chunk(b"tEXt", b"") * 500_000), "PNG of .* chunks"),
        (gif[:-1] + frame * 20_000 + b";", "GIF of .* blocks"),
        (gif[:-1] + b"\x21\xfe" + b"\1a" * 1_000_000 + b"\0;", "GIF of .* blocks"),
        (webp + struct.pack("<4sI", b"none", 0) * 500_000, "WebP of more than 10000 chunks"),
        (jxl + free * 500_000, "more than 10000 boxes"),
        (Picture(pattern()).encode("JPEG2000") + free * 500_000, "more than 10000 boxes"),
        (Picture(pattern()).encode("AVIF") + free * 500_000, "more than 10000 boxes"),
    ):
        with pytest.raises(PictureError, match=f"{reason}.*; save "):
            Picture.read(data)


def test_items_in_endless_pieces() -> None:
    """In the box of locations each item may say that it is in 65535 pieces of no size, which take no bytes."""
    locations = b"".join(struct.pack(">HHH", number, 0, 65_535) for number in range(1, 1000))
    box = make_box(b"iloc", bytes(6) + struct.pack(">H", 999) + locations)
    for exif in (None, exif_block()):
        data = b""
        for kind, body, _ in read_boxes(Picture(pattern(), exif=exif).encode("AVIF")):
            if kind == b"meta":
                inner = [make_box(*found[:2]) for found in read_boxes(body[4:]) if found.kind != b"iloc"]
                body = body[:4] + b"".join(inner) + box
            data += make_box(kind, body)
        with pytest.raises(PictureError, match="items in more than 10000 pieces"):
            Picture.read(data)


def test_packed_boxes_of_jpeg_xl() -> None:
    """Of each kind only the first is unpacked, and up to a limit."""
    endless = make_box(b"brob", b"xml " + bytes(imagecodecs.brotli_encode(bytes(50_000_000), level=5)))
    data = bytes(imagecodecs.jpegxl_encode(pattern(), usecontainer=True)) + endless * 500
    assert Picture.read(data).notes == ("XMP left out: it is damaged",)


def test_exif_and_profiles_without_end() -> None:
    """Directories that point to themselves, each of which was read sixteen times; a profile of a million empty tags."""
    entries = (
        struct.pack("<HHII", tag, 4, 1, 8) if tag in (34665, 34853, 40965) else struct.pack("<HHII", tag, 3, 0, 0)
        for tag in range(65_535)
    )
    exif = b"II*\0\x08\0\0\0" + struct.pack("<H", 65_535) + b"".join(entries) + bytes(4)
    profile = icc_profile(b"RGB ")[:128] + struct.pack(">I", 10**6) + struct.pack(">4sII", b"desc", 132, 12) * 10**6
    profile = struct.pack(">I", len(profile)) + profile[4:]
    for chunk, note in (
        (png_chunk(b"eXIf", exif), "damaged EXIF left out"),
        (png_chunk(b"iCCP", b"x\0\0" + zlib.compress(profile)), "damaged ICC profile left out"),
    ):
        assert Picture.read(png_file(1, 1, 8, 2, b"\0\7\7\7", chunk)).notes == (note,)


def test_xmp_without_end() -> None:
    endless = b"<a b='" + b"&#65;" * 6_000_000 + b"'/>"
    packed = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(endless)
    deep = b"XML:com.adobe.xmp\0\0\0\0\0" + b"<a>" * 1100 + b"</a>" * 1100
    for chunks, reason in (
        (png_chunk(b"iTXt", packed), "it has more than 2097152 bytes"),
        (png_chunk(b"iTXt", packed) * 100, "it has more than 2097152 bytes"),
        (png_chunk(b"iTXt", deep), "its elements are nested more than 100 deep"),
    ):
        picture = Picture.read(png_file(1, 1, 8, 0, b"\0\7", chunks))
        assert (picture.pixels.shape[:2], picture.xmp, picture.notes) == ((1, 1), None, (f"XMP left out: {reason}",))


def test_jpeg_ls_that_does_not_end() -> None:
    """CharLS took half a minute for some of these before it gave up."""
    data = bytes(imagecodecs.jpegls_encode(pattern(120, 160)))
    for length in range(400, len(data), 611):
        with pytest.raises(PictureError):
            Picture.read(data[:length])


def frames_of(count: int) -> list[Image.Image]:
    return [Image.fromarray(np.roll(pattern(64, 64), number, 0)) for number in range(count)]


@pytest.mark.parametrize("format", ["GIF", "WEBP", "AVIF", "PNG"])
def test_only_the_first_frame_is_decoded(format: str) -> None:
    """The others may be damaged."""
    first, *others = frames_of(5)
    options = {"lossless": True} if format == "WEBP" else {"quality": 95}
    data = bytearray(saved(first, format, save_all=True, append_images=others, duration=50, **options))
    if format != "PNG":  # its chunks have checksums
        data[-200:-40] = bytes(160)
    picture = Picture.read(bytes(data))
    np.testing.assert_allclose(picture.planes(), pattern(64, 64) / 255, atol=0.1)
    assert [note for note in picture.notes if note.startswith("first of ")]


@pytest.mark.parametrize("disposal", [0, 8, 12])
def test_first_frames_of_gif_larger_than_their_screen(disposal: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which Pillow warned, for it has a limit of its own."""
    first, other = (Image.fromarray(np.roll(pattern(channels=1)[..., 0], number, 0)) for number in range(2))
    data = bytearray(saved(first, "GIF", save_all=True, append_images=[other], transparency=0))
    data[data.index(b"\x21\xf9\4") + 3] = disposal
    data[6:10] = struct.pack("<2H", 20, 30)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    picture = Picture.read(bytes(data))
    np.testing.assert_array_equal(picture.pixels[..., :1], pattern(channels=1))
    assert picture.notes == ("first of 2 frames",)


def test_deep_animations() -> None:
    """A request for the first frame alone made libavif's Python binding write where it must not."""
    frames = np.stack([pattern(dtype=np.uint16) >> 6] * 3)
    data = bytes(imagecodecs.avif_encode(frames, bitspersample=10, level=100))
    for _ in range(5):
        picture = Picture.read(data)
    assert (picture.pixels.shape[:2], picture.depth, picture.notes) == ((40, 60), 16, ("first of 3 frames",))


def test_odd_depths_are_spread_without_a_wide_copy() -> None:
    """Which took ten times the memory of the pixels."""
    pixels = pattern(1000, 500, dtype=np.uint16) >> 6
    tracemalloc.start()
    spread = fill_scale(pixels, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(spread, np.floor(pixels.astype(float) * 65535 / 1023 + 0.5))
    assert peak < 2 * spread.nbytes + 2**24


def test_memory_that_runs_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_memory(*_: object) -> bytes:
        raise MemoryError

    codec = codec_named("PNG")
    data = Picture(pattern()).encode("PNG")
    starved = Codec(
        **{name: getattr(codec, name) for name in Codec.__slots__} | {"encode": no_memory, "decode": no_memory}
    )
    monkeypatch.setattr("twinscale.images.picture.codec_of_bytes", lambda _: starved)
    monkeypatch.setattr("twinscale.images.picture.codec_named", lambda _: starved)
    with pytest.raises(OutOfMemoryError, match=r"^picture data: too large for the available memory"):
        Picture.read(data)
    with pytest.raises(OutOfMemoryError, match="not enough memory to write 60 x 40 pixels as PNG"):
        Picture(pattern()).encode("PNG")
    monkeypatch.setattr(Path, "read_bytes", no_memory)
    with pytest.raises(OutOfMemoryError, match=r"a\.png: the file is too large"):
        Picture.read(tmp_path / "a.png")


def test_png_chunks_that_libpng_would_talk_about() -> None:
    rows = b"\0\7"
    for colour, extra in (
        (0, png_chunk(b"iCCP", b"x\0\0" + zlib.compress(b"\0\0\2\x7f" + icc_profile(b"RGB ")[4:]))),
        (0, png_chunk(b"iCCP", b"no end of the name")),
        (0, png_chunk(b"PLTE", bytes(6))),
        (0, png_chunk(b"tRNS", bytes(7))),
        (0, png_chunk(b"gAMA", bytes(3)) + png_chunk(b"cHRM", bytes(5)) + png_chunk(b"pHYs", b"")),
        (0, png_chunk(b"eXIf", b"nonsense") + png_chunk(b"tIME", bytes(90)) + png_chunk(b"bKGD", bytes(40))),
    ):
        assert Picture.read(png_file(1, 1, 8, colour, rows, extra)).pixels.tolist() == [[[7]]]
    two = png_file(1, 1, 8, 4, b"\0\7\5", png_chunk(b"tRNS", bytes(2)))
    assert Picture.read(two).alpha.tolist() == [[5]]
    late = png_file(1, 1, 8, 0, rows)[:-12] + png_chunk(b"tRNS", b"\0\7") + png_chunk(b"IEND", b"")
    assert Picture.read(late).pixels.shape[:2] == (1, 1)
    for broken in ({"interlace": 2}, {"depth": 3}, {"colour": 5}, {"width": 2_000_000}):
        with pytest.raises(PictureError):
            Picture.read(png_file(**{"width": 1, "height": 1, "depth": 8, "colour": 0, "rows": rows} | broken))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK"])
def test_cut_profiles_of_tiffs(mode: str) -> None:
    """Which end beyond the file, begin beyond it, or are shorter than they say."""
    image = Image.fromarray(pattern()).convert(mode)
    data = saved(image, "TIFF", icc_profile=icc_profile(b"CMYK" if mode == "CMYK" else b"RGB "))
    field = struct.pack("<HH", 34675, 7)
    (length,) = struct.unpack_from("<I", data, data.index(field) + 4)
    for cut in (
        changed(data, field, 4, struct.pack("<I", 10**6)),
        changed(data, field, 8, struct.pack("<I", 10**8)),
        changed(data, field, 4, struct.pack("<I", length // 2)),
    ):
        picture = Picture.read(cut)
        np.testing.assert_array_equal(picture.pixels.squeeze(), Picture.read(saved(image, "TIFF")).pixels.squeeze())
        assert picture.icc is None
        assert [note for note in picture.notes if "left out" in note or "without a profile" in note]


def test_damaged_tiffs_that_libtiff_would_talk_about() -> None:
    palette = Image.fromarray(pattern(120, 160)).quantize(200)
    for image, compression in (
        (palette, "tiff_lzw"),
        (palette, "tiff_adobe_deflate"),
        (palette.convert("CMYK"), "tiff_lzw"),
    ):
        data = bytearray(saved(image, "TIFF", compression=compression))
        for at in range(30, 4000, 97):
            data[at : at + 2] = b"\xff\xff"
        with pytest.raises(PictureError):
            Picture.read(bytes(data))


def _whole_files(folder: Path) -> list[bytes]:
    """Files of every format, plain and with metadata."""
    made = [(folder / name).read_bytes() for name, verdict in make_awkward_pictures(folder).items() if verdict == "ok"]
    source = Picture(pattern(), icc=icc_profile(b"RGB "), exif=exif_block(), xmp=xmp_packet(1))
    made += [source.encode(format) for format in ("PNG", "JPEG", "WEBP", "TIFF", "JPEG2000", "AVIF", "JPEGXL")]
    made.append(
        heic_file(pattern(), icc_profile=icc_profile(b"RGB "), exif=b"Exif\0\0" + exif_block(), xmp=xmp_packet())
    )
    return made


def _replaced(data: bytearray, at: int, chance: random.Random) -> None:
    data[at] = chance.randrange(256)


def _extreme(data: bytearray, at: int, chance: random.Random) -> None:
    width = chance.choice((1, 2, 4))
    data[at : at + width] = chance.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * width


def _number(data: bytearray, at: int, chance: random.Random) -> None:
    value = chance.choice((1, 3, 255, 4096, 20_000, 60_000, 65_535))
    data[at : at + 4] = value.to_bytes(4, chance.choice(("big", "little")))


def _doubled(data: bytearray, at: int, chance: random.Random) -> None:
    data[at:at] = data[at : at + chance.choice((4, 12, 64))]


def _gone(data: bytearray, at: int, chance: random.Random) -> None:
    del data[at : at + chance.choice((1, 4, 12, 64))]


MUTATIONS: tuple[Callable[[bytearray, int, random.Random], None], ...] = (_replaced, _extreme, _number, _doubled, _gone)


def test_mutations(tmp_path: Path) -> None:
    """Whatever is changed in a file: a picture that can be written, or an error of our own; and no noise."""
    chance = random.Random(20)
    for data in _whole_files(tmp_path):
        for _ in range(12):
            mutated = bytearray(data)
            for _ in range(chance.choice((1, 2, 6))):
                if len(mutated) > 20:
                    at = chance.randrange(4, min(chance.choice((64, 400, 10**6)), len(mutated)))
                    chance.choice(MUTATIONS)(mutated, at, chance)
            try:
                picture = Picture.read(bytes(mutated), max_pixels=1_000_000)
            except PictureError:
                continue
            if picture.depth < 32:
                assert Picture.read(picture.encode("PNG")).pixels.shape == picture.pixels.shape
            assert Picture.read(picture.encode("TIFF")).pixels.shape == picture.pixels.shape
