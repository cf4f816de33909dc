"""Pictures and filters, pixel by pixel."""

import numpy as np
import pytest
from PIL import Image

from twinscale.drawings import FilterGrid, SideBySide


def test_pictures_side_by_side_are_enlarged_pixel_by_pixel(tmp_path) -> None:
    rng = np.random.default_rng(0)
    colour, grey = rng.integers(0, 256, (7, 50, 3), dtype=np.uint8), rng.integers(0, 256, (5, 40, 1), dtype=np.uint8)
    drawing = SideBySide([{"colour": colour, "grey": grey}, {"grey": grey}], zoom=2)
    drawing.save(tmp_path / "a.png")
    drawn = np.asarray(Image.open(tmp_path / "a.png"))
    np.testing.assert_array_equal(drawn, drawing.pixels())
    np.testing.assert_array_equal(drawn[:14, :100], np.kron(colour, np.ones((2, 2, 1), np.uint8)))
    enlarged = np.kron(grey, np.ones((2, 2, 3), np.uint8))
    np.testing.assert_array_equal(drawn[:10, 106:186], enlarged)
    assert drawn[:14, 100:106].min() == 255
    row = 14 + 24 + 6
    np.testing.assert_array_equal(drawn[row : row + 10, :80], enlarged)
    assert drawn[14:38, :100].min() < 128  # a caption is written
    assert drawn.shape == (row + 10 + 24, 186, 3)


def test_filters_are_grey_at_zero_and_faint_where_small(tmp_path) -> None:
    weights = np.zeros((3, 2, 2))
    weights[0, 0] = 4, -4  # the largest range
    weights[1, 1] = 2, -1  # shown in its own
    weights[2, 0, 0] = 0.5  # below a quarter of the largest, and shown in that
    drawn = FilterGrid(weights, columns=2, zoom=3).pixels()
    assert drawn.shape == (6 + 6 + 6, 6 + 6 + 6, 3)
    assert (drawn == drawn[:, :, :1]).all()
    first, second, third = drawn[:6:3, :6:3, 0], drawn[:6:3, 12::3, 0], drawn[12::3, :6:3, 0]
    np.testing.assert_array_equal(first, [[255, 0], [128, 128]])
    np.testing.assert_array_equal(second, [[128, 128], [255, 64]])
    np.testing.assert_array_equal(third, [[191, 128], [128, 128]])
    np.testing.assert_array_equal(drawn[:3, :3], 255)  # a weight is three pixels wide and high
    assert (drawn[6:12] == 255).all()
    assert (drawn[12:, 6:] == 255).all()  # the last row is not full


def test_a_folder_that_is_missing(tmp_path) -> None:
    with pytest.raises(OSError, match="No such file"):
        FilterGrid(np.ones((1, 2, 2))).save(tmp_path / "nowhere" / "a.png")
