"""What the formats that Pillow reads and writes have in common: colour modes in, options and palettes out."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from twinscale.codecs.codec import Decoded, Header, Metadata
from twinscale.codecs.metadata import icc_space
from twinscale.errors import PictureError

if TYPE_CHECKING:  # loaded only once a picture is read or written
    from PIL import Image, ImageCms

# What Pillow's modes are converted to; CMYK and LAB need colour management and are handled separately.
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

_BAND_PIXELS = 2**20

_Conversion = Callable[["Image.Image"], "Image.Image"]


def header_of(image: "Image.Image") -> Header:
    """Return the header of an opened image that is not loaded yet.

    The image must come from its plugin, not from ``Image.open``, which would also apply Pillow's own limit
    on pixels: one global number that cannot be changed for one call without changing it for every thread.
    """
    channels = 1 if image.mode in ("1", "L", "LA", "La") else 3
    channels += image.has_transparency_data
    return Header(image.width, image.height, 8, channels, getattr(image, "n_frames", 1))


def decode(image: "Image.Image") -> Decoded:
    """Decode the first frame of an opened image, with the metadata that Pillow found."""
    pixels, icc, notes = pixels_of(image, image.size, image.info.get("icc_profile"))
    return Decoded(pixels, Metadata(icc, image.info.get("exif"), image.info.get("xmp")), notes=notes)


def pixels_of(
    image: "Image.Image", size: tuple[int, int], icc: bytes | None
) -> tuple[np.ndarray, bytes | None, tuple[str, ...]]:
    """Return grey or RGB pixels, with alpha if there is any; the profile that now applies; and notes on changes.

    ``size`` is the width and height that the header gave, the product of which was checked against the limit.
    """
    if image.width * image.height != size[0] * size[1]:
        raise PictureError("the file states two different sizes for its picture, so it is damaged; get an intact copy")
    image.load()
    if image.mode == "CMYK":
        convert, note = _from_cmyk(icc)
        return _in_bands(image, convert, 3), None, (note,)
    if image.mode == "LAB":
        return _in_bands(image, _from_lab(), 3), None, ("LAB converted to sRGB",)
    if image.mode not in _MODES:
        raise PictureError(f"colour mode {image.mode} is not supported; convert it to grey or RGB")
    mode = _MODES[image.mode]
    if image.has_transparency_data:
        mode = "LA" if mode in ("L", "LA") else "RGBA"
    return _in_bands(image, lambda band: band.convert(mode), len(mode)), icc, ()


def _in_bands(image: "Image.Image", convert: _Conversion, channels: int) -> np.ndarray:
    """Convert, also to an array, a band of rows at a time: Pillow needs 12 bytes a pixel to do it at once."""
    width, height = image.size
    pixels = np.empty((height, width, channels), np.uint8)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = convert(image.crop((0, top, width, bottom)))
        pixels[top:bottom] = np.asarray(band).reshape(bottom - top, width, -1)
    return pixels


def _from_lab() -> _Conversion:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return _by(ImageCms.buildTransform(lab, srgb, "LAB", "RGB"))


def _from_cmyk(icc: bytes | None) -> tuple[_Conversion, str]:
    """Return a conversion to RGB, and a note on it."""
    from PIL import ImageCms

    if icc and icc_space(icc) == "CMYK":
        try:
            transform = ImageCms.buildTransform(
                ImageCms.ImageCmsProfile(io.BytesIO(icc)),
                ImageCms.createProfile("sRGB"),
                "CMYK",
                "RGB",
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile is treated as a missing one
        else:
            return _by(transform), "CMYK converted to sRGB through its ICC profile"
    return lambda band: band.convert("RGB"), "CMYK converted to RGB without a profile"


def _by(transform: "ImageCms.ImageCmsTransform") -> _Conversion:
    def convert(band: "Image.Image") -> "Image.Image":
        from PIL import ImageCms

        converted = ImageCms.applyTransform(band, transform)
        assert converted is not None  # it is None only when converting in place
        return converted

    return convert


def to_image(pixels: np.ndarray) -> "Image.Image":
    """Make an image of ``uint8`` pixels ``(H, W, 1 to 4)``."""
    from PIL import Image

    return Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0])


def save(image: "Image.Image", format: str, **options: Any) -> bytes:
    """Return a file of a format by Pillow's name for it; options that are ``None`` are left out."""
    file = io.BytesIO()
    image.save(file, format, **{key: value for key, value in options.items() if value is not None})
    return file.getvalue()


def colour_sampling(quality: int) -> str:
    """Return how finely JPEG and AVIF keep colour: at full resolution from a quality of 90 on."""
    return "4:4:4" if quality >= 90 else "4:2:0"
