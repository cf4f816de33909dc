"""PNG: chunks by hand, pixels by libpng, so that 16 bits and transparency are kept."""

import io
import struct
import zlib
from collections.abc import Iterable, Iterator

import imagecodecs
import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.codec import Codec, Decoded, Description, Header, Metadata, Options
from twinscale.errors import PictureError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE = 3
# By colour type: grey, RGB, palette, grey and alpha, RGB and alpha.
_CHANNELS = {0: 1, 2: 3, _PALETTE: 3, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), _PALETTE: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_MAX_SIDE = 1_000_000  # libpng's own limit
_XMP_KEYWORD = b"XML:com.adobe.xmp"
# By colour type: how long a chunk for transparency may be.
_KEY_BYTES = {0: range(2, 3), 2: range(6, 7), _PALETTE: range(1, 257)}
# Pixels come in chunks of 8 KiB at least, as a rule; metadata is a few dozen chunks.
_MAX_CHUNKS, _LEAST_CHUNK = 10_000, 2**10
# A chunk of a few bytes can unpack to gigabytes; no real ICC profile or XMP packet is larger than this.
_MAX_UNPACKED = 16 * 2**20


def _header(data: bytes) -> Header:
    width, height, depth, colour, _ = _image_header(data)
    frames, has_key = 1, False
    for kind, body in _chunks(data, pixels=False):
        if kind == b"acTL":
            frames = int.from_bytes(body[:4], "big")
        elif kind == b"tRNS":
            has_key = len(body) in _KEY_BYTES.get(colour, ())
        elif kind == b"IDAT":  # all that is looked for here comes before it
            break
    return Header(width, height, 8 if colour == _PALETTE else depth, _CHANNELS[colour] + has_key, frames)


def _image_header(data: bytes) -> tuple[int, int, int, int, bool]:
    """Return width, height, depth, colour type, and whether the rows are interlaced."""
    kind, body = next(_chunks(data))
    if kind != b"IHDR":
        raise PictureError("PNG header is missing; the file is damaged")
    width, height, depth, colour, packing, filters, interlace = struct.unpack(">IIBBBBB", body)
    if depth not in _DEPTHS.get(colour, ()) or packing or filters or interlace > 1:
        raise PictureError("PNG header is damaged; get an intact copy")
    if max(width, height) > _MAX_SIDE:
        raise PictureError(f"PNG of {width} x {height} pixels is not supported, only sides up to {_MAX_SIDE}; crop it")
    return width, height, depth, colour, bool(interlace)


def _decode(data: bytes) -> Decoded:
    """Decode what matters to the pixels, since libpng prints what it finds wrong with the rest."""
    chunks = list(_chunks(data))  # reads the whole file, so that a damaged one is not half decoded
    width, height, depth, colour, interlaced = _image_header(data)
    bare = _bare(chunks, colour)
    if interlaced and depth == 8:
        # The same pixels, but without the warning that libpng prints for every such file.
        from PIL import PngImagePlugin

        pixels, _, _ = pillow.pixels_of(PngImagePlugin.PngImageFile(io.BytesIO(bare), ""), (width, height), None)
    else:
        pixels = imagecodecs.png_decode(bare)
    return Decoded(pixels, _metadata(chunks))


def _describe(data: bytes) -> Description:
    return Description(_metadata(_chunks(data, pixels=False)))


def _bare(chunks: list[tuple[bytes, bytes]], colour: int) -> bytes:
    """Return a file of nothing but the chunks that matter to its pixels, in order."""
    lengths = {b"IHDR": range(13, 14), b"PLTE": range(0), b"tRNS": _KEY_BYTES.get(colour, range(0))}
    if colour == _PALETTE:
        lengths[b"PLTE"] = range(3, 769, 3)
    before: dict[bytes, bytes] = {}
    pixels = []
    for kind, body in chunks:
        if kind == b"IDAT":
            pixels.append(_chunk(kind, body))
        elif kind == b"IHDR" and kind in before:
            raise PictureError("PNG with two headers; the file is damaged")
        elif len(body) in lengths.get(kind, ()):
            before.setdefault(kind, _chunk(kind, body))
    if colour == _PALETTE and b"PLTE" not in before:
        raise PictureError("PNG palette is missing; the file is damaged")
    ordered = [before[kind] for kind in lengths if kind in before]
    return b"".join([_SIGNATURE, *ordered, *pixels, _chunk(b"IEND", b"")])


def _metadata(chunks: Iterable[tuple[bytes, bytes]]) -> Metadata:
    """Return what the first chunk of each kind holds."""
    icc, exif, xmp = None, None, None
    for kind, body in chunks:
        if kind == b"iCCP" and icc is None:
            icc = _unpack(body.partition(b"\0")[2][1:])
        elif kind == b"eXIf" and exif is None:
            exif = body
        elif kind == b"iTXt" and body.startswith(_XMP_KEYWORD + b"\0") and xmp is None:
            xmp = _international_text(body[len(_XMP_KEYWORD) + 1 :])
    return Metadata(icc, exif, xmp)


def _international_text(body: bytes) -> bytes:
    """Return the text behind two bytes for packing, a language, and a keyword in that language."""
    text = body[2:].split(b"\0", 2)[-1]
    return _unpack(text) if body[:1] == b"\1" else text


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> bytes:
    data = bytes(imagecodecs.png_encode(pixels))
    extra = b""
    if metadata.icc:
        extra += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc))
    if metadata.exif:
        extra += _chunk(b"eXIf", metadata.exif)
    if metadata.xmp:
        extra += _chunk(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + metadata.xmp)
    after_header = len(_SIGNATURE) + 25
    return data[:after_header] + extra + data[after_header:]


def _chunks(data: bytes, *, pixels: bool = True) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kinds and contents of chunks; those of pixels are not read on request, and then seem empty."""
    position, chunks, most = len(_SIGNATURE), 0, _MAX_CHUNKS + len(data) // _LEAST_CHUNK
    kind = b""
    while kind != b"IEND":
        chunks += 1
        if chunks > most:
            raise PictureError(f"PNG of {len(data)} bytes in more than {most} chunks is not supported; save it again")
        length, kind = struct.unpack_from(">I4s", data, position)
        if position + 12 + length > len(data):
            raise PictureError("the file is cut short; get a complete copy")
        body = b""
        if pixels or kind not in (b"IDAT", b"fdAT"):
            body = data[position + 8 : position + 8 + length]
            (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
            if zlib.crc32(body, zlib.crc32(kind)) != checksum:
                raise PictureError("a checksum is wrong, so the file is damaged; get an intact copy")
        yield kind, body
        position += 12 + length


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _unpack(packed: bytes) -> bytes:
    """Return what was packed, up to a limit; what is damaged is found to be so later."""
    try:
        return zlib.decompressobj().decompress(packed, _MAX_UNPACKED)
    except zlib.error:
        return packed


CODEC = Codec(
    name="PNG",
    extensions=(".png",),
    rank=1,
    sniff=lambda data: data.startswith(_SIGNATURE),
    header=_header,
    describe=_describe,
    decode=_decode,
    encode=_encode,
    depths=(8, 16),
    max_side=_MAX_SIDE,
)
