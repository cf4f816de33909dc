"""What the default pairs keep of a picture: grey, and flat colours."""

import numpy as np
import pytest
import skimage.data

from twinscale import load, restore, shrink
from twinscale.engine import Runtime
from twinscale.images.downscaling import downscale
from twinscale.images.metrics import psnr
from twinscale.images.picture import Picture

SCALES = [2, 3, 4]
GREY = {
    "camera": skimage.data.camera()[60:204, 180:324],
    "coins": skimage.data.coins()[24:168, 24:168],
    "page": skimage.data.page()[:144, 24:168],
    "brick": skimage.data.brick()[:144, :144],
}


@pytest.mark.parametrize("name", GREY)
@pytest.mark.parametrize("scale", SCALES)
def test_grey_comes_back_better_than_an_enlarged_thumbnail_and_looks_like_one(scale: int, name: str) -> None:
    original = Picture(np.ascontiguousarray(GREY[name][:, :, None]))
    small = shrink(original, scale, runtime=Runtime(1))
    thumbnail = downscale(original.pixels, scale, "bicubic")
    enlarged = load(f"fast-x{scale}", runtime=Runtime(1)).enlarge(Picture(thumbnail))
    assert psnr(original.pixels, restore(small).pixels) > psnr(original.pixels, enlarged.pixels) + 0.1
    assert psnr(thumbnail, small.pixels) > 28


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", SCALES)
def test_flat_colours_stay_themselves(scale: int, channels: int) -> None:
    for colour in [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 60, 10), (0, 120, 215)]:
        original = np.full((96, 96, channels), colour[:channels], np.uint8)
        restored = restore(shrink(Picture(original), scale, runtime=Runtime(1))).pixels
        assert np.abs(restored.astype(int) - original).max() <= 2
