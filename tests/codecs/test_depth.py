"""Odd depths against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from twinscale.codecs.depth import fill_scale


@pytest.mark.parametrize("depth", [1, 2, 4, 7, 8, 9, 10, 12, 15, 16])
def test_every_level(depth: int) -> None:
    top = 255 if depth <= 8 else 65535
    levels = np.arange(2**depth, dtype=np.uint8 if depth <= 8 else np.uint16)
    exact = [int(Fraction(int(level) * top, 2**depth - 1) + Fraction(1, 2)) for level in levels]
    filled = fill_scale(levels, depth)
    assert filled.dtype == levels.dtype
    assert filled.tolist() == exact
