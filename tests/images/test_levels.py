"""Rounding between stored levels and planes."""

import numpy as np
import pytest

from twinscale.images.levels import to_pixels, to_planes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives(dtype: type) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    planes = to_planes(levels)
    assert planes.dtype == np.float32
    assert planes[0] == 0
    assert planes[-1] == 1
    np.testing.assert_array_equal(to_pixels(planes, dtype), levels)


def test_rounds_half_up_and_clips() -> None:
    planes = np.array([-1.0, -1e-9, 0.49 / 255, 0.5 / 255, 1.5 / 255, 254.5 / 255, 1.0, 7.0])
    np.testing.assert_array_equal(to_pixels(planes, np.uint8), [0, 0, 0, 1, 2, 255, 255, 255])


def test_float_pixels_are_planes_already() -> None:
    planes = np.array([0.1, 0.7], np.float32)
    assert to_planes(planes) is planes
    np.testing.assert_array_equal(to_pixels(np.array([-0.5, 0.7, 1.5]), np.float32), np.float32([0, 0.7, 1]))
