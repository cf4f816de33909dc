"""From plain pixels to the bytes of a file of any format, or a refusal that names a format that could hold them."""

import math
from collections.abc import Callable
from typing import NamedTuple, get_args

import numpy as np

from twinscale.codecs.codec import LOSSLESS, NO_METADATA, NO_OPTIONS, Codec, Metadata, Options, Subsampling
from twinscale.codecs.metadata import clean
from twinscale.codecs.registry import writable_codecs
from twinscale.errors import OutOfMemoryError, PictureError, TwinscaleError, UsageError


class Encoded(NamedTuple):
    """The bytes of a file, and what was left out of it, one line each, to be shown to the user."""

    data: bytes
    notes: tuple[str, ...] = ()


def encode(
    codec: Codec,
    pixels: np.ndarray,
    alpha: np.ndarray | None = None,
    metadata: Metadata = NO_METADATA,
    quality: int | None = None,
    options: Options = NO_OPTIONS,
) -> Encoded:
    """Encode a whole file.

    Args:
        codec: the format, see :func:`twinscale.codecs.registry.codec_named`.
        pixels: ``(H, W, 1 or 3)`` of ``uint8``, ``uint16``, or ``float32`` of 0 to 1.
        alpha: opacity, ``(H, W)`` of the same type.
        metadata: what goes with them; what is damaged or what the format cannot keep is left out.
        quality: 1 to 100, or ``None`` for the format's own default.
        options: see :class:`twinscale.codecs.codec.Options`.

    Returns:
        The file, and notes on what was left out of it.

    Raises:
        UsageError: the quality or an option is out of range, or the format takes none.
        PictureError: the format is only read, or cannot hold this depth, transparency, size or colours.
        OutOfMemoryError: there is not enough memory for it.
    """
    height, width, channels = pixels.shape
    transparent = alpha is not None and bool((alpha != _opaque(alpha.dtype)).any())
    check(
        codec,
        size=(height, width),
        channels=channels,
        depth=8 * pixels.itemsize,
        transparent=transparent,
        quality=quality,
        options=options,
    )
    assert codec.encode is not None  # checked
    if quality is None:
        quality = codec.quality or LOSSLESS
    stored = _stored(codec, pixels, alpha)
    metadata, notes = _kept(codec, metadata, stored.shape[2] - (stored.shape[2] in (2, 4)))
    try:
        return Encoded(codec.encode(stored, metadata, quality, options), notes)
    except TwinscaleError:
        raise
    except MemoryError as error:
        raise OutOfMemoryError(
            f"there is not enough memory to write {width} x {height} pixels as {codec.name}; use a smaller picture"
        ) from error
    except Exception as error:  # codecs raise errors of every type
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"the picture cannot be written as {codec.name} ({reason}); write PNG or TIFF") from error


def check(
    codec: Codec,
    *,
    size: tuple[int, int],
    channels: int,
    depth: int,
    transparent: bool,
    quality: int | None,
    options: Options = NO_OPTIONS,
) -> None:
    """Raise what :func:`encode` would raise for a picture of this kind, before there is one.

    Not known beforehand: how many different colours a palette would need, and how long the XMP packet is.

    Args:
        codec: the format, see :func:`twinscale.codecs.registry.codec_named`.
        size: height and width in pixels.
        channels: colour channels, 1 or 3.
        depth: bits per sample: 8, 16, or 32 for floating point.
        transparent: whether some of its alpha is not fully opaque.
        quality: 1 to 100, or ``None`` for the format's own default.
        options: see :class:`twinscale.codecs.codec.Options`.

    Raises:
        UsageError: the quality or an option is out of range, or the format takes none.
        PictureError: the format is only read, or cannot hold this depth, transparency or size.
    """
    if codec.encode is None:
        raise PictureError(f"{codec.name} can be read but not written; write {_able(lambda _: True)}")
    if quality is not None:
        if codec.quality is None:
            raise UsageError(f"quality {quality} means nothing to {codec.name}, which is lossless; leave it out")
        if not 1 <= quality <= 100:
            raise UsageError(f"quality {quality} is out of range; give 1 to 100")
    _check_options(codec, options, quality)
    if depth not in codec.depths:
        kind = "floating-point" if depth == 32 else f"{depth}-bit"
        raise PictureError(
            f"{codec.name} cannot hold {kind} samples; write {_able(lambda other: depth in other.depths)}, "
            f"or convert them with --depth {max(set(codec.depths) & {8, 16})}"
        )
    height, width = size
    if limit := _limit(codec, size, channels, depth):
        others = _able(lambda other: depth in other.depths and not _limit(other, size, channels, depth))
        raise PictureError(f"{codec.name} cannot hold {width} x {height} pixels, only {limit}; write {others}")
    if transparent and not codec.alpha:
        raise PictureError(
            f"{codec.name} cannot hold transparency; write {_able(lambda other: other.alpha)}, "
            "or give it a background with --background white"
        )


def _check_options(codec: Codec, options: Options, quality: int | None) -> None:
    for name, value in options._asdict().items():
        if value != getattr(NO_OPTIONS, name) and name not in codec.options:
            raise UsageError(f"{name} {value} means nothing to {codec.name}; leave it out")
    if options.subsampling not in (None, *get_args(Subsampling)):
        known = ", ".join(get_args(Subsampling))
        raise UsageError(f"subsampling {options.subsampling!r} is not supported; choose one of {known}")
    if options.ratio is not None:
        if not 1 < options.ratio < math.inf:
            raise UsageError(f"ratio {options.ratio:g} is out of range; give more than 1")
        if quality is not None:
            raise UsageError(f"ratio {options.ratio:g} takes the place of quality {quality}; give only one of them")


def _limit(codec: Codec, size: tuple[int, int], channels: int, depth: int) -> str | None:
    """Return the limit of the format that a picture exceeds, or None."""
    pixels = size[0] * size[1]
    if max(size) > codec.max_side:
        return f"sides up to {codec.max_side}"
    if pixels > codec.max_pixels:
        return f"{codec.max_pixels} in all"
    if pixels * channels * depth // 8 > codec.max_bytes:
        return f"{codec.max_bytes} bytes"
    return None


def _kept(codec: Codec, metadata: Metadata, channels: int) -> tuple[Metadata, tuple[str, ...]]:
    """Return the metadata that the format can hold, and notes on the rest."""
    metadata, _, notes = clean(metadata, channels)
    for kind, name in (("icc", "ICC profile"), ("exif", "EXIF"), ("xmp", "XMP")):
        block = getattr(metadata, kind)
        if block and kind not in codec.keeps:
            reason = f"{codec.name} files are written without it"
        elif kind == "exif" and block and len(block) > codec.max_exif:
            reason = f"{codec.name} cannot hold more than {codec.max_exif} bytes"
        else:
            continue
        notes += (f"{name} left out: {reason}",)
        metadata = metadata._replace(**{kind: None})
    return metadata, notes


def _stored(codec: Codec, pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Return pixels, followed by alpha if the format can hold it, as the format stores them."""
    if pixels.shape[2] == 1 and not codec.grey:
        pixels = np.repeat(pixels, 3, axis=2)
    if alpha is not None and codec.alpha:
        return np.dstack([pixels, alpha])
    # An array with a side of 1 is contiguous whatever its strides, of which some encoders refuse the odd ones.
    return np.ascontiguousarray(pixels).reshape(-1).reshape(pixels.shape)


def _opaque(dtype: np.dtype) -> int:
    return 1 if dtype.kind == "f" else int(np.iinfo(dtype).max)


def _able(holds: Callable[[Codec], bool]) -> str:
    return " or ".join(codec.name for codec in writable_codecs() if holds(codec))
