"""JPEG."""

import io
from typing import TYPE_CHECKING

import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.codec import Codec, Decoded, Header, Metadata
from twinscale.codecs.segments import is_jpeg_ls
from twinscale.errors import PictureError

if TYPE_CHECKING:
    from PIL import Image

# A segment holds 65533 bytes, including its label.
_MAX = {"EXIF": 65533 - 6, "XMP": 65533 - 29}


def _open(data: bytes) -> "Image.Image":
    from PIL import JpegImagePlugin

    return JpegImagePlugin.jpeg_factory(io.BytesIO(data), "")


def _header(data: bytes) -> Header:
    return pillow.header_of(_open(data))


def _decode(data: bytes) -> Decoded:
    return pillow.decode(_open(data))


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int) -> bytes:
    for kind, block in (("EXIF", metadata.exif), ("XMP", metadata.xmp)):
        if block and len(block) > _MAX[kind]:
            raise PictureError(f"JPEG holds at most {_MAX[kind]} bytes of {kind}, not {len(block)}; write PNG or TIFF")
    return pillow.save(
        pillow.to_image(pixels),
        "JPEG",
        quality=quality,
        subsampling=pillow.colour_sampling(quality),
        icc_profile=metadata.icc,
        exif=metadata.exif and b"Exif\0\0" + metadata.exif,
        xmp=metadata.xmp,
    )


CODEC = Codec(
    name="JPEG",
    extensions=(".jpg", ".jpeg", ".jfif"),
    rank=2,
    sniff=lambda data: data.startswith(b"\xff\xd8\xff") and not is_jpeg_ls(data),
    header=_header,
    decode=_decode,
    encode=_encode,
    alpha=False,
    max_side=65_500,
    quality=95,
)
