"""JPEG-LS, grey or RGB: it has no alpha, and no place that readers agree on for ICC, EXIF or XMP."""

import struct

import imagecodecs
import numpy as np

from twinscale.codecs.codec import Codec, Decoded, Header, Metadata, Options
from twinscale.codecs.depth import fill_scale
from twinscale.codecs.segments import END, JPEG_LS_FRAME, is_jpeg_ls, read_segments
from twinscale.errors import PictureError


def _header(data: bytes) -> Header:
    frame = next(segment.body for segment in read_segments(data) if segment.marker == JPEG_LS_FRAME)
    depth, height, width, components = struct.unpack_from(">BHHB", frame)
    if components not in (1, 3):
        raise PictureError(f"JPEG-LS of {components} components is not supported; convert it to grey or RGB")
    return Header(width, height, depth, components)


def _decode(data: bytes) -> Decoded:
    header = _header(data)
    # Where a stream ends without the marker of the end, CharLS may go on for half a minute before it says so.
    pixels: np.ndarray = imagecodecs.jpegls_decode(data + END)
    if pixels.ndim == 3 and pixels.shape[2] != header.channels:  # stored one channel after the other
        pixels = np.moveaxis(pixels, 0, -1)
    return Decoded(fill_scale(pixels, header.depth))


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> bytes:
    # Noise takes more bytes than its pixels, for which imagecodecs alone does not leave room.
    room = 2 * pixels.nbytes + 1024
    return bytes(imagecodecs.jpegls_encode(pixels if pixels.shape[2] > 1 else pixels[..., 0], out=room))


CODEC = Codec(
    name="JPEGLS",
    extensions=(".jls",),
    rank=10,
    sniff=lambda data: data.startswith(b"\xff\xd8\xff") and is_jpeg_ls(data),
    header=_header,
    decode=_decode,
    encode=_encode,
    depths=(8, 16),
    alpha=False,
    max_side=65_535,
    keeps=(),
)
