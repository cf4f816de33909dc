"""DPID next to its formulas in a plain loop."""

import numpy as np
import pytest

from twinscale.images.downscaling import downscale


def reference(image: np.ndarray, scale: int, power: float = 1.0) -> np.ndarray:
    """``O(p) = sum I(q) (|I(q) - G(p)| / V)^power / sum (|I(q) - G(p)| / V)^power``, pixel by pixel."""
    height, width = image.shape[0] // scale, image.shape[1] // scale
    blocks = {
        (y, x): image[y * scale : (y + 1) * scale, x * scale : (x + 1) * scale].reshape(-1, image.shape[2])
        for y in range(height)
        for x in range(width)
    }
    largest = max(np.linalg.norm(one - two) for one in image.reshape(-1, image.shape[2]) for two in [image.min((0, 1))])
    out = np.zeros((height, width, image.shape[2]))
    for (y, x), pixels in blocks.items():
        guidance = np.zeros(image.shape[2])
        for i, row in enumerate((1, 2, 1)):
            for j, column in enumerate((1, 2, 1)):
                near = min(max(y + i - 1, 0), height - 1), min(max(x + j - 1, 0), width - 1)
                guidance += row * column / 16 * blocks[near].mean(axis=0)
        weights = [(np.linalg.norm(pixel - guidance) / largest) ** power for pixel in pixels]
        out[y, x] = sum(w * p for w, p in zip(weights, pixels, strict=True)) / sum(weights)
    return out


@pytest.mark.parametrize("scale", [2, 3, 5])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_formulas(scale: int, channels: int) -> None:
    image = np.random.default_rng(scale).random((7 * scale, 5 * scale, channels))
    np.testing.assert_allclose(downscale(image, scale, "dpid"), reference(image, scale), rtol=0, atol=1e-12)


def test_whole_levels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 18, 3), dtype=np.uint8)
    expected = reference(image / 255, 3) * 255
    np.testing.assert_allclose(downscale(image, 3, "dpid"), expected, rtol=0, atol=0.501)


def test_a_thin_line_is_kept() -> None:
    """What the paper is for: an average drowns a line of one pixel among 64, DPID does not."""
    image = np.zeros((64, 64), np.uint8)
    image[:, 28] = 255
    assert downscale(image, 8, "area").max() == 32
    assert downscale(image, 8, "dpid").max() > 100
