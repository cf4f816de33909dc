"""Weighted sums of rows, against a loop."""

import numpy as np
import pytest

from twinscale.images.linear import to_dtype, weighted_rows


def loop(image: np.ndarray, first: np.ndarray, weights: np.ndarray) -> np.ndarray:
    height = len(image)
    mirror = [*range(height), *reversed(range(height))]
    rows = []
    for start, row in zip(first, weights, strict=True):
        rows.append(sum(w * image[mirror[(start + k) % (2 * height)]].astype(float) for k, w in enumerate(row)))
    return np.stack(rows)


@pytest.mark.parametrize("shape", [(1, 4), (2, 3, 3), (9, 1), (50, 5000)])
def test_matches_a_loop_with_a_mirrored_border(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    image = rng.random(shape)
    first = rng.integers(-3 * shape[0], 3 * shape[0], 40)  # neither sorted nor inside
    weights = rng.normal(size=(40, 5))
    result = weighted_rows(image, first, weights)
    np.testing.assert_allclose(result, loop(image, first, weights), rtol=0, atol=1e-12)


def test_integers_are_clipped_and_rounded_half_up() -> None:
    values = np.array([-3.0, -0.5, 0.49, 0.5, 1.5, 254.5, 255.5, 1e6])
    np.testing.assert_array_equal(to_dtype(values, np.dtype(np.uint8)), [0, 0, 0, 1, 2, 255, 255, 255])
    levels = np.array([[1], [2]], dtype=np.uint8)
    np.testing.assert_array_equal(weighted_rows(levels, np.array([0]), np.array([[0.5, 0.5]])), [[2]])


def test_floats_keep_their_type() -> None:
    for dtype in (np.float32, np.float64):
        assert weighted_rows(np.ones((3, 2), dtype), np.array([0]), np.ones((1, 1))).dtype == dtype
