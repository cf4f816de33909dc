"""Differences and means of points that are made up so that they are known."""

import math
from dataclasses import replace

import pytest

from tests.evaluation.rate_distortion.made_up import ALONE, crossing, measured
from twinscale.evaluation.rate_distortion.curves import (
    CHOSEN,
    PACKED,
    by_codec,
    differences,
    mean_lines,
    panels,
    summary,
)


def test_differences_are_taken_picture_by_picture() -> None:
    rows = [*ALONE, measured("one", way="x2 pair", factor=0.75), measured("two", way="x2 pair", factor=0.5)]
    for metric in ("PSNR-RGB", "PSNR-Y", "SSIM", "MS-SSIM"):
        for below in (0.5, math.inf):
            found = differences(rows, rows, metric, below)
            assert found["alone"] == [0, 0]
            assert found["x2 pair"] == pytest.approx([-25, -50])
            assert found[PACKED] == pytest.approx([-25, -50])
            assert list(found)[-2:] == [PACKED, CHOSEN]
            assert found[CHOSEN] == pytest.approx([-25, -50], abs=0.01)


def test_packed_is_the_best_everywhere_and_never_worse_than_the_codec_alone() -> None:
    rows = [*ALONE, crossing("one"), crossing("two")]
    found = differences(rows, rows, "PSNR-RGB", math.inf)
    assert found["x2 pair"] == pytest.approx([0, 0], abs=1e-4)
    # Half of the range, and there a quarter of an octave in the mean: 2 ** -0.25 - 1.
    assert found[PACKED] == pytest.approx([100 * (2**-0.25 - 1)] * 2, abs=0.05)
    low = differences(rows, rows, "PSNR-RGB", 0.4)
    assert low[PACKED] == pytest.approx(low["x2 pair"])
    assert low[PACKED] == pytest.approx([100 * (2**-0.5 - 1)] * 2, abs=1e-4)


def test_packing_chooses_by_psnr_of_rgb() -> None:
    rows = [*ALONE, *(measured(p, way="x2 pair", factor=0.9, gain=-3.0) for p in ("one", "two"))]
    found = differences(rows, rows, "PSNR-Y", math.inf)
    assert found[PACKED] == pytest.approx([0, 0])
    assert min(found[CHOSEN]) > 50  # it takes the pair, whose luminance is worse by an octave of bits


def test_what_is_only_compared_is_not_packed() -> None:
    rows = [*ALONE, *(measured(picture, way="x2 other", factor=0.5, packed=False) for picture in ("one", "two"))]
    assert differences(rows, rows, "PSNR-RGB", math.inf)[PACKED] == [0, 0]


def test_pictures_without_common_scores_are_left_out_of_the_mean() -> None:
    high = measured("one", way="x2 pair", factor=0.5)
    points = tuple(point._replace(psnr_rgb=point.psnr_rgb + 40) for point in high.points)
    rows = [*ALONE, replace(high, points=points), measured("two", way="x2 pair", factor=0.75)]
    assert differences(rows, rows, "PSNR-RGB", math.inf)["x2 pair"] == pytest.approx([-25])


def test_mean_curves_are_taken_at_the_qualities_of_the_codec() -> None:
    rows = [measured("one"), measured("two", factor=3), crossing("one"), crossing("two")]
    lines = mean_lines(rows, "PSNR-RGB")
    assert list(lines) == ["alone", PACKED, "x2 pair"]
    assert lines["alone"] == [pytest.approx((0.2 * 2**step, 24 + 3 * step)) for step in range(5)]
    # As many bytes as the codec alone, and no worse.
    assert [rate for rate, _ in lines[PACKED]] == pytest.approx([rate for rate, _ in lines["alone"]])
    assert all(packed >= alone for (_, packed), (_, alone) in zip(lines[PACKED], lines["alone"], strict=True))


def test_panels_for_each_codec_and_for_all() -> None:
    rows = [*ALONE, measured("one", "AVIF", factor=0.5), measured("two", "AVIF", factor=0.5)]
    assert list(panels(ALONE, "SSIM")) == ["JPEG"]
    found = panels(rows, "SSIM")
    assert list(found) == ["JPEG", "AVIF", "alone and packed"]
    assert list(found["alone and packed"]) == ["JPEG alone", "JPEG packed", "AVIF alone", "AVIF packed"]
    assert list(by_codec(reversed(rows))) == ["JPEG", "AVIF"]


def test_the_summary_is_plain_data() -> None:
    rows = [*ALONE, *(measured(picture, way="x2 pair", factor=0.75) for picture in ("one", "two"))]
    found = summary(rows)
    assert len(found) == 4 * 2 * 3
    assert found[0] == {
        "dataset": "Kodak24",
        "codec": "JPEG",
        "way": "x2 pair",
        "metric": "PSNR-RGB",
        "below_bits_per_pixel": 0.5,
        "percent": pytest.approx(-25),
        "pictures": 2,
    }
