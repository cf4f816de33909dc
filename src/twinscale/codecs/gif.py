"""GIF, written only if its palette can hold every colour."""

import io
from typing import TYPE_CHECKING

import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.codec import Codec, Decoded, Header, Metadata, Options
from twinscale.errors import PictureError

if TYPE_CHECKING:
    from PIL import Image

_MAX_COLOURS = 256


def _open(data: bytes) -> "Image.Image":
    from PIL import GifImagePlugin

    return GifImagePlugin.GifImageFile(io.BytesIO(data), "")


def _header(data: bytes) -> Header:
    return pillow.header_of(_open(data))


def _decode(data: bytes) -> Decoded:
    return pillow.decode(_open(data))


def _encode(pixels: np.ndarray, metadata: Metadata, quality: int, options: Options) -> bytes:
    return pillow.save(pillow.to_image(pixels) if pixels.shape[2] == 1 else _with_palette(pixels), "GIF")


def _with_palette(pixels: np.ndarray) -> "Image.Image":
    """Return an image of few colours with exactly these as its palette."""
    codes = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, indices = np.unique(codes, return_inverse=True)
    if len(colours) > _MAX_COLOURS:
        raise PictureError(f"GIF holds {_MAX_COLOURS} colours and the picture has {len(colours)}; write PNG or WEBP")
    image = pillow.to_image(indices.reshape(*codes.shape, 1).astype(np.uint8))
    palette = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    image.putpalette(palette.astype(np.uint8).tobytes())
    return image


CODEC = Codec(
    name="GIF",
    extensions=(".gif",),
    rank=6,
    sniff=lambda data: data.startswith((b"GIF87a", b"GIF89a")),
    header=_header,
    decode=_decode,
    encode=_encode,
    alpha=False,
    max_side=65_535,
    max_colours=_MAX_COLOURS,
    keeps=(),
)
