"""Drawings: files that can be opened and show what they should."""

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from twinscale.plots import curves, side_by_side, spectra, trade_off, training_curves


def test_pictures_side_by_side_are_enlarged_pixel_by_pixel(tmp_path) -> None:
    rng = np.random.default_rng(0)
    colour, grey = rng.integers(0, 256, (7, 50, 3), dtype=np.uint8), rng.integers(0, 256, (5, 40, 1), dtype=np.uint8)
    side_by_side(tmp_path / "a.png", [{"colour": colour, "grey": grey}, {"grey": grey}], zoom=2)
    drawn = np.asarray(Image.open(tmp_path / "a.png"))
    np.testing.assert_array_equal(drawn[:14, :100], np.kron(colour, np.ones((2, 2, 1), np.uint8)))
    enlarged = np.kron(grey, np.ones((2, 2, 3), np.uint8))
    np.testing.assert_array_equal(drawn[:10, 106:186], enlarged)
    assert drawn[:14, 100:106].min() == 255
    row = 14 + 24 + 6
    np.testing.assert_array_equal(drawn[row : row + 10, :80], enlarged)
    assert drawn[14:38, :100].min() < 128  # a caption is written
    assert drawn.shape == (row + 10 + 24, 186, 3)


def test_plots_are_pictures(tmp_path) -> None:
    lines = {"one": [(0, 1.0), (1, 2.0)], "two": [(0, 2.0), (1, 1.0)]}
    curves(tmp_path / "curves.png", {"a": lines, "b": lines}, "step", "dB")
    spectra(tmp_path / "spectra.png", {"bicubic": np.geomspace(1, 1e-3, 16)})
    trade_off(tmp_path / "points.png", {"SRCNN": (30.0, 32.4), "VDSR": (3000.0, 33.7)}, "ms", "dB")
    for name, width in (("curves", 1012), ("spectra", 605), ("points", 605)):
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.width == width
            assert len(image.convert("RGB").getcolors(1 << 20)) > 10


def drawn_colours(path) -> set[tuple[int, ...]]:
    with Image.open(path) as image:
        return {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}


def test_training_curves_have_a_colour_a_run(tmp_path) -> None:
    blue, orange = (31, 119, 180), (255, 127, 14)  # matplotlib's first two
    steps = [(step, 1.0 / step) for step in range(1, 9)]
    one, other = {"one": steps}, {"other": steps[:4]}
    training_curves(tmp_path / "one.png", one, {"one": []}, {"one": []})  # nothing validated yet
    training_curves(tmp_path / "both.png", one | other, one | other, one | {"other": []})
    assert orange not in drawn_colours(tmp_path / "one.png")
    assert {blue, orange} <= drawn_colours(tmp_path / "both.png")
    with Image.open(tmp_path / "both.png") as image:
        assert image.size == (1012, 440)
