"""JPEG 2000 files: the JP2 boxes by hand, since no codec at hand reads or writes metadata."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import imagecodecs
import numpy as np

from twinscale.errors import PictureError

_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
_XMP_UUID = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
_EXIF_UUID = b"JpgTiffExif->JP2"
_SRGB, _GREY = 16, 17


@dataclass(slots=True)
class Jp2Header:
    """What the boxes of a JP2 file say; ``depth`` is bits per sample, ``space`` the colour space."""

    width: int = 0
    height: int = 0
    depth: int = 0
    signed: bool = False
    space: int | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


def read_header(data: bytes) -> Jp2Header:
    """Reads size and metadata from the boxes; the codestream is left alone."""
    header = Jp2Header()
    for kind, body in _boxes(data):
        if kind == b"jp2h":
            for inner, content in _boxes(body):
                _read_header_box(header, inner, content)
        elif kind == b"uuid" and body.startswith(_XMP_UUID):
            header.xmp = body[16:]
        elif kind == b"uuid" and body.startswith(_EXIF_UUID):
            header.exif = body[16:]
    if not header.width:
        raise PictureError("JPEG 2000 header is missing; the file is damaged")
    return header


def _read_header_box(header: Jp2Header, kind: bytes, body: bytes) -> None:
    if kind == b"ihdr":
        header.height, header.width, _, depth = struct.unpack_from(">IIHB", body)
        if depth != 255:  # 255: depths differ and are listed in a box of their own
            header.depth, header.signed = (depth & 0x7F) + 1, depth >= 0x80
    elif kind == b"bpcc":
        header.depth = max((depth & 0x7F) + 1 for depth in body)
        header.signed = any(depth >= 0x80 for depth in body)
    elif kind == b"colr":
        method = body[0]
        if method == 1:
            (header.space,) = struct.unpack_from(">I", body, 3)
        elif method == 2:
            header.icc = body[3:]


def decode_deep(data: bytes, header: Jp2Header) -> np.ndarray:
    """Pixels of a file of 9 to 16 bits as ``uint16`` on the full scale of 0 to 65535."""
    if header.signed or header.depth > 16 or header.space not in (None, _SRGB, _GREY):
        raise PictureError(
            f"{header.depth}-bit JPEG 2000 of colour space {header.space} is not supported; "
            "convert it to RGB of 8 or 16 bits, without sign"
        )
    pixels: np.ndarray = imagecodecs.jpeg2k_decode(data)
    return widen(pixels, header.depth)


def widen(pixels: np.ndarray, depth: int) -> np.ndarray:
    """Values of 0 to 2**depth - 1 on the full 16-bit scale of 0 to 65535, rounded."""
    if depth == 16:
        return pixels
    top = 2**depth - 1
    wide: np.ndarray = (pixels.astype(np.uint32) * 65535 + top // 2) // top
    return wide.astype(np.uint16)


def encode(
    pixels: np.ndarray,
    *,
    quality: int,
    icc: bytes | None,
    exif: bytes | None,
    xmp: bytes | None,
) -> bytes:
    """A JP2 file of ``uint8`` or ``uint16`` pixels ``(H, W, 1 to 4)``.

    A quality of 0 is lossless; 1 to 100 aim at a PSNR of 20 + quality / 4 dB, which is about what
    JPEG gives at the same number.
    """
    height, width, count = pixels.shape
    stream = imagecodecs.jpeg2k_encode(
        np.ascontiguousarray(pixels if count > 1 else pixels[..., 0]),
        level=20 + quality // 4 if quality else 0,
        codecformat="j2k",
        reversible=not quality,
    )
    ihdr = _box(b"ihdr", struct.pack(">IIHBBBB", height, width, count, 8 * pixels.itemsize - 1, 7, 0, 0))
    if icc:
        colr = _box(b"colr", b"\2\0\0" + icc)
    else:
        colr = _box(b"colr", struct.pack(">BBBI", 1, 0, 0, _GREY if count < 3 else _SRGB))
    alpha = b"" if count in (1, 3) else _alpha_last(count)
    boxes = [
        _SIGNATURE,
        _box(b"ftyp", b"jp2 \0\0\0\0jp2 "),
        _box(b"jp2h", ihdr + colr + alpha),
        _box(b"uuid", _XMP_UUID + xmp) if xmp else b"",
        _box(b"uuid", _EXIF_UUID + exif) if exif else b"",
        _box(b"jp2c", bytes(stream)),
    ]
    return b"".join(boxes)


def _alpha_last(count: int) -> bytes:
    """The box that says: all channels are colour, in order, but the last, which is opacity."""
    colours = [(channel, 0, channel + 1) for channel in range(count - 1)]
    entries = [*colours, (count - 1, 1, 0)]
    return _box(b"cdef", struct.pack(">H", count) + b"".join(struct.pack(">HHH", *entry) for entry in entries))


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = position + length if length else len(data)
        if end < start or end > len(data):
            raise PictureError("the file is cut short; get a complete copy")
        yield kind, data[start:end]
        position = end


def _box(kind: bytes, body: bytes) -> bytes:
    if len(body) + 8 >= 2**32:
        raise PictureError("JPEG 2000 files end at 4 GiB; write TIFF or PNG")
    return struct.pack(">I4s", len(body) + 8, kind) + body
