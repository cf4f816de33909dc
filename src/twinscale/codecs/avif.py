"""AVIF: Pillow reads and writes it, but gives the upper 8 bits of deeper pictures; libavif gives all of them."""

import io
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.boxes import brands
from twinscale.codecs.codec import Codec, Decoded, Header, Metadata
from twinscale.codecs.depth import fill_scale

if TYPE_CHECKING:
    from PIL import Image


def _open(data: bytes) -> "Image.Image":
    from PIL import AvifImagePlugin

    return AvifImagePlugin.AvifImageFile(io.BytesIO(data), "")


def _header(data: bytes) -> Header:
    return pillow.header_of(_open(data))._replace(depth=_depth(data))


def _depth(data: bytes) -> int:
    """Return the bits per sample, from the flags of the AV1 configuration box."""
    box = data.find(b"av1C")
    flags = data[box + 6] if 0 <= box < len(data) - 6 else 0
    if not flags & 0x40:
        return 8
    return 12 if flags & 0x20 else 10


def _decode(data: bytes) -> Decoded:
    decoded = pillow.decode(_open(data))
    depth = _depth(data)
    if depth > 8:
        decoded = decoded._replace(pixels=fill_scale(imagecodecs.avif_decode(data, index=0), depth))
    return decoded


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int) -> bytes:
    from PIL import AvifImagePlugin  # noqa: F401 (else saving loads every plugin that Pillow has)

    sampling = pillow.colour_sampling(quality) if pixels.shape[2] > 1 else None
    icc, exif, xmp = metadata
    image = pillow.to_image(pixels)
    return pillow.save(image, "AVIF", quality=quality, subsampling=sampling, icc_profile=icc, exif=exif, xmp=xmp)


CODEC = Codec(
    name="AVIF",
    extensions=(".avif",),
    rank=8,
    sniff=lambda data: bool(brands(data) & {b"avif", b"avis"}),
    header=_header,
    decode=_decode,
    encode=_encode,
    max_side=65_536,
    quality=95,
)
