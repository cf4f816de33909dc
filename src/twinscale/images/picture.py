"""A picture in memory: its pixels, its transparency, and its metadata."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from twinscale.codecs.registry import codec_named, codec_of_bytes, codec_of_path
from twinscale.errors import OutOfMemoryError, PictureError, UsageError
from twinscale.images.files import read_source, refuse_taken, write_atomically
from twinscale.images.levels import to_pixels, to_planes

if TYPE_CHECKING:
    from twinscale.codecs.codec import Decoded
    from twinscale.codecs.encoding import Encoded

MAX_PIXELS = 268_000_000
"""How many pixels a file may claim unless the caller allows more: a tiny file can claim billions."""

_DEPTHS = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 16, np.dtype(np.float32): 32}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    r"""Pixels and metadata of one picture.

    Attributes:
        pixels: ``(H, W, C)``, C = 1 (grey) or 3 (RGB); ``uint8``, ``uint16``, or ``float32`` of
            0 to 1.
        alpha: opacity, ``(H, W)`` of the same type as the pixels, or ``None``.
        icc: ICC profile that describes the pixels.
        exif: EXIF block without the ``Exif\0\0`` prefix; its orientation is 1, because it is
            already applied to the pixels, and it has no thumbnail.
        xmp: XMP packet.
        format: name of the format it was read from, such as ``"PNG"``.
        notes: what was changed on reading, one line each, to be shown to the user.

    Raises:
        UsageError: shapes or types do not fit together.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    format: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if len(shape) != 3 or shape[2] not in (1, 3) or 0 in shape:
            raise UsageError(f"pixels of shape {shape} are not a picture; give (height, width, 1 or 3)")
        if self.pixels.dtype not in _DEPTHS:
            raise UsageError(f"pixels of type {self.pixels.dtype} are not supported; use uint8, uint16 or float32")
        if self.alpha is not None and (self.alpha.shape != shape[:2] or self.alpha.dtype != self.pixels.dtype):
            raise UsageError(
                f"alpha of shape {self.alpha.shape} and type {self.alpha.dtype} does not fit the pixels; "
                f"give {shape[:2]} and {self.pixels.dtype}"
            )

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.pixels.shape[1])

    @property
    def size(self) -> tuple[int, int]:
        """``(height, width)`` in pixels."""
        return self.height, self.width

    @property
    def channels(self) -> int:
        """Colour channels, without alpha: 1 or 3."""
        return int(self.pixels.shape[2])

    @property
    def depth(self) -> int:
        """Bits per sample: 8, 16, or 32 for floating point."""
        return _DEPTHS[self.pixels.dtype]

    @property
    def is_grey(self) -> bool:
        """Whether there is one colour channel."""
        return self.channels == 1

    def planes(self) -> np.ndarray:
        """Return the colour channels as ``float32`` ``(H, W, C)`` of 0 to 1; float pixels as they are, not a copy."""
        return to_planes(self.pixels)

    def with_planes(self, planes: np.ndarray, alpha: np.ndarray | None = None, **changes: Any) -> "Picture":
        """Return a picture of the same depth and metadata with other contents, of any size.

        Args:
            planes: ``(H, W, C)`` float of 0 to 1, C = 1 or 3; values beyond are clipped.
            alpha: ``(H, W)`` float of 0 to 1; without it the result has no alpha.
            changes: other fields to replace, such as ``xmp``.

        Raises:
            UsageError: the values are not finite, or the shapes are wrong.
        """
        stored = None if alpha is None else self._stored(alpha)
        return replace(self, pixels=self._stored(planes), alpha=stored, **changes)

    def _stored(self, values: np.ndarray) -> np.ndarray:
        """Convert float values of 0 to 1 to this picture's type."""
        if not np.isfinite(values).all():
            raise UsageError("picture values must be finite numbers of 0 to 1; some are NaN or infinity")
        return to_pixels(values, self.pixels.dtype)

    @classmethod
    def read(cls, source: str | os.PathLike[str] | bytes | BinaryIO, *, max_pixels: int = MAX_PIXELS) -> "Picture":
        """Read a picture from a path, from bytes, or from an open binary file.

        The format is recognised by the contents, never by the name. Orientation is applied. Of several
        frames or pages the first is taken; damaged metadata is left out; a JPEG that is cut short is read
        as far as it goes. ``notes`` say so.

        Args:
            source: where to read from.
            max_pixels: height times width above which the file is refused before it is decoded.

        Raises:
            PictureError: the file is missing, damaged, cut short, too large or of a kind that
                is not supported.
            OutOfMemoryError: there is not enough memory for it.
        """
        # Decoders and encoders are loaded only once a picture is read or written.
        from twinscale.codecs.decoding import decode

        name, data = read_source(source)
        try:
            codec = codec_of_bytes(data)
            return cls._finished(decode(codec, data, max_pixels), codec.name)
        except PictureError as error:
            raise PictureError(f"{' '.join(name.splitlines())}: {error}") from error
        except MemoryError as error:
            raise OutOfMemoryError(
                f"{' '.join(name.splitlines())}: too large for the available memory; use a smaller picture"
            ) from error

    @classmethod
    def _finished(cls, decoded: "Decoded", format: str) -> "Picture":
        """Split off alpha, apply the orientation, and keep the metadata that still holds."""
        from twinscale.codecs.metadata import clean

        pixels, alpha = decoded.pixels, None
        has_alpha = pixels.shape[2] in (2, 4)
        metadata, stated, notes = clean(decoded.metadata, pixels.shape[2] - has_alpha)
        pixels = _upright(pixels, decoded.orientation or stated or 1)
        if has_alpha:
            pixels, alpha = pixels[..., :-1], np.ascontiguousarray(pixels[..., -1])
        return cls(np.ascontiguousarray(pixels), alpha, *metadata, format, (*decoded.notes, *notes))

    def encode(self, format: str, *, quality: int | None = None) -> bytes:
        """Return the bytes of a file of this format, with ICC, EXIF and XMP where the format can keep them.

        Args:
            format: a format's name or one of its extensions, such as ``"PNG"``, ``"JPEG2000"`` or ``"jpg"``.
            quality: 1 to 100, for formats that can be lossy. Without it JPEG and AVIF are written with 95 and
                WebP, JPEG 2000 and JPEG XL losslessly.

        Raises:
            UsageError: the format or the quality is not one of these.
            PictureError: the format cannot hold this picture's depth, alpha, size or colours.
            OutOfMemoryError: there is not enough memory for it.
        """
        return self.encoded(format, quality=quality).data

    def encoded(self, format: str, *, quality: int | None = None) -> "Encoded":
        """Return what :meth:`encode` does, and notes on the metadata that was left out, one line each."""
        from twinscale.codecs.codec import Metadata
        from twinscale.codecs.encoding import encode

        metadata = Metadata(self.icc, self.exif, self.xmp)
        return encode(codec_named(format), self.pixels, self.alpha, metadata, quality)

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        quality: int | None = None,
        overwrite: bool = False,
    ) -> tuple[str, ...]:
        """Write a file that appears complete or not at all.

        Args:
            path: where to; its extension gives the format unless ``format`` does.
            format: see :meth:`encode`.
            quality: see :meth:`encode`.
            overwrite: whether a file that is already there may be replaced.

        Returns:
            Notes on the metadata that was left out, one line each.

        Raises:
            OutputExistsError: the file exists and ``overwrite`` is false.
            UsageError, PictureError: see :meth:`encode`; also if the folder cannot be written to.
        """
        refuse_taken(Path(path), overwrite=overwrite)  # known now, before the work of encoding
        try:
            encoded = self.encoded(format or codec_of_path(path).name, quality=quality)
        except PictureError as error:
            raise PictureError(f"{path}: {error}") from error
        write_atomically(path, encoded.data, overwrite=overwrite)
        return encoded.notes


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a picture as it is meant to be seen; ``orientation`` is EXIF's number, of which 1 to 8 mean something."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
