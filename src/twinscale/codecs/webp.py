"""WebP: chunks by hand, so that only the first frame is decoded, whatever its metadata; pixels by libwebp."""

import struct
from collections.abc import Iterator

import imagecodecs
import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.codec import LOSSLESS, Codec, Decoded, Description, Header, Metadata, Options
from twinscale.errors import PictureError

_HAS_ALPHA = 0x10  # a flag of the extended header
_MAX_CHUNKS = 10_000


def _header(data: bytes) -> Header:
    size, channels, frames = None, 3, 0
    for kind, body in _chunks(data):
        if kind == b"VP8X" and size is None:
            size = 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
            channels += bool(body[0] & _HAS_ALPHA)
        elif kind == b"VP8 " and size is None:
            width, height = struct.unpack_from("<2H", body, 6)
            size = width & 0x3FFF, height & 0x3FFF
        elif kind == b"VP8L" and size is None:
            bits = int.from_bytes(body[1:5], "little")
            size = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
            channels += bits >> 28 & 1
        frames += kind == b"ANMF"
    if size is None:
        raise PictureError("WebP header is missing; the file is damaged")
    return Header(*size, 8, channels, max(frames, 1))


def _describe(data: bytes) -> Description:
    chunks = {kind: body for kind, body in _chunks(data) if kind in (b"ICCP", b"EXIF", b"XMP ")}
    return Description(Metadata(chunks.get(b"ICCP"), chunks.get(b"EXIF"), chunks.get(b"XMP ")))


def _decode(data: bytes) -> Decoded:
    return Decoded(imagecodecs.webp_decode(data), *_describe(data))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position, chunks = 12, 0
    while position + 8 <= len(data):
        chunks += 1
        if chunks > _MAX_CHUNKS:
            raise PictureError(f"WebP of more than {_MAX_CHUNKS} chunks is not supported; save its first frame again")
        kind, length = struct.unpack_from("<4sI", data, position)
        yield kind, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> bytes:
    from PIL import WebPImagePlugin  # noqa: F401 (else saving loads every plugin that Pillow has)

    # exact keeps colours under full transparency, too.
    how = {"lossless": True, "exact": True} if quality == LOSSLESS else {"quality": quality, "method": 4}
    icc, exif, xmp = metadata
    return pillow.save(pillow.to_image(pixels), "WEBP", icc_profile=icc, exif=exif, xmp=xmp, **how)


CODEC = Codec(
    name="WEBP",
    extensions=(".webp",),
    rank=3,
    sniff=lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP",
    header=_header,
    describe=_describe,
    decode=_decode,
    encode=_encode,
    grey=False,
    max_side=16_383,
    quality=LOSSLESS,
)
