"""Windows bitmaps."""

import io
from typing import TYPE_CHECKING

import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.codec import Codec, Decoded, Header, Metadata, Options

if TYPE_CHECKING:
    from PIL import Image


def _open(data: bytes) -> "Image.Image":
    from PIL import BmpImagePlugin

    return BmpImagePlugin.BmpImageFile(io.BytesIO(data), "")


def _header(data: bytes) -> Header:
    return pillow.header_of(_open(data))


def _decode(data: bytes) -> Decoded:
    return pillow.decode(_open(data))


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> bytes:
    return pillow.save(pillow.to_image(pixels), "BMP")


CODEC = Codec(
    name="BMP",
    extensions=(".bmp",),
    rank=5,
    sniff=lambda data: data.startswith(b"BM"),
    header=_header,
    decode=_decode,
    encode=_encode,
    alpha=False,
    max_bytes=2**32 - 2**10,
    keeps=(),
)
