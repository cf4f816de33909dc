"""Distances of pictures: against scikit-image on whole pictures, and by hand where those have no say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.awkward import pattern
from twinscale.errors import UsageError
from twinscale.images.colour import luminance
from twinscale.images.picture import Picture
from twinscale.rescale.distortion import psnr, ssim


def noisy(picture: Picture, spread: int = 9) -> Picture:
    noise = np.random.default_rng(0).integers(-spread, spread + 1, picture.pixels.shape)
    return replace(picture, pixels=np.clip(picture.pixels.astype(int) + noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("height", [11, 256, 266, 267, 600])
def test_bands_make_no_difference(height: int) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    original = Picture(pattern(height, 31, 3))
    other = noisy(original)
    assert psnr(original, other) == pytest.approx(
        metrics.peak_signal_noise_ratio(original.pixels, other.pixels), abs=1e-5
    )
    one, two = (luminance(made.pixels / 255.0)[:, :, 0] for made in (original, other))
    _, similar = metrics.structural_similarity(
        one, two, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert ssim(original, other) == pytest.approx(similar[5:-5, 5:-5].mean(), abs=1e-6)


def test_equal_pictures() -> None:
    original = Picture(pattern(20, 30, 3))
    assert psnr(original, original) == math.inf
    assert ssim(original, original) == pytest.approx(1)


def test_colours_that_nobody_sees_do_not_count_and_opacity_does() -> None:
    pixels = pattern(20, 30, 3)
    alpha = np.zeros((20, 30), np.uint8)
    alpha[:, 15:] = 255
    original = Picture(pixels, alpha)
    hidden = pixels.copy()
    hidden[:, :15] = 7
    assert psnr(original, Picture(hidden, alpha)) == math.inf
    more = np.full_like(alpha, 255)
    black = pixels.copy()
    black[:, :15] = 0  # looks the same on black, yet is opaque
    assert psnr(original, Picture(black, more)) == pytest.approx(10 * math.log10(4 / 0.5))


def test_opaque_alpha_is_no_channel() -> None:
    original = Picture(pattern(20, 30, 3))
    other = noisy(original)
    opaque = replace(original, alpha=np.full((20, 30), 255, np.uint8))
    assert psnr(opaque, other) == psnr(original, other)


def test_grey_in_a_format_without_grey() -> None:
    grey = Picture(pattern(20, 30, 1))
    other = noisy(grey)
    rgb = Picture(np.repeat(other.pixels, 3, axis=2))
    assert psnr(grey, rgb) == pytest.approx(psnr(grey, other))
    assert ssim(grey, rgb) == pytest.approx(ssim(grey, other))


def test_too_small_for_similarity() -> None:
    tiny = Picture(pattern(10, 30, 3))
    with pytest.raises(UsageError, match="at least 11 pixels"):
        ssim(tiny, tiny)
