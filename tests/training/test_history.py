"""Curves of a run, and what they promise."""

import numpy as np
import pytest

from twinscale.training.history import LogRow, gain_per_hour


def rows(scores, seconds=36.0):
    """A row every ten steps; None is one without a validation."""
    return [LogRow(10 * i, 0.1, 1e-3, None, psnr, seconds * i, 80.0) for i, psnr in enumerate(scores, start=1)]


def test_the_gain_is_the_slope_of_the_last_tenth_and_the_validation_before():
    scores = [30 - 5 / (i + 1) for i in range(40)]
    last = slice(34, None)  # 34 of 40 lies before the last tenth, which begins with 36 of 40
    hours = np.arange(1, 41) / 100
    expected = np.polyfit(hours[last], scores[last], 1)[0]
    assert gain_per_hour(rows(scores)) == pytest.approx(expected, rel=1e-9)


def test_a_run_that_is_seldom_validated_has_two_points():
    scores = [None] * 100
    scores[19], scores[79], scores[99] = 20.0, 30.0, 30.5
    assert gain_per_hour(rows(scores)) == pytest.approx(0.5 / (20 * 36 / 3600))
    assert gain_per_hour(rows([None, 31.0, None])) is None
    assert gain_per_hour([]) is None
    assert gain_per_hour(rows([30.0, 31.0], seconds=0.0)) is None
