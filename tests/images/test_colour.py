"""Luminance and chrominance, against MATLAB's known values, scikit-image and Pillow."""

import numpy as np
import pytest
import skimage.color
import skimage.data
from PIL import Image

from twinscale.images.colour import luminance, rgb_to_ycbcr, srgb_to_lab, ycbcr_to_rgb

# What MATLAB's rgb2ycbcr gives for uint8 colours.
MATLAB = {
    (0, 0, 0): (16, 128, 128),
    (255, 255, 255): (235, 128, 128),
    (128, 128, 128): (126, 128, 128),
    (255, 0, 0): (81, 90, 240),
    (0, 255, 0): (145, 54, 34),
    (0, 0, 255): (41, 240, 110),
    (255, 255, 0): (210, 16, 146),
    (0, 255, 255): (170, 166, 16),
    (255, 0, 255): (106, 202, 222),
}


def photograph() -> np.ndarray:
    return skimage.data.astronaut()[:128, 100:260]


@pytest.mark.parametrize("rgb", MATLAB)
def test_values_of_matlab(rgb: tuple[int, int, int]) -> None:
    colour = np.array(rgb) / 255
    np.testing.assert_array_equal(np.round(rgb_to_ycbcr(colour) * 255), MATLAB[rgb])
    np.testing.assert_array_equal(np.round(luminance(colour) * 255), MATLAB[rgb][:1])


def test_studio_range_matches_scikit_image() -> None:
    rgb = photograph() / 255
    np.testing.assert_allclose(rgb_to_ycbcr(rgb) * 255, skimage.color.rgb2ycbcr(rgb), rtol=0, atol=1e-10)


def test_luminance_is_the_formula_and_the_first_plane() -> None:
    rgb = photograph() / 255
    red, green, blue = np.moveaxis(rgb, 2, 0)
    expected = (16 + 65.481 * red + 128.553 * green + 24.966 * blue) / 255
    assert luminance(rgb).shape == (128, 160, 1)
    np.testing.assert_allclose(luminance(rgb)[:, :, 0], expected, rtol=0, atol=1e-15)
    np.testing.assert_allclose(rgb_to_ycbcr(rgb)[:, :, :1], luminance(rgb), rtol=0, atol=1e-15)


def test_full_range_matches_jpeg() -> None:
    rgb = photograph()
    expected = np.asarray(Image.fromarray(rgb).convert("YCbCr")).astype(float)
    result = rgb_to_ycbcr(rgb / 255, full_range=True) * 255
    assert np.abs(np.round(result) - expected).max() <= 1  # Pillow cuts the fraction off


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-8)])
def test_round_trip(dtype: type, tolerance: float, full_range: bool) -> None:
    rgb = np.random.default_rng(0).random((5, 7, 3)).astype(dtype)
    ycbcr = rgb_to_ycbcr(rgb, full_range=full_range)
    back = ycbcr_to_rgb(ycbcr, full_range=full_range)
    assert ycbcr.dtype == back.dtype == dtype
    np.testing.assert_allclose(back, rgb, rtol=0, atol=tolerance)


@pytest.mark.parametrize("full_range", [False, True])
def test_grey_has_no_colour(full_range: bool) -> None:
    grey = np.repeat(np.linspace(0, 1, 256)[:, None], 3, axis=1)
    ycbcr = rgb_to_ycbcr(grey, full_range=full_range)
    np.testing.assert_allclose(ycbcr[:, 1:], 128 / 255, rtol=0, atol=1e-8)
    ends = (0, 255) if full_range else (16, 235)
    np.testing.assert_allclose(ycbcr[[0, -1], 0] * 255, ends, rtol=0, atol=1e-6)


def test_neither_rounded_nor_clipped() -> None:
    bright = np.array([1.5, -0.2, 0.3])
    np.testing.assert_allclose(ycbcr_to_rgb(rgb_to_ycbcr(bright)), bright, rtol=0, atol=1e-12)


# scikit-image rounds the constants of the dark end to four digits.
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 5e-4), (np.float64, 2e-4)])
def test_lab_matches_scikit_image(dtype: type, tolerance: float) -> None:
    levels = np.arange(0, 256, 15)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1) / 255
    result = srgb_to_lab(cube.astype(dtype))
    assert result.dtype == dtype
    np.testing.assert_allclose(result, skimage.color.rgb2lab(cube), rtol=0, atol=tolerance)


def test_lab_of_white_grey_and_black() -> None:
    grey = np.array([0, 119, 255])[:, None].repeat(3, axis=1) / 255
    np.testing.assert_allclose(srgb_to_lab(grey), [(0, 0, 0), (50, 0, 0), (100, 0, 0)], rtol=0, atol=0.05)
