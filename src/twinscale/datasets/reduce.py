"""Making a training picture from a larger photograph."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from twinscale.images.resize import imresize


def reduce_photo(source: Path, target: Path, size: tuple[int, int], jpeg_quality: int) -> None:
    """Turn a photograph upright, convert it to sRGB, shrink it with antialiased bicubic, and save it as JPEG.

    Args:
        source: the photograph.
        target: the JPEG to write, without metadata and without chroma subsampling.
        size: its width and height.
        jpeg_quality: its quality.
    """
    width, height = size
    with Image.open(source) as photo:
        pixels = np.asarray(_to_srgb(ImageOps.exif_transpose(photo)))
    small = Image.fromarray(imresize(pixels, size=(height, width)))
    small.save(target, "JPEG", quality=jpeg_quality, subsampling="4:4:4")


def _to_srgb(image: Image.Image) -> Image.Image:
    embedded = image.info.get("icc_profile")
    if embedded:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        if "sRGB" not in ImageCms.getProfileDescription(profile):
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
            assert converted is not None  # None is for conversion in place
            return converted
    return image.convert("RGB")
