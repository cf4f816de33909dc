"""A picture in memory: its pixels, its transparency, and its metadata."""

import os
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Union, cast

import numpy as np
from numpy.typing import NDArray

from twinscale.codecs.registry import codec_named, codec_of_bytes, codec_of_path
from twinscale.errors import OutOfMemoryError, PictureError, UsageError
from twinscale.images.files import read_source, refuse_taken, write_atomically
from twinscale.images.levels import to_pixels, to_planes

if TYPE_CHECKING:
    from PIL.Image import Image

    from twinscale.codecs.codec import Decoded
    from twinscale.codecs.encoding import Encoded
    from twinscale.codecs.quantisation import Quantisation

Colour = str | tuple[int, int, int]
"""``"white"``, ``"#rrggbb"`` and whatever else CSS calls colours, or red, green and blue of 0 to 255."""

PictureLike = Union["Picture", str, os.PathLike[str], bytes, BinaryIO, "Image", NDArray[Any]]
"""What the library takes for a picture: a :class:`Picture`, a path, the bytes of a file, an open binary file, an image
of Pillow's, or an array as :meth:`Picture.from_array` describes it."""

MAX_PIXELS = 268_000_000
"""How many pixels a file may claim unless the caller allows more: a tiny file can claim billions."""

_DEPTHS = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 16, np.dtype(np.float32): 32}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Picture:
    r"""Pixels and metadata of one picture.

    Made by :meth:`read`, :meth:`from_array` or :meth:`from_pil`. Nothing changes one: methods return another.

    Attributes:
        pixels: ``(H, W, C)``, C = 1 (grey) or 3 (RGB); ``uint8``, ``uint16``, or ``float32`` of
            0 to 1.
        alpha: opacity, ``(H, W)`` of the same type as the pixels, or ``None``.
        icc: ICC profile that describes the pixels.
        exif: EXIF block without the ``Exif\0\0`` prefix; its orientation is 1, because it is
            already applied to the pixels, and it has no thumbnail.
        xmp: XMP packet.
        format: name of the format it was read from, such as ``"PNG"``.
        notes: what was changed on reading, or must be known of a result, one line each, to be shown to the user.
        quantisation: how the JPEG was quantised whose pixels these are, or ``None`` if they are not a JPEG's, or not
            any more.

    Raises:
        UsageError: shapes or types do not fit together, or floats are not within 0 to 1.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    format: str | None = None
    notes: tuple[str, ...] = ()
    quantisation: "Quantisation | None" = None

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
        _refuse_out_of_range(self.pixels, "pixel values")
        if self.alpha is not None:
            _refuse_out_of_range(self.alpha, "alpha values")

    def __repr__(self) -> str:
        colour = f"{'grey' if self.is_grey else 'RGB'}{'' if self.alpha is None else '+alpha'}"
        kind = " ".join(filter(None, (f"{self.width}x{self.height}", colour, f"{self.depth}-bit", self.format)))
        carried = {"ICC": self.icc, "EXIF": self.exif, "XMP": self.xmp}
        return f"<Picture {', '.join([kind, *(name for name, value in carried.items() if value)])}>"

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.pixels.shape[1])

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
        return replace(self, pixels=self._stored(planes), alpha=stored, quantisation=None, **changes)

    def with_depth(self, depth: Literal[8, 16]) -> "Picture":
        """Return the picture in 8 or 16 bits per sample; fewer bits are rounded, more bits lose nothing.

        Raises:
            UsageError: the depth is neither.
        """
        types = {8: np.uint8, 16: np.uint16}
        if depth not in types:
            raise UsageError(f"depth {depth} is not supported; choose 8 or 16 bits per sample")
        if depth == self.depth:
            return self
        alpha = None if self.alpha is None else to_pixels(to_planes(self.alpha), types[depth])
        return replace(self, pixels=to_pixels(self.planes(), types[depth]), alpha=alpha)

    def on_background(self, colour: Colour) -> "Picture":
        """Return the picture without alpha, laid on a colour; an opaque picture merely loses its alpha.

        Blending is in the stored values, not in linear light, as browsers and most programs do it. A grey picture on a
        colour that is not grey becomes RGB, which its grey ICC profile cannot describe.

        Args:
            colour: ``"white"``, ``"#rrggbb"``, or red, green and blue of 0 to 255; in the picture's own colour space.

        Raises:
            UsageError: the colour is not one of these.
        """
        behind = np.array(_rgb(colour), np.float32) / np.float32(255)
        if self.alpha is None:
            return self
        planes, icc = self.planes(), self.icc
        if self.is_grey and (behind == behind[0]).all():
            behind = behind[:1]
        elif self.is_grey:
            planes, icc = np.repeat(planes, 3, axis=2), None
        opacity = to_planes(self.alpha)[:, :, None]
        return self.with_planes(planes * opacity + behind * (1 - opacity), icc=icc)

    def without_metadata(self) -> "Picture":
        """Return the picture without EXIF and XMP, which may tell who took it, where and when.

        The ICC profile stays, since without it the colours would be others. With the XMP packet goes the tag of a
        shrunk picture, so strip a picture before it is shrunk.
        """
        return replace(self, exif=None, xmp=None)

    def _stored(self, values: np.ndarray) -> np.ndarray:
        """Convert float values of 0 to 1 to this picture's type."""
        if not np.isfinite(values).all():
            raise UsageError("picture values must be finite numbers of 0 to 1; some are NaN or infinity")
        return to_pixels(values, self.pixels.dtype)

    @classmethod
    def of(cls, source: PictureLike) -> "Picture":
        """Return a picture as it is, or make one of anything else that :data:`PictureLike` names.

        Raises:
            UsageError: an array does not hold a picture, or this is none of these.
            PictureError: see :meth:`read` and :meth:`from_pil`.
        """
        if isinstance(source, Picture):
            return source
        if isinstance(source, np.ndarray):
            return cls.from_array(source)
        if isinstance(source, (str, os.PathLike, bytes)):
            return cls.read(source)
        pillow = sys.modules.get("PIL.Image")  # importing it takes time, and without it there are no images of its kind
        if pillow is not None and isinstance(source, pillow.Image):
            return cls.from_pil(source)
        if hasattr(source, "read"):
            return cls.read(cast(BinaryIO, source))
        raise UsageError(
            f"{type(source).__name__} is not a picture: give a path, bytes, an open binary file, a PIL image, a NumPy "
            "array or a Picture"
        )

    @classmethod
    def from_array(
        cls, array: NDArray[Any], *, icc: bytes | None = None, exif: bytes | None = None, xmp: bytes | None = None
    ) -> "Picture":
        """Make a picture of an array, whose memory it shares where nothing is converted.

        Args:
            array: ``(H, W)`` or ``(H, W, C)``: C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (not
                premultiplied). ``uint8``, ``uint16``, or floating point of 0 to 1, which is kept as ``float32``.
            icc: see :class:`Picture`.
            exif: see :class:`Picture`.
            xmp: see :class:`Picture`.

        Raises:
            UsageError: another shape or type, or floats beyond 0 to 1, NaN or infinity.
        """
        shape = array.shape
        if len(shape) not in (2, 3) or 0 in shape or (len(shape) == 3 and shape[2] > 4):
            raise UsageError(
                f"an array of shape {shape} is not a picture; give (height, width) or (height, width, 1 to 4)"
            )
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):  # infinity is refused like every value above 1
                array = array.astype(np.float32, copy=False)
        elif array.dtype.kind == "u" and array.dtype.itemsize <= 2:
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
        else:
            raise UsageError(
                f"an array of type {array.dtype} is not a picture; give uint8, uint16, or floating point of 0 to 1"
            )
        return cls(*_split(array.reshape(*shape[:2], -1)), icc, exif, xmp)

    def to_array(self) -> NDArray[Any]:
        """Return a new array ``(H, W, C)`` of the picture's type: C = 1 to 4, alpha last."""
        return self.pixels.copy() if self.alpha is None else np.dstack((self.pixels, self.alpha))

    @classmethod
    def from_pil(cls, image: "Image") -> "Picture":
        """Make a picture of an image of Pillow's, in any of its modes, with the ICC, EXIF and XMP that it carries.

        All is done as when a file is read: palettes become RGB, CMYK becomes sRGB, and the orientation that EXIF
        states is applied. ``I;16`` and ``I`` become 16 bits, ``F`` is floating point of 0 to 1. The quantisation of
        a JPEG is known until Pillow decodes it: from then on, its pixels may have been changed.

        Raises:
            PictureError: the image's file is damaged, or its mode or its values are not supported.
        """
        from twinscale.codecs.codec import Decoded, Metadata
        from twinscale.codecs.decoding import as_picture_type
        from twinscale.codecs.pillow import pixels_of

        quantisation = _untouched_quantisation(image)
        icc: bytes | None = image.info.get("icc_profile")
        notes: tuple[str, ...]
        try:
            if image.mode == "F" or image.mode.startswith("I"):
                values = np.asarray(image)[:, :, None]
                pixels, notes = as_picture_type(values.astype(values.dtype.newbyteorder("="), copy=False))
            else:
                pixels, icc, notes = pixels_of(image, image.size, icc)
                pixels = pixels.reshape(image.height, image.width, -1)
        except (OSError, SyntaxError, ValueError, struct.error) as error:  # Pillow decodes a file only now
            raise PictureError(f"the image cannot be decoded ({error}); get a complete copy of its file") from error
        metadata = Metadata(icc, image.info.get("exif"), image.info.get("xmp"))
        return cls._finished(Decoded(pixels, metadata, notes=notes, quantisation=quantisation), None)

    def to_pil(self) -> "Image":
        """Return an image of Pillow's: ``L``, ``LA``, ``RGB`` or ``RGBA``; ``I;16`` or ``F`` for grey in 16 or 32 bits.

        ICC, EXIF and XMP are in its ``info``, as Pillow reads them from files.

        Raises:
            UsageError: Pillow has no mode for more than 8 bits in several channels.
        """
        from PIL import Image

        pixels = self.to_array()
        if self.depth != 8 and pixels.shape[2] > 1:
            raise UsageError(
                f"Pillow cannot hold {self.depth} bits in {pixels.shape[2]} channels: use with_depth(8), or to_array"
            )
        image = Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[:, :, 0])
        exif = None if self.exif is None else b"Exif\0\0" + self.exif
        metadata = {"icc_profile": self.icc, "exif": exif, "xmp": self.xmp}
        image.info.update({key: value for key, value in metadata.items() if value is not None})
        return image

    @classmethod
    def read(cls, source: str | os.PathLike[str] | bytes | BinaryIO, *, max_pixels: int = MAX_PIXELS) -> "Picture":
        """Read a picture from a path, from bytes, or from an open binary file.

        The format is recognised by the contents, never by the name. Orientation is applied. Of several
        frames or pages the first is taken; damaged metadata is left out; a JPEG that is cut short is read
        as far as it goes. ``notes`` say so.

        Args:
            source: where to read from.
            max_pixels: height times width above which the file is refused before it is decoded; also if decoding it
                takes more than 8 bytes for each of so many pixels, as floating point, JPEG 2000, and channels that are
                left out may do.

        Raises:
            PictureError: the file is missing, damaged, cut short, too large or of a kind that
                is not supported.
            OutOfMemoryError: there is not enough memory for it.
        """
        # Decoders and encoders are loaded only once a picture is read or written.
        from twinscale.codecs.decoding import decode

        name, data = read_source(source)
        if not isinstance(data, bytes):
            raise PictureError(f"{name}: gives {type(data).__name__}, not bytes; open it in binary mode, 'rb'")
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
    def _finished(cls, decoded: "Decoded", format: str | None) -> "Picture":
        """Split off alpha, apply the orientation, and keep the metadata that still holds."""
        from twinscale.codecs.metadata import clean

        has_alpha = decoded.pixels.shape[2] in (2, 4)
        metadata, stated, notes = clean(decoded.metadata, decoded.pixels.shape[2] - has_alpha)
        pixels, alpha = _split(_upright(decoded.pixels, decoded.orientation or stated or 1))
        return cls(pixels, alpha, *metadata, format, (*decoded.notes, *notes), decoded.quantisation)

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


def _untouched_quantisation(image: "Image") -> "Quantisation | None":
    """Return the quantisation of a JPEG that Pillow has opened and nobody has decoded or asked to decode otherwise."""
    from PIL.JpegImagePlugin import JpegImageFile

    from twinscale.codecs.quantisation import Quantisation

    if not isinstance(image, JpegImageFile) or not image.tile or image.decoderconfig or image.tell():
        return None
    return Quantisation.of_file(image)


def _split(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Split ``(H, W, 1 to 4)`` into colour channels and alpha, if there is one."""
    if pixels.shape[2] in (1, 3):
        return np.ascontiguousarray(pixels), None
    return np.ascontiguousarray(pixels[..., :-1]), np.ascontiguousarray(pixels[..., -1])


def _refuse_out_of_range(values: np.ndarray, what: str) -> None:
    """Raise if floating-point values are not all within 0 to 1."""
    if values.dtype.kind != "f":
        return
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 1):  # written this way, it also catches NaN
        raise UsageError(f"floating-point {what} run from {low:g} to {high:g}; scale them to 0 to 1")


def _rgb(colour: Colour) -> tuple[int, ...]:
    if not isinstance(colour, str):
        if len(colour) == 3 and all(isinstance(value, int) and 0 <= value <= 255 for value in colour):
            return colour
    else:
        from PIL import ImageColor

        try:
            if len(rgb := ImageColor.getrgb(colour)) == 3:
                return rgb
        except ValueError:
            pass
    raise UsageError(f"{colour!r} is not a colour; give a name such as white, #rrggbb, or three numbers of 0 to 255")


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a picture as it is meant to be seen; ``orientation`` is EXIF's number, of which 1 to 8 mean something."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
