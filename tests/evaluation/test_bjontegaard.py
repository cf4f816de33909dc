import math

import bjontegaard
import numpy as np
import pytest

from twinscale.errors import UsageError
from twinscale.evaluation.bjontegaard import Curve, Envelope, quality_difference, rate_difference

# Rates in bits per pixel and PSNR in dB as photographs have them, at unequal distances.
ANCHOR = [(0.18, 24.1), (0.31, 27.0), (0.55, 29.4), (0.83, 31.2), (1.6, 34.1), (2.9, 38.3)]
OTHER = [(0.09, 22.9), (0.14, 25.2), (0.29, 28.1), (0.61, 30.0), (1.0, 31.4)]


def scaled(points, factor=1.0, shift=0.0):
    return [(factor * rate, quality + shift) for rate, quality in points]


@pytest.mark.parametrize("count", [3, 4, 5])
def test_equals_the_spreadsheets_of_the_standards_bodies(count) -> None:
    anchor, other = ANCHOR[:count], OTHER[:count]
    columns = (*map(list, zip(*anchor, strict=True)), *map(list, zip(*other, strict=True)))
    options = {"method": "pchip", "require_matching_points": False, "min_overlap": 0}
    rate, quality = bjontegaard.bd_rate(*columns, **options), bjontegaard.bd_psnr(*columns, **options)
    curves = Curve.of(anchor), Curve.of(other)
    assert rate_difference(*curves) == pytest.approx(rate, abs=1e-9)
    assert quality_difference(*curves) == pytest.approx(quality, abs=1e-9)


def test_closed_forms() -> None:
    reference = Curve.of(ANCHOR)
    assert rate_difference(reference, Curve.of(scaled(ANCHOR, factor=0.75))) == pytest.approx(-25, abs=1e-10)
    assert rate_difference(Curve.of(scaled(ANCHOR, factor=0.75)), reference) == pytest.approx(100 / 3, abs=1e-10)
    assert quality_difference(reference, Curve.of(scaled(ANCHOR, shift=1.5))) == pytest.approx(1.5, abs=1e-10)
    assert rate_difference(reference, reference) == 0
    # 6 dB per doubling of the rate: 3 dB more are as good as half the octave less
    line = [(2.0**k, 6.0 * k) for k in range(5)]
    higher = Curve.of(scaled(line, shift=3.0))
    assert rate_difference(Curve.of(line), higher) == pytest.approx(100 * (2**-0.5 - 1), abs=1e-10)


def test_below_a_rate_only_the_start_of_the_curves_counts() -> None:
    same_then_worse = [*ANCHOR[:3], *scaled(ANCHOR[3:], factor=2)]
    reference, other = Curve.of(ANCHOR[:3] + scaled(ANCHOR[3:])), Curve.of(same_then_worse)
    assert rate_difference(reference, other) > 20
    halved_below = Curve.of(scaled(ANCHOR, factor=0.5))
    assert rate_difference(reference, halved_below, below=0.55) == pytest.approx(-50, abs=1e-10)
    assert quality_difference(reference, Curve.of(scaled(ANCHOR, shift=2)), below=0.55) == pytest.approx(2, abs=1e-10)
    assert rate_difference(reference, reference, below=0.18) is None
    assert quality_difference(reference, reference, below=0.1) is None


def test_curves_without_a_common_interval_have_no_difference() -> None:
    assert rate_difference(Curve.of(ANCHOR), Curve.of(scaled(ANCHOR, shift=20))) is None
    assert quality_difference(Curve.of(ANCHOR), Curve.of(scaled(ANCHOR, factor=50))) is None


def test_leaves_out_points_that_nobody_would_choose() -> None:
    spoilt = [*ANCHOR, (0.6, 28.0), (0.55, 29.0), (3.5, 38.3)]
    np.random.default_rng(0).shuffle(spoilt)
    assert np.array_equal(Curve.of(spoilt).qualities, [quality for _, quality in ANCHOR])


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([], "needs two points"),
        ([(1.0, 30.0)], "needs two points"),
        ([(1.0, 30.0), (2.0, 29.0)], "the larger file is the better one"),
        ([(1.0, 30.0), (2.0, math.inf)], "inf dB at the rate 2.0: leave out that point"),
        ([(0.0, 30.0), (2.0, 31.0)], "30.0 dB at the rate 0.0"),
    ],
)
def test_refuses_what_is_no_curve(points, message) -> None:
    with pytest.raises(UsageError, match=message):
        Curve.of(points)


def test_a_curve_goes_through_its_points_and_rises() -> None:
    curve = Curve.of(ANCHOR)
    rates, qualities = np.array(ANCHOR).T
    np.testing.assert_allclose(curve.quality(np.log(rates)), qualities, rtol=1e-14)
    np.testing.assert_allclose(curve.log_rate(qualities), np.log(rates), rtol=1e-12)
    assert (np.diff(curve.quality(np.linspace(np.log(0.18), np.log(2.9), 500))) > 0).all()
    assert curve.quality(np.log([0.17, 5.0])).tolist() == [-math.inf, 38.3]
    assert curve.log_rate(np.array([20.0, 38.4])).tolist() == [math.log(0.18), math.inf]


def test_an_envelope_is_the_best_of_its_curves_everywhere() -> None:
    reference, crossing = Curve.of(ANCHOR), Curve.of(OTHER)
    best = Envelope((reference, crossing))
    for log_rate in np.log(np.linspace(0.2, 2.8, 40)):
        assert best.quality(log_rate) == max(reference.quality(log_rate), crossing.quality(log_rate))
    for quality in np.linspace(23, 38, 40):
        assert best.log_rate(quality) == min(reference.log_rate(quality), crossing.log_rate(quality))
    assert rate_difference(reference, best) < 0 < quality_difference(reference, best)
    # Against a plain sum over many qualities of the whole range of the reference.
    grid = np.linspace(24.1, 38.3, 200_001)
    plain = np.exp(np.mean(best.log_rate(grid) - reference.log_rate(grid))) - 1
    assert rate_difference(reference, best) == pytest.approx(100 * plain, abs=2e-3)


def test_an_envelope_with_the_reference_is_never_worse() -> None:
    generator = np.random.default_rng(1)
    for _ in range(50):
        curves = [
            Curve.of(zip(np.sort(generator.uniform(0.1, 3, 6)), np.sort(generator.uniform(20, 40, 6)), strict=True))
            for _ in range(4)
        ]
        assert rate_difference(curves[0], Envelope(tuple(curves))) <= 0
        assert quality_difference(curves[0], Envelope(tuple(curves))) >= 0
