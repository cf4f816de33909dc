"""PNG files: chunks by hand, pixels by libpng, so that 16 bits and transparency come through."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import imagecodecs
import numpy as np

from twinscale.errors import PictureError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP_KEYWORD = b"XML:com.adobe.xmp"
# A chunk of a few bytes can unpack to gigabytes; no real profile or packet is larger than this.
_MAX_UNPACKED = 64 * 2**20


@dataclass(slots=True)
class PngHeader:
    """What the chunks of a PNG file say, without its pixels."""

    width: int
    height: int
    depth: int
    interlaced: bool
    frames: int = 1
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


def read_header(data: bytes) -> PngHeader:
    """Reads size and metadata; raises `PictureError` if the file is cut short or damaged."""
    chunks = _chunks(data)
    kind, body = next(chunks)
    if kind != b"IHDR":
        raise PictureError("PNG header is missing; the file is damaged")
    width, height, depth, interlace = struct.unpack_from(">IIB3xB", body)
    header = PngHeader(width, height, depth, bool(interlace))
    for kind, body in chunks:
        if kind == b"iCCP":
            header.icc = _unpack(body.split(b"\0", 1)[1][1:])
        elif kind == b"eXIf":
            header.exif = body
        elif kind == b"iTXt" and body.startswith(_XMP_KEYWORD + b"\0"):
            packed, rest = body[len(_XMP_KEYWORD) + 1], body[len(_XMP_KEYWORD) + 3 :]
            text = rest.split(b"\0", 2)[2]
            header.xmp = _unpack(text) if packed else text
        elif kind == b"acTL":
            header.frames = int.from_bytes(body[:4], "big")
    return header


def decode(data: bytes) -> np.ndarray:
    """Pixels as ``(H, W)`` or ``(H, W, 2 | 3 | 4)``, ``uint8`` or ``uint16``; palettes resolved."""
    pixels: np.ndarray = imagecodecs.png_decode(data)
    return pixels


def encode(pixels: np.ndarray, *, icc: bytes | None, exif: bytes | None, xmp: bytes | None) -> bytes:
    """A PNG file of ``uint8`` or ``uint16`` pixels ``(H, W, 1 to 4)`` with its metadata."""
    data = bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))
    extra = b""
    if icc:
        extra += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
    if exif:
        extra += _chunk(b"eXIf", exif)
    if xmp:
        extra += _chunk(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + xmp)
    after_header = len(_SIGNATURE) + 25
    return data[:after_header] + extra + data[after_header:]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        if position + 12 + length > len(data):
            raise PictureError("the file is cut short; get a complete copy")
        body = data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise PictureError("a checksum is wrong, the file is damaged; get a sound copy")
        yield kind, body
        position += 12 + length


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _unpack(packed: bytes) -> bytes | None:
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(packed, _MAX_UNPACKED)
    except zlib.error:
        return None
    return unpacked if unpacker.eof else None
