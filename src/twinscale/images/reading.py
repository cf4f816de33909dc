"""From the bytes of a file to a `Picture`."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from twinscale.errors import PictureError
from twinscale.images import jp2, png, tiff
from twinscale.images.formats import FORMATS, format_of_bytes
from twinscale.images.metadata import clean_exif, clean_xmp, icc_fits, icc_space
from twinscale.images.picture import Picture

# Raises if a width and a height are too much; every decoder calls it before it decodes.
_CheckSize = Callable[[int, int], None]

# Plugins are called directly: Image.open would also apply Pillow's own limit on pixels, which is
# one global number that cannot be changed for one call without changing it for every thread.
_PLUGINS: dict[str, Callable[[BinaryIO, str], Image.Image]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.jpeg_factory,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}

# What becomes of Pillow's modes; CMYK and LAB need colour management and are handled apart.
_MODES = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "P": "RGB",
    "PA": "RGBA",
    "YCbCr": "RGB",
    "HSV": "RGB",
}


@dataclass(slots=True)
class _Decoded:
    """Pixels as stored, before orientation, and the metadata as found."""

    pixels: np.ndarray
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    orientation: int | None = None  # None: as EXIF or XMP say
    notes: list[str] = field(default_factory=list)


def read_picture(data: bytes, name: str, max_pixels: int) -> Picture:
    """Decodes a whole file; see `Picture.read`. ``name`` stands in front of every message."""
    name = " ".join(name.splitlines())
    if not data:
        raise PictureError(f"{name}: the file is empty; get a complete copy")
    format = format_of_bytes(data)
    if format is None:
        raise PictureError(
            f"{name}: not a picture of a known format ({', '.join(FORMATS)}); convert it to one of these"
        )

    def check_size(width: int, height: int) -> None:
        if not width or not height:
            raise PictureError(f"the picture is {width} x {height} pixels; both sides must be at least 1")
        if width * height > max_pixels:
            raise PictureError(
                f"{width} x {height} pixels are more than the limit of {max_pixels}; "
                "make the picture smaller or raise the limit"
            )

    try:
        return _finish(_DECODERS[format](data, check_size), format)
    except MemoryError:
        raise
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from error
    except Exception as error:  # codecs raise errors of every type on damaged files
        reason = "a part is missing" if isinstance(error, struct.error) else " ".join(str(error).split())
        raise PictureError(
            f"{name}: the {format} data cannot be decoded ({reason or type(error).__name__}); "
            "the file may be damaged or cut short, get a complete copy or save it again"
        ) from error


def _decode_png(data: bytes, check_size: _CheckSize) -> _Decoded:
    header = png.read_header(data)
    check_size(header.width, header.height)
    notes = [f"first of {header.frames} frames"] if header.frames > 1 else []
    if header.interlaced and header.depth == 8:
        # The same pixels, but without the warning that libpng prints for every such file.
        pixels, _ = _pixels_of(_open("PNG", data, check_size), None, notes)
    else:
        pixels = png.decode(data)
    return _Decoded(pixels, header.icc, header.exif, header.xmp, notes=notes)


def _decode_tiff(data: bytes, check_size: _CheckSize) -> _Decoded:
    header = tiff.read_header(data)
    check_size(header.width, header.height)
    notes = [f"first of {header.pages} pages"] if header.pages > 1 else []
    if header.is_plain:
        pixels, icc = tiff.decode_plain(data, header, notes), header.icc
        orientation = header.orientation
    elif max(header.bits) > 8:
        raise PictureError(
            f"{max(header.bits)}-bit TIFF of this colour model would lose depth; convert it to RGB of 16 bits"
        )
    else:
        pixels, icc = _pixels_of(_open("TIFF", data, check_size), header.icc, notes)
        orientation = 1  # applied by Pillow
    return _Decoded(pixels, icc, header.exif, header.xmp, orientation, notes)


def _decode_jpeg2000(data: bytes, check_size: _CheckSize) -> _Decoded:
    header = jp2.read_header(data)
    check_size(header.width, header.height)
    notes: list[str] = []
    if header.depth > 8:
        pixels, icc = jp2.decode_deep(data, header), header.icc
    else:
        pixels, icc = _pixels_of(_open("JPEG2000", data, check_size), header.icc, notes)
    return _Decoded(pixels, icc, header.exif, header.xmp, notes=notes)


def _decode_avif(data: bytes, check_size: _CheckSize) -> _Decoded:
    decoded = _decode_with_pillow("AVIF", data, check_size)
    depth = _avif_depth(data)
    if depth > 8:  # of which Pillow gives the upper 8
        decoded.pixels = jp2.widen(imagecodecs.avif_decode(data, index=0), depth)
    return decoded


def _avif_depth(data: bytes) -> int:
    """Bits per sample, from the flags of the AV1 configuration box."""
    box = data.find(b"av1C")
    flags = data[box + 6] if 0 <= box < len(data) - 6 else 0
    if not flags & 0x40:
        return 8
    return 12 if flags & 0x20 else 10


def _decode_with_pillow(format: str, data: bytes, check_size: _CheckSize) -> _Decoded:
    image = _open(format, data, check_size)
    frames = getattr(image, "n_frames", 1)
    notes = [f"first of {frames} frames"] if frames > 1 else []
    pixels, icc = _pixels_of(image, image.info.get("icc_profile"), notes)
    return _Decoded(pixels, icc, image.info.get("exif"), image.info.get("xmp"), notes=notes)


def _open(format: str, data: bytes, check_size: _CheckSize) -> Image.Image:
    image = _PLUGINS[format](io.BytesIO(data), "")
    check_size(image.width, image.height)
    return image


def _pixels_of(image: Image.Image, icc: bytes | None, notes: list[str]) -> tuple[np.ndarray, bytes | None]:
    """Decodes to grey or RGB, with alpha if there is any; and the profile that now applies."""
    image.load()
    if image.mode == "CMYK":
        return np.asarray(_cmyk_to_rgb(image, icc, notes)), None
    if image.mode == "LAB":
        notes.append("LAB converted to sRGB")
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return np.asarray(ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")), None
    if image.mode not in _MODES:
        raise PictureError(f"colour mode {image.mode} is not supported; convert it to grey or RGB")
    mode = _MODES[image.mode]
    if image.has_transparency_data:
        mode = "LA" if mode in ("L", "LA") else "RGBA"
    return np.asarray(image.convert(mode)), icc


def _cmyk_to_rgb(image: Image.Image, icc: bytes | None, notes: list[str]) -> Image.Image:
    if icc and icc_space(icc) == "CMYK":
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(icc)),
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile is as good as none
        else:
            assert converted is not None  # it is None only when converting in place
            notes.append("CMYK converted to sRGB through its ICC profile")
            return converted
    notes.append("CMYK converted to RGB without a profile")
    return image.convert("RGB")


_DECODERS: dict[str, Callable[[bytes, _CheckSize], _Decoded]] = {
    "PNG": _decode_png,
    "TIFF": _decode_tiff,
    "JPEG2000": _decode_jpeg2000,
    "AVIF": _decode_avif,
    **{name: partial(_decode_with_pillow, name) for name in ("JPEG", "WEBP", "BMP", "GIF")},
}


def _finish(decoded: _Decoded, format: str) -> Picture:
    """Splits off alpha, applies the orientation, and keeps of the metadata what still holds."""
    notes = decoded.notes
    pixels = _as_stored(decoded.pixels, notes)
    pixels = pixels.reshape(*pixels.shape[:2], -1)

    exif, exif_orientation = None, None
    if decoded.exif:
        try:
            exif, exif_orientation = clean_exif(decoded.exif)
        except (ValueError, KeyError, struct.error):
            notes.append("damaged EXIF left out")
    xmp, xmp_orientation = clean_xmp(decoded.xmp) if decoded.xmp else (None, None)
    orientation = decoded.orientation or exif_orientation or xmp_orientation or 1
    pixels = np.ascontiguousarray(_upright(pixels, orientation))

    alpha = None
    if pixels.shape[2] in (2, 4):
        pixels, alpha = np.ascontiguousarray(pixels[..., :-1]), np.ascontiguousarray(pixels[..., -1])

    icc = decoded.icc
    if icc and not icc_fits(icc, pixels.shape[2]):
        notes.append("ICC profile left out: it is not for these colour channels")
        icc = None
    return Picture(pixels, alpha, icc, exif, xmp, format, tuple(notes))


def _as_stored(pixels: np.ndarray, notes: list[str]) -> np.ndarray:
    """Samples of any type as ``uint8``, ``uint16`` or ``float32`` of 0 to 1."""
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    low, high = pixels.min(), pixels.max()
    if pixels.dtype.kind == "f":
        if not (low >= 0 and high <= 1):  # so written, this also catches what is not a number
            raise PictureError(f"floating-point values run from {low:g} to {high:g}; scale them to 0 to 1")
        return pixels.astype(np.float32)
    if low < 0 or high > 65535:
        raise PictureError(f"whole numbers run from {low} to {high}; scale them to 0 to 65535")
    notes.append(f"{8 * pixels.itemsize}-bit whole numbers taken as 16-bit")
    return pixels.astype(np.uint16)


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The picture as it is meant to be seen; ``orientation`` is EXIF's number, 1 to 8."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
