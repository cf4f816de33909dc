"""From the bytes of a file of any format to plain pixels: size checked first, every failure one clear error."""

import contextlib
import struct
from collections.abc import Iterator

import numpy as np

from twinscale.codecs.codec import Codec, Decoded, Description, Header
from twinscale.errors import PictureError

_PIXEL_BYTES = 8  # those of RGB and alpha in 16 bits
_CHEAP = 2**28  # what any picture may take, however few pixels it may have


def decode(codec: Codec, data: bytes, max_pixels: int) -> Decoded:
    """Decode a whole file whose format is known.

    Args:
        codec: the format, see :func:`twinscale.codecs.registry.codec_of_bytes`.
        data: the whole file.
        max_pixels: width times height above which it is refused by its header, before it is decoded; so is one that
            takes more memory to decode than so many pixels of RGB and alpha in 16 bits.

    Returns:
        Pixels ``(H, W, 1 to 4)`` of ``uint8``, ``uint16``, or ``float32`` of 0 to 1, before orientation.

    Raises:
        PictureError: the file is damaged, cut short, too large or of a kind that is not supported.
    """
    with _one_clear_error(codec):
        header = codec.header(data)
        _check_cost(header, max_pixels)
        decoded = codec.decode(data)
        if decoded.pixels.shape[0] * decoded.pixels.shape[1] != header.width * header.height:
            raise PictureError("the file states two different sizes, so it is damaged; get an intact copy")
        pixels, type_notes = as_picture_type(decoded.pixels)
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        if pixels.shape[2] > 4:
            raise PictureError(f"{pixels.shape[2]} channels are not supported; convert it to grey or RGB")
    return decoded._replace(pixels=pixels, notes=(*_frames(codec, header), *decoded.notes, *type_notes))


def describe(codec: Codec, data: bytes) -> tuple[Header, Description]:
    """Return what a whole file whose format is known says of its picture, however large that is, without decoding it.

    Raises:
        PictureError: what the file says is damaged, or it is of a kind that is not supported.
    """
    with _one_clear_error(codec):
        header = codec.header(data)
        _check_shape(header)
        description = codec.describe(data)
    return header, description._replace(notes=(*_frames(codec, header), *description.notes))


@contextlib.contextmanager
def _one_clear_error(codec: Codec) -> Iterator[None]:
    try:
        yield
    except (MemoryError, PictureError):
        raise
    except Exception as error:  # codecs raise errors of every type on damaged files
        reason = "a part is missing" if isinstance(error, struct.error) else " ".join(str(error).split())
        raise PictureError(
            f"the {codec.name} data cannot be decoded ({reason or type(error).__name__}); "
            "the file may be damaged or cut short, get a complete copy or save it again"
        ) from error


def _frames(codec: Codec, header: Header) -> tuple[str, ...]:
    return (f"first of {header.frames} {codec.frames}",) if header.frames > 1 else ()


def _check_shape(header: Header) -> None:
    if not header.width or not header.height:
        raise PictureError(f"the picture is {header.width} x {header.height} pixels; both sides must be at least 1")
    if header.channels > 4:
        raise PictureError(f"{header.channels} channels are not supported; convert it to grey or RGB")


def _check_cost(header: Header, max_pixels: int) -> None:
    _check_shape(header)
    width, height = header.width, header.height
    enough = max(width * height, -(-header.cost // _PIXEL_BYTES) if header.cost > _CHEAP else 0)
    if enough > max_pixels:
        kind = "" if width * height > max_pixels else f", which take {header.cost} bytes to decode,"
        raise PictureError(
            f"{width} x {height} pixels{kind} exceed the limit of {max_pixels}; "
            f"make the picture smaller, or raise the limit with --max-pixels {enough} (in Python, max_pixels={enough})"
        )


def as_picture_type(pixels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Convert samples of any type to ``uint8``, ``uint16`` or ``float32`` of 0 to 1; also return notes on changes."""
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels, ()
    low, high = pixels.min(), pixels.max()
    if pixels.dtype.kind == "f":
        if not (low >= 0 and high <= 1):  # written this way, it also catches NaN
            raise PictureError(f"floating-point values run from {low:g} to {high:g}; scale them to 0 to 1")
        return pixels.astype(np.float32), ()
    if low < 0 or high > 65535:
        raise PictureError(f"whole numbers run from {low} to {high}; scale them to 0 to 65535")
    return pixels.astype(np.uint16), (f"{8 * pixels.itemsize}-bit whole numbers taken as 16-bit",)
