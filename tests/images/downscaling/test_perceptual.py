"""Perceptually based downscaling next to the authors' algorithm in a plain loop."""

import numpy as np
import pytest

from twinscale.images.downscaling import downscale


def reference(image: np.ndarray, scale: int) -> np.ndarray:
    """Algorithm 1 of the paper on one channel, patch by patch, in its own sums of squares."""
    height, width = image.shape[0] // scale, image.shape[1] // scale
    average, squares = np.zeros((height, width)), np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            block = image[y * scale : (y + 1) * scale, x * scale : (x + 1) * scale]
            average[y, x], squares[y, x] = block.mean(), (block**2).mean()
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for y in range(max(1, height - 1)):
        for x in range(max(1, width - 1)):
            patch = (slice(y, y + 2), slice(x, x + 2))
            mean = average[patch].mean()
            low = (average[patch] ** 2).mean() - mean**2
            high = squares[patch].mean() - mean**2
            ratio = 0 if low < 1e-6 else np.sqrt(high / low)
            total[patch] += mean + ratio * (average[patch] - mean)
            count[patch] += 1
    return total / count


@pytest.mark.parametrize("scale", [2, 3, 5])
@pytest.mark.parametrize("size", [(7, 5), (1, 6), (6, 1), (1, 1), (2, 2)])
def test_the_algorithm(scale: int, size: tuple[int, int]) -> None:
    image = np.random.default_rng(scale).random((size[0] * scale, size[1] * scale))
    np.testing.assert_allclose(downscale(image, scale, "perceptual"), reference(image, scale), rtol=0, atol=1e-9)


def test_channels_stand_for_themselves() -> None:
    image = np.random.default_rng(0).random((12, 15, 3))
    expected = np.dstack([downscale(image[:, :, channel], 3, "perceptual") for channel in range(3)])
    np.testing.assert_array_equal(downscale(image, 3, "perceptual"), expected)


def test_whole_levels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 18), dtype=np.uint8)
    expected = np.clip(reference(image / 255, 2) * 255, 0, 255)
    np.testing.assert_allclose(downscale(image, 2, "perceptual"), expected, rtol=0, atol=0.51)


def test_patches_have_the_contrast_of_the_full_size_picture() -> None:
    """A single patch keeps mean and variance, which an average loses."""
    image = np.random.default_rng(1).random((8, 8))
    small = downscale(image, 4, "perceptual")
    assert small.mean() == pytest.approx(image.mean())
    assert small.var() == pytest.approx(image.var())
    assert downscale(image, 4, "area").var() < image.var() / 4


def test_nearly_flat_patches_are_averaged() -> None:
    """Ratios of next to nothing would be noise: below the threshold a pixel becomes the mean of its patches."""
    image = 0.5 + 1e-4 * np.random.default_rng(2).random((12, 12))
    np.testing.assert_allclose(downscale(image, 3, "perceptual"), reference(image, 3), rtol=0, atol=1e-12)
    assert np.ptp(downscale(image, 3, "perceptual")) < np.ptp(downscale(image, 3, "area"))
