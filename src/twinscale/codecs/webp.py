"""WebP."""

import io
from typing import TYPE_CHECKING

import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.codec import LOSSLESS, Codec, Decoded, Header, Metadata

if TYPE_CHECKING:
    from PIL import Image


def _open(data: bytes) -> "Image.Image":
    from PIL import WebPImagePlugin

    return WebPImagePlugin.WebPImageFile(io.BytesIO(data), "")


def _header(data: bytes) -> Header:
    return pillow.header_of(_open(data))


def _decode(data: bytes) -> Decoded:
    return pillow.decode(_open(data))


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int) -> bytes:
    from PIL import WebPImagePlugin  # noqa: F401 (else saving loads every plugin that Pillow has)

    # exact keeps colours under full transparency, too.
    options = {"lossless": True, "exact": True} if quality == LOSSLESS else {"quality": quality, "method": 4}
    icc, exif, xmp = metadata
    return pillow.save(pillow.to_image(pixels), "WEBP", icc_profile=icc, exif=exif, xmp=xmp, **options)


CODEC = Codec(
    name="WEBP",
    extensions=(".webp",),
    rank=3,
    sniff=lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP",
    header=_header,
    decode=_decode,
    encode=_encode,
    grey=False,
    max_side=16_383,
    quality=LOSSLESS,
)
