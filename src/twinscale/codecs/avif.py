"""AVIF: headers by Pillow, pixels by imagecodecs, which gives all bits of deep ones, EXIF by hand."""

import io
import math
import re
import struct
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.av1 import stated_size
from twinscale.codecs.boxes import brands, read_boxes
from twinscale.codecs.codec import Codec, Decoded, Description, Header, Metadata, Options
from twinscale.codecs.depth import fill_scale
from twinscale.codecs.items import read_items, take_exif
from twinscale.codecs.metadata import without_orientation
from twinscale.errors import PictureError

if TYPE_CHECKING:
    from PIL import Image

_ORIENTATION = 274
_STREAM_HEAD = 1024  # bytes in which a stream states its size
_MAX_PIXELS = 2**28  # libavif opens no larger ones, and does not say so


def _open(data: bytes) -> "Image.Image":
    """Open the file without decoding anything; ``data`` holds no EXIF, which would have to be sound."""
    from PIL import AvifImagePlugin

    return AvifImagePlugin.AvifImageFile(io.BytesIO(data), "")


def _header(data: bytes) -> Header:
    data, _ = take_exif(data)
    width, height = _stated_size(data)
    if width * height > _MAX_PIXELS:
        raise PictureError(
            f"{width} x {height} pixels exceed what AVIF files may hold, {_MAX_PIXELS}; make the picture smaller"
        )
    for item in read_items(data):  # libavif decodes them at their own size, and then changes it to the stated one
        stream = data[item.start : item.start + min(item.length, _STREAM_HEAD)]
        if item.kind == b"av01" and math.prod(stated_size(stream)) > width * height:
            raise PictureError("the file states two different sizes, so it is damaged; get an intact copy")
    return pillow.header_of(_open(data))._replace(depth=_depth(data))


def _stated_size(data: bytes) -> tuple[int, int]:
    """Return the largest width and height of the pictures in the file, from their boxes; 0 and 0 if there are none."""
    described = b"".join(box.body for box in read_boxes(data) if box.kind == b"meta")
    sides = [struct.unpack_from(">II", described, found.end() + 4) for found in re.finditer(b"ispe", described[:-12])]
    return max(sides, key=math.prod, default=(0, 0))


def _depth(data: bytes) -> int:
    """Return the bits per sample, from the flags of the AV1 configuration box."""
    box = data.find(b"av1C")
    flags = data[box + 6] if 0 <= box < len(data) - 6 else 0
    if not flags & 0x40:
        return 8
    return 12 if flags & 0x20 else 10


def _decode(data: bytes) -> Decoded:
    without_exif, _ = take_exif(data)
    pixels = imagecodecs.avif_decode(_still(without_exif))
    return Decoded(fill_scale(pixels, _depth(without_exif)), *_describe(data))


def _describe(data: bytes) -> Description:
    data, exif = take_exif(data)
    image = _open(data)
    # AVIF turns pictures by properties of its own, which Pillow tells as EXIF would; EXIF only repeats them.
    orientation = image.getexif().get(_ORIENTATION, 1)
    return Description(Metadata(image.info.get("icc_profile"), exif, image.info.get("xmp")), orientation)


def _still(data: bytes) -> bytes:
    """Hide the animation in a file, so that only the picture that stands for it is decoded."""
    still = bytearray(data)
    for kind, body, start in read_boxes(data):
        if kind == b"moov":
            still[start + 4 : start + 8] = b"free"
        elif kind == b"ftyp":
            still[start + 8 : start + 8 + len(body)] = body.replace(b"avis", b"avif")
    return bytes(still)


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> bytes:
    from PIL import AvifImagePlugin  # noqa: F401 (else saving loads every plugin that Pillow has)

    is_grey = pixels.shape[2] == 1
    sampling = None if is_grey else options.subsampling or pillow.colour_sampling(quality)
    icc, exif, xmp = metadata
    if exif:
        exif = without_orientation(exif)  # else Pillow writes all of it anew
    image = pillow.to_image(pixels)
    return pillow.save(image, "AVIF", quality=quality, subsampling=sampling, icc_profile=icc, exif=exif, xmp=xmp)


CODEC = Codec(
    name="AVIF",
    extensions=(".avif",),
    rank=8,
    sniff=lambda data: bool(brands(data) & {b"avif", b"avis"}),
    header=_header,
    describe=_describe,
    decode=_decode,
    encode=_encode,
    max_side=32_768,
    max_pixels=_MAX_PIXELS,
    quality=95,
    options=("subsampling",),
)
