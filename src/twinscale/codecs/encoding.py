"""From plain pixels to the bytes of a file of any format, or a refusal that names a format that could hold them."""

from collections.abc import Callable

import numpy as np

from twinscale.codecs.codec import LOSSLESS, NO_METADATA, Codec, Metadata
from twinscale.codecs.metadata import icc_fits
from twinscale.codecs.registry import writable_codecs
from twinscale.errors import PictureError, TwinscaleError, UsageError


def encode(
    codec: Codec,
    pixels: np.ndarray,
    alpha: np.ndarray | None = None,
    metadata: Metadata = NO_METADATA,
    quality: int | None = None,
) -> bytes:
    """Encode a whole file.

    Args:
        codec: the format, see :func:`twinscale.codecs.registry.codec_named`.
        pixels: ``(H, W, 1 or 3)`` of ``uint8``, ``uint16``, or ``float32`` of 0 to 1.
        alpha: opacity, ``(H, W)`` of the same type.
        metadata: what goes with them; what the format cannot keep, and a profile for other channels, is left out.
        quality: 1 to 100, or ``None`` for the format's own default.

    Raises:
        UsageError: the quality is out of range, or the format takes none.
        PictureError: the format is only read, or cannot hold this depth, transparency, size or colours.
    """
    if codec.encode is None:
        raise PictureError(f"{codec.name} can be read but not written; write {_able(lambda _: True)}")
    quality = _quality(codec, quality)
    stored = _stored(codec, pixels, alpha)
    colours = stored.shape[2] - (stored.shape[2] in (2, 4))
    if metadata.icc and not icc_fits(metadata.icc, colours):
        metadata = metadata._replace(icc=None)
    kept = Metadata(**{kind: value for kind, value in metadata._asdict().items() if value and kind in codec.keeps})
    try:
        return codec.encode(stored, kept, quality)
    except (TwinscaleError, MemoryError):
        raise
    except Exception as error:  # codecs raise errors of every type
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"the picture cannot be written as {codec.name} ({reason}); write PNG or TIFF") from error


def _quality(codec: Codec, quality: int | None) -> int:
    if quality is None:
        return codec.quality or LOSSLESS
    if codec.quality is None:
        raise UsageError(f"quality {quality} means nothing to {codec.name}, which is lossless; leave it out")
    if not 1 <= quality <= 100:
        raise UsageError(f"quality {quality} is out of range; give 1 to 100")
    return quality


def _stored(codec: Codec, pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Return pixels, followed by alpha, as the format stores them; refuse what it cannot hold."""
    height, width, channels = pixels.shape
    depth = 8 * pixels.itemsize
    if depth not in codec.depths:
        kind = "floating-point" if depth == 32 else f"{depth}-bit"
        raise PictureError(
            f"{codec.name} cannot hold {kind} samples; write {_able(lambda other: depth in other.depths)}"
        )
    if max(width, height) > codec.max_side:
        raise PictureError(
            f"{codec.name} cannot hold {width} x {height} pixels, only sides up to {codec.max_side}; write PNG or TIFF"
        )
    if channels == 1 and not codec.grey:
        pixels = np.repeat(pixels, 3, axis=2)
    if alpha is not None:
        if codec.alpha:
            return np.dstack([pixels, alpha])
        if (alpha != np.iinfo(alpha.dtype).max).any():
            raise PictureError(f"{codec.name} cannot hold transparency; write {_able(lambda other: other.alpha)}")
    return np.ascontiguousarray(pixels)


def _able(holds: Callable[[Codec], bool]) -> str:
    return " or ".join(codec.name for codec in writable_codecs() if holds(codec))
