"""Curves of a run, and what they promise."""

import numpy as np
import pytest

from twinscale.training.history import LogRow, best_row, gain_per_hour, standing


def rows(scores, seconds=36.0):
    """A row every ten steps; None is one without a validation."""
    return [LogRow(10 * i, 0.1, 1e-3, None, psnr, None, seconds * i, 80.0) for i, psnr in enumerate(scores, start=1)]


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


def test_colours_beyond_the_bound_count_before_psnr():
    free, nearer, within, further_within = (40.0, 17.0), (39.0, 9.0), (36.0, 7.5), (35.0, 3.0)
    ranked = sorted([nearer, further_within, free, within], key=lambda score: standing(*score, 7.5), reverse=True)
    assert ranked == [within, further_within, nearer, free]
    assert standing(50.0, None, 7.5) < standing(*free, 7.5)  # nobody knows how its small pictures look
    assert standing(40.0, None, 0.0) > standing(39.0, 1.0, 0.0)
    scores = [LogRow(step, 0.1, 1e-3, None, *score, 1.0, 1.0) for step, score in enumerate((free, nearer, within), 1)]
    assert best_row([*scores, *rows([None])], 7.5).step == 3
    assert best_row(scores, 0.0).step == 1
    assert best_row(rows([None]), 7.5) is None
