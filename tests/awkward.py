"""Awkward pictures: every kind of file that has ever surprised an image program, made from scratch."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image, ImageCms

HEIGHT, WIDTH = 40, 60


def pattern(height: int = HEIGHT, width: int = WIDTH, channels: int = 3, dtype: type = np.uint8) -> np.ndarray:
    """A smooth pattern without any symmetry, ``(H, W, C)``, over nearly the whole range of its type."""
    y, x = np.mgrid[:height, :width]
    waves = [(np.sin(x / (7 + k) + k) + np.cos(y / (5 + k)) + x / width - y / height + 3) / 6 for k in range(channels)]
    values = np.stack(waves, axis=-1)
    if np.dtype(dtype).kind == "f":
        return values.astype(dtype)
    return np.floor(values * np.iinfo(dtype).max + 0.5).astype(dtype)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_file(
    width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"", *, interlace: int = 0
) -> bytes:
    """A PNG file by hand; ``rows`` start with their filter byte, ``extra`` chunks follow the header."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    data = png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra + data + png_chunk(b"IEND", b"")


def icc_profile(space: bytes) -> bytes:
    """A small ICC profile for ``b"RGB "``, ``b"GRAY"`` or ``b"CMYK"``.

    The CMYK profile is deliberately absurd, so that using it shows: without ink it is mid-grey,
    and cyan ink alone is a strong red.
    """
    if space == b"RGB ":
        profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        profile[24:36] = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)  # else the second of its making, in every file's bytes
        return bytes(profile)
    if space == b"GRAY":
        body = b"curv" + bytes(4) + struct.pack(">IH", 1, int(2.2 * 256)) + bytes(2)
        tags = {b"kTRC": body, b"wtpt": _xyz_d50()}
        return _icc(space, b"mntr", b"XYZ ", tags)
    corners = np.full((2, 2, 2, 2, 3), (128, 128, 128), np.uint8)
    corners[1, 0, 0, 0] = (128, 200, 180)  # cyan ink alone, in Lab
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 * (k in (0, 4, 8)) for k in range(9)))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + corners.tobytes() + ramp * 3
    return _icc(space, b"prtr", b"Lab ", {b"A2B0": table + bytes(-len(table) % 4), b"wtpt": _xyz_d50()})


def _xyz_d50() -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)


def _icc(space: bytes, kind: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    offset = 128 + 4 + 12 * len(tags)
    index, bodies = struct.pack(">I", len(tags)), b""
    for tag, body in tags.items():
        index += tag + struct.pack(">II", offset + len(bodies), len(body))
        bodies += body
    head = struct.pack(">I4sI4s4s4s12x4s", offset + len(bodies), b"lcms", 0x02400000, kind, space, connection, b"acsp")
    head = head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + index + bodies


def exif_block(orientation: int = 1, *, thumbnail: bytes = b"", order: str = "<") -> bytes:
    """An EXIF block by hand: maker, orientation, maker note, GPS latitude, and maybe a thumbnail."""
    start, after_first = 8, 8 + 2 + 4 * 12 + 4
    exif, gps = after_first + 8, after_first + 8 + 18 + 12
    first_end = gps + 2 + 2 * 12 + 4 + 24

    def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
        return struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")

    def offset(value: int) -> bytes:
        return struct.pack(order + "I", value)

    block = (b"II*\0" if order == "<" else b"MM\0*") + offset(start)
    block += struct.pack(order + "H", 4)
    block += entry(271, 2, 8, offset(after_first))
    block += entry(274, 3, 1, struct.pack(order + "H", orientation))
    block += entry(34665, 4, 1, offset(exif)) + entry(34853, 4, 1, offset(gps))
    block += offset(first_end if thumbnail else 0) + b"Twinlab\0"
    block += struct.pack(order + "H", 1) + entry(37500, 7, 12, offset(exif + 18)) + offset(0) + b"maker's note"
    block += struct.pack(order + "H", 2) + entry(1, 2, 2, b"N\0") + entry(2, 5, 3, offset(gps + 30)) + offset(0)
    block += struct.pack(order + "6I", 48, 1, 8, 1, 15, 1)
    if thumbnail:
        block += struct.pack(order + "H", 2)
        block += entry(513, 4, 1, offset(first_end + 30)) + entry(514, 4, 1, offset(len(thumbnail)))
        block += offset(0) + thumbnail
    return block


def xmp_packet(orientation: int | None = None) -> bytes:
    """An XMP packet with a title, and maybe an orientation."""
    turned = f' tiff:Orientation="{orientation}"' if orientation else ""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{turned}>Zwölf Boxkämpfer'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def heic_file(pixels: np.ndarray, **options: object) -> bytes:
    """A HEIC file of ``uint8`` pixels, or of ``uint16`` ones, of which it keeps 10 bits."""
    height, width, channels = pixels.shape
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels] + (";16" if pixels.dtype == np.uint16 else "")
    file = io.BytesIO()
    pillow_heif.from_bytes(mode, (width, height), pixels.tobytes()).save(file, quality=100, chroma=444, **options)
    return file.getvalue()


def bits(*fields: tuple[int, int]) -> bytes:
    """Numbers and their counts of bits, packed from the lowest bit on, as JPEG XL does."""
    packed, length = 0, 0
    for value, count in fields:
        packed |= value << length
        length += count
    return packed.to_bytes((length + 7) // 8, "little")


def jpeg_xl_bomb(side: int) -> bytes:
    """The first bytes of a JPEG XL file of ``side`` pixels wide and high: height of 18 bits, ratio 1:1, defaults."""
    return bits((0x0AFF, 16), (0, 1), (2, 2), (side - 1, 18), (1, 3), (1, 1)) + bytes(100)


def pillow_file(format: str, channels: int = 3, **options: object) -> bytes:
    """A file of a smooth pattern of 64 x 64 pixels, as Pillow writes it."""
    file = io.BytesIO()
    Image.fromarray(pattern(64, 64, channels).squeeze()).save(file, format, **options)
    return file.getvalue()


def changed(data: bytes, key: bytes, offset: int, value: bytes) -> bytes:
    """A file with another value at so many bytes from where a key begins."""
    at = data.index(key) + offset
    return data[:at] + value + data[at + len(value) :]


def jpeg2000_bomb(side: int, **options: object) -> bytes:
    """A JPEG 2000 file that claims a size in its boxes, and in its codestream for the picture and its only tile."""
    size, stream = struct.pack(">II", side, side), b"\xff\x4f\xff\x51"
    data = changed(pillow_file("JPEG2000", **options), b"ihdr", 4, size)
    return changed(changed(data, stream, 8, size), stream, 24, size)


def webp_bomb(side: int) -> bytes:
    """A WebP file whose extended header claims a size; without that header it could not be above 16384 pixels."""
    canvas = b"VP8X" + struct.pack("<I4x", 10) + struct.pack("<I", side - 1)[:3] * 2
    chunks = b"WEBP" + canvas + pillow_file("WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def png_bomb(side: int) -> bytes:
    """A PNG file of nearly no rows."""
    return png_file(side, side, 8, 2, bytes(100))


def bmp_bomb(side: int) -> bytes:
    """The header of a Windows bitmap."""
    return struct.pack("<2sIII5I", b"BM", 64, 0, 54, 40, side, side, 24 << 16 | 1, 0).ljust(64, b"\0")


def tiff_bomb(side: int) -> bytes:
    """A TIFF file whose directory, of a tag, a type, a count and a value each, claims a size."""
    data = pillow_file("TIFF")
    for tag in (256, 257):
        data = changed(data, struct.pack("<HHI", tag, 4, 1), 8, struct.pack("<I", side))
    return data


BOMBS: dict[str, Callable[[int], bytes]] = {
    "png": png_bomb,
    "jpg": lambda side: changed(pillow_file("JPEG"), b"\xff\xc0", 5, struct.pack(">HH", side, side)),
    "progressive.jpg": lambda side: changed(
        pillow_file("JPEG", progressive=True), b"\xff\xc2", 5, struct.pack(">HH", side, side)
    ),
    "webp": webp_bomb,
    "tif": tiff_bomb,
    "bmp": bmp_bomb,
    "gif": lambda side: changed(pillow_file("GIF", 1), b"GIF8", 6, struct.pack("<HH", side, side)),
    "jp2": jpeg2000_bomb,
    "lossy.jp2": lambda side: jpeg2000_bomb(side, irreversible=True, quality_layers=[13]),
    "avif": lambda side: changed(pillow_file("AVIF"), b"ispe", 8, struct.pack(">II", side, side)),
    "jxl": jpeg_xl_bomb,
    "jls": lambda side: changed(
        bytes(imagecodecs.jpegls_encode(pattern(64, 64))), b"\xff\xf7", 5, struct.pack(">HH", side, side)
    ),
    "heic": lambda side: changed(heic_file(pattern(64, 64)), b"ispe", 8, struct.pack(">II", side, side)),
}
"""Small files of every format that claim to be so many pixels wide and high, by extension."""


def make_awkward_pictures(folder: Path) -> dict[str, str]:
    """Writes the pictures into a folder.

    Returns:
        For each file name ``"ok"`` if the file must be read, or ``"refused"``.
    """
    made: dict[str, str] = {}

    def keep(name: str, data: bytes, verdict: str = "ok") -> None:
        (folder / name).write_bytes(data)
        made[name] = verdict

    def save(name: str, image: Image.Image, **options: object) -> None:
        image.save(folder / name, **options)
        made[name] = "ok"

    def tiff(name: str, pixels: np.ndarray, verdict: str = "ok", **options: object) -> None:
        tifffile.imwrite(folder / name, pixels, **options)
        made[name] = verdict

    rgb, grey = pattern(), pattern(channels=1)[..., 0]
    rgba, deep = pattern(channels=4), pattern(dtype=np.uint16)
    deep_grey_alpha = pattern(channels=2, dtype=np.uint16)
    image = Image.fromarray(rgb)
    palette = image.quantize(64)

    for orientation in range(1, 9):
        save(f"turned-{orientation}.jpg", image, exif=b"Exif\0\0" + exif_block(orientation), quality=90)

    save("grey.png", Image.fromarray(grey))
    save("grey-alpha.png", Image.fromarray(pattern(channels=2)))
    save("rgba.webp", Image.fromarray(rgba), lossless=True)
    save("bits.png", Image.fromarray(grey > 128))
    save("palette.png", palette)
    save("palette-transparent.png", palette, transparency=bytes([0, 128, 255]))
    save("still.gif", palette)
    save("windows.bmp", image)
    save("photo.avif", image)
    save("photo.jp2", image)
    save("Zwölf Bäume – 木.png", image)
    save("one-row.png", image.crop((0, 0, WIDTH, 1)))
    save("one-column.jpg", image.crop((0, 0, 1, HEIGHT)))
    save("one-pixel.webp", image.crop((0, 0, 1, 1)))
    save("upper-case.JPG", image, format="JPEG")
    save("wrong-name.png", image, format="JPEG")
    frames = [image, Image.fromarray(rgb[::-1].copy()), Image.fromarray(rgb[:, ::-1].copy())]
    for name in ("moving.gif", "moving.webp", "moving.png"):
        save(name, frames[0], save_all=True, append_images=frames[1:], duration=100)
    save("pages.tif", frames[0], save_all=True, append_images=frames[1:])
    inks = Image.fromarray(pattern(channels=4), "CMYK")
    save("cmyk.jpg", inks, quality=95)
    save("cmyk-profile.jpg", inks, quality=95, icc_profile=icc_profile(b"CMYK"))
    save("cmyk.tif", inks, icc_profile=icc_profile(b"CMYK"))
    keep("ycck.jpg", imagecodecs.jpeg8_encode(pattern(channels=4), colorspace="CMYK", outcolorspace="YCCK"))
    save("lab.tif", Image.fromarray(rgb, "LAB"))

    keep("deep-rgb.png", imagecodecs.png_encode(deep))
    keep("deep-grey-alpha.png", imagecodecs.png_encode(deep_grey_alpha))
    keep("deep.jp2", imagecodecs.jpeg2k_encode(deep, level=0, codecformat="jp2", reversible=True))
    keep("ten-bits.avif", imagecodecs.avif_encode(deep >> 6, level=100, bitspersample=10))
    keep("deep-key.png", png_file(2, 1, 16, 0, b"\0\x12\x34\x56\x78", png_chunk(b"tRNS", b"\x12\x34")))
    tiff("deep-lzw.tif", deep, photometric="rgb", compression="lzw", predictor=True)
    tiff("deep-big-endian.tif", deep, photometric="rgb", byteorder=">")
    tiff("deep-grey-alpha.tif", deep_grey_alpha, photometric="minisblack", extrasamples=["unassalpha"])
    tiff("white-is-zero.tif", deep[..., 0], photometric="miniswhite")
    tiff("big.tif", rgb, photometric="rgb", bigtiff=True)
    tiff("float-grey.tif", pattern(channels=1, dtype=np.float32)[..., 0])
    tiff("float-rgb.tif", pattern(dtype=np.float32), photometric="rgb", compression="zlib")
    tiff("whole-32.tif", deep[..., 0].astype(np.int32))

    keep("photo.jxl", imagecodecs.jpegxl_encode(rgb, level=90))
    keep("rgba.jxl", imagecodecs.jpegxl_encode(rgba, lossless=True))
    keep("deep.jxl", imagecodecs.jpegxl_encode(deep, lossless=True))
    keep("ten-bits.jxl", imagecodecs.jpegxl_encode(deep >> 6, lossless=True, bitspersample=10))
    keep("moving.jxl", imagecodecs.jpegxl_encode(np.stack([rgb, rgb[::-1], rgb[:, ::-1]]), lossless=True))
    keep("photo.jls", imagecodecs.jpegls_encode(rgb))
    keep("grey.jls", imagecodecs.jpegls_encode(grey))
    keep("deep.jls", imagecodecs.jpegls_encode(deep))
    keep("wrong-name.jpg", imagecodecs.jpegls_encode(rgb))
    keep("photo.heic", heic_file(rgb))
    keep("rgba.heic", heic_file(rgba))
    keep("ten-bits.heic", heic_file(deep))
    keep("turned.heic", heic_file(rgb, exif=b"Exif\0\0" + exif_block(6)))

    tiff("float-hdr.tif", pattern(dtype=np.float32) * 8, "refused", photometric="rgb")
    tiff("whole-32-large.tif", deep[..., 0].astype(np.uint32) * 1000, "refused")
    for extension, bomb in BOMBS.items():
        keep(f"bomb.{extension}", bomb(60_000), "refused")
    keep("four-channels.jls", imagecodecs.jpegls_encode(rgba), "refused")
    keep("no-width.png", png_file(0, 5, 8, 2, bytes(100)), "refused")
    keep("empty.png", b"", "refused")
    keep("letter.jpg", b"Dear reader, this is not a picture.\n", "refused")
    keep("just-a-header.png", b"\x89PNG\r\n\x1a\n", "refused")
    keep("just-a-header.tif", b"II*\0", "refused")
    for name in (
        "photo.avif",
        "photo.jp2",
        "deep.jp2",
        "deep-rgb.png",
        "palette.png",
        "rgba.webp",
        "rgba.jxl",
        "deep.jxl",
        "deep.jls",
        "ten-bits.heic",
    ):
        data = (folder / name).read_bytes()
        keep(f"cut-{name}", data[: len(data) * 3 // 4], "refused")
    for name in ("still.gif", "windows.bmp", "deep-lzw.tif", "lab.tif", "ten-bits.avif"):
        data = (folder / name).read_bytes()
        keep(f"cut-{name}", data[: len(data) * 3 // 4], "refused")
    return made
