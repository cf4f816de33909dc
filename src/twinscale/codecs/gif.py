"""GIF, written only if its palette can hold every colour."""

import io
import struct
from typing import TYPE_CHECKING

import numpy as np

from twinscale.codecs import pillow
from twinscale.codecs.codec import Codec, Decoded, Header, Metadata, Options
from twinscale.errors import PictureError

if TYPE_CHECKING:
    from PIL import Image

_MAX_COLOURS = 256
_FRAME, _EXTENSION, _TRAILER = 0x2C, 0x21, b";"
_CONTROL = b"\x21\xf9\4"  # how the extension begins that says which colour is transparent
# Blocks hold 255 bytes each, as a rule.
_MAX_BLOCKS, _LEAST_BLOCK = 10_000, 64


def _open(data: bytes) -> "Image.Image":
    from PIL import GifImagePlugin

    return GifImagePlugin.GifImageFile(io.BytesIO(data), "")


def _header(data: bytes) -> Header:
    still, frames = _first_frame(data)
    return pillow.header_of(_open(still))._replace(frames=frames)


def _decode(data: bytes) -> Decoded:
    still, _ = _first_frame(data)
    return pillow.decode(_open(still))


def _first_frame(data: bytes) -> tuple[bytes, int]:
    """Return a file of only what the first frame needs, and how many frames there are.

    Pillow reads blocks slowly, and has a limit on pixels of its own for frames that do not fit the screen.

    Raises:
        PictureError: there are too many blocks for the length of the file.
        IndexError: it ends before its first frame.
    """
    blocks, most = 0, _MAX_BLOCKS + len(data) // _LEAST_BLOCK

    def count() -> None:
        nonlocal blocks
        blocks += 1
        if blocks > most:
            raise PictureError(f"GIF of {len(data)} bytes in more than {most} blocks is not supported; save it again")

    def after_blocks(position: int) -> int:
        """Return where the blocks that begin here end: each of up to 255 bytes after its length, the last of 0."""
        while position < len(data) and data[position]:
            position += 1 + data[position]
            count()
        return position + 1

    position = 13 + _palette_bytes(data[10])
    palette, control, first, frames = data[10:position], b"", b"", 0
    screen = struct.unpack_from("<2H", data, 6)
    while position < len(data) and data[position : position + 1] != _TRAILER:
        start, kind = position, data[position]
        count()
        if kind == _FRAME:
            position = after_blocks(position + 11 + _palette_bytes(data[position + 9]))
            frames += 1
        elif kind == _EXTENSION:
            position = after_blocks(position + 2)
        else:
            position += 1
        if kind == _FRAME and frames == 1:
            left, top, width, height = struct.unpack_from("<4H", data, start + 1)
            screen = max(screen[0], left + width), max(screen[1], top + height)
            first = data[start:position]
        elif not frames and data[start : start + 3] == _CONTROL:
            # Of its flags only that of transparency, not what becomes of the frame later.
            control = _CONTROL + bytes([data[start + 3] & 1]) + data[start + 4 : position]
    return b"".join([data[:6], struct.pack("<2H", *screen), palette, control, first, _TRAILER]), frames


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


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
