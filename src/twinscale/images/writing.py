"""From a `Picture` to the bytes of a file."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from twinscale.errors import PictureError, TwinscaleError, UsageError
from twinscale.images import jp2, png, tiff
from twinscale.images.formats import FORMATS, Format, format_named
from twinscale.images.metadata import icc_fits
from twinscale.images.picture import Picture

# A JPEG segment holds 65533 bytes, its label included.
_JPEG_MAX = {"EXIF": 65533 - 6, "XMP": 65533 - 29}
# From this quality on, colour is kept at full resolution.
_FULL_COLOUR_QUALITY = 90


def encode_picture(picture: Picture, format: str, quality: int | None) -> bytes:
    """Encodes a whole file; see `Picture.encode`."""
    target = format_named(format)
    quality = _quality(target, quality)
    pixels = _fitting_pixels(picture, target)
    colours = pixels.shape[2] - (pixels.shape[2] in (2, 4))
    icc = picture.icc if picture.icc and icc_fits(picture.icc, colours) else None
    try:
        match target.name:
            case "PNG":
                return png.encode(pixels, icc=icc, exif=picture.exif, xmp=picture.xmp)
            case "TIFF":
                return tiff.encode(pixels, icc=icc, exif=picture.exif, xmp=picture.xmp)
            case "JPEG2000":
                return jp2.encode(pixels, quality=quality, icc=icc, exif=picture.exif, xmp=picture.xmp)
            case "GIF":
                return _save(_with_palette(pixels), "GIF")
            case "BMP":
                return _save(_image(pixels), "BMP")
            case _:
                metadata = {"icc_profile": icc, "exif": picture.exif, "xmp": picture.xmp}
                given = {key: value for key, value in metadata.items() if value}
                options = given | _options(target.name, quality, picture)
                return _save(_image(pixels), target.name, **options)
    except (TwinscaleError, MemoryError):
        raise
    except Exception as error:  # codecs raise errors of every type
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"the picture cannot be written as {target.name} ({reason}); write PNG or TIFF") from error


def _quality(target: Format, quality: int | None) -> int:
    if quality is None:
        return target.quality or 0
    if target.quality is None:
        raise UsageError(f"quality {quality} has no meaning for {target.name}, which is lossless; leave it out")
    if not 1 <= quality <= 100:
        raise UsageError(f"quality {quality} is out of range; give 1 to 100")
    return quality


def _fitting_pixels(picture: Picture, target: Format) -> np.ndarray:
    """Pixels with alpha behind them as the format stores them; refuses what it cannot hold."""
    if picture.depth not in target.depths:
        kind = "floating-point" if picture.depth == 32 else f"{picture.depth}-bit"
        able = _able(lambda other: picture.depth in other.depths)
        raise PictureError(f"{target.name} cannot hold {kind} samples; write {able}")
    if max(picture.size) > target.max_side:
        raise PictureError(
            f"{target.name} cannot hold {picture.width} x {picture.height} pixels, its sides end at "
            f"{target.max_side}; write PNG or TIFF"
        )
    pixels = picture.pixels if picture.channels == 3 or target.grey else np.repeat(picture.pixels, 3, axis=2)
    alpha = picture.alpha
    if alpha is None:
        return pixels
    if target.alpha:
        return np.dstack([pixels, alpha])
    if (alpha != np.iinfo(alpha.dtype).max).any():
        raise PictureError(f"{target.name} cannot hold transparency; write {_able(lambda other: other.alpha)}")
    return pixels


def _able(holds: Callable[[Format], bool]) -> str:
    return " or ".join(entry.name for entry in FORMATS.values() if holds(entry))


def _options(format: str, quality: int, picture: Picture) -> dict[str, Any]:
    """Pillow's options for a format at this quality, where 0 is lossless."""
    full_colour = quality >= _FULL_COLOUR_QUALITY
    if format == "WEBP":
        # exact: colours under full transparency are kept too.
        return {"lossless": True, "exact": True} if not quality else {"quality": quality, "method": 4}
    if format == "AVIF":
        if picture.is_grey and picture.alpha is None:
            return {"quality": quality}
        return {"quality": quality, "subsampling": "4:4:4" if full_colour else "4:2:0"}
    for kind, block in (("EXIF", picture.exif), ("XMP", picture.xmp)):
        if block and len(block) > _JPEG_MAX[kind]:
            raise PictureError(
                f"JPEG holds at most {_JPEG_MAX[kind]} bytes of {kind}, not {len(block)}; write PNG or TIFF"
            )
    options: dict[str, Any] = {"quality": quality, "subsampling": "4:4:4" if full_colour else "4:2:0"}
    if picture.exif:
        options["exif"] = b"Exif\0\0" + picture.exif
    return options


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels if pixels.shape[2] > 1 else pixels[..., 0]))


def _save(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _with_palette(pixels: np.ndarray) -> Image.Image:
    """An image of at most 256 colours with exactly these as its palette."""
    if pixels.shape[2] == 1:
        return _image(pixels)
    codes = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, indices = np.unique(codes, return_inverse=True)
    if len(colours) > 256:
        raise PictureError(f"GIF holds 256 colours and the picture has {len(colours)}; write PNG or WEBP")
    image = Image.fromarray(indices.reshape(codes.shape).astype(np.uint8))
    palette = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    image.putpalette(palette.astype(np.uint8).tobytes())
    return image
