"""Tables and mean curves of made-up points whose differences are known."""

import math
import re

import pytest

from twinscale.evaluation.rate_distortion import Point
from twinscale.evaluation.rate_page import (
    CHOSEN,
    PACKED,
    by_codec,
    differences,
    drawing_name,
    markdown,
    mean_lines,
    panels,
    summary,
)
from twinscale.evaluation.rate_record import Measured

QUALITIES = (10, 30, 50, 70, 90)


def measured(picture, codec="JPEG", way="alone", factor=1.0, packed=True, cheaper=1.0, gain=0.0) -> Measured:
    """Return points of 3 dB for each doubling of the rate, at ``factor`` times the rates of the codec alone."""
    points = [
        Point(
            quality,
            round(factor * 1e6 * 2**step),
            psnr_rgb=24 + 3 * step,
            psnr_y=25 + 3 * step + gain,
            ssim=1 - 10 ** -(0.8 + 0.3 * step),
            ms_ssim=1 - 10 ** -(1 + 0.3 * step),
        )
        for step, quality in enumerate(QUALITIES)
    ]
    pixels = 80_000_000  # 0.1, 0.2, 0.4, 0.8 and 1.6 bits per pixel
    return Measured("Kodak24", picture, codec, way, packed, pixels, "", tuple(points))


def crossing(picture, way="x2 pair") -> Measured:
    """Return a way that needs half the bits for 24 dB and twice as many for 36 dB."""
    row = measured(picture, way=way)
    points = [p._replace(size=round(p.size * 2 ** (step / 2 - 1))) for step, p in enumerate(row.points)]
    return Measured(
        *(getattr(row, name) for name in ("dataset", "picture", "codec", "way")), True, row.pixels, "", tuple(points)
    )


ALONE = [measured("one"), measured("two")]


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
    text = markdown(rows)
    assert "| x2 other° | -50.0 % " in text
    assert "| packed | +0.0 % " in text


def test_pictures_without_common_scores_are_left_out_of_the_mean() -> None:
    high = measured("one", way="x2 pair", factor=0.5)
    points = tuple(point._replace(psnr_rgb=point.psnr_rgb + 40) for point in high.points)
    rows = [*ALONE, Measured("Kodak24", "one", "JPEG", "x2 pair", True, high.pixels, "", points)]
    rows.append(measured("two", way="x2 pair", factor=0.75))
    assert differences(rows, rows, "PSNR-RGB", math.inf)["x2 pair"] == pytest.approx([-25])
    assert "| x2 pair | -25.0 % (1) | -" in markdown(rows)


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


def test_the_page() -> None:
    rows = [*ALONE, measured("one", "AVIF", factor=0.5), measured("two", "AVIF", factor=0.5)]
    rows += [*(measured(picture, way="x2 pair", factor=0.75) for picture in ("one", "two"))]
    text = markdown(rows)
    assert "`twinscale rd Kodak24 --codecs jpeg,avif -o docs`" in text
    assert "Means over 2 pictures." in text
    for metric in ("PSNR-RGB", "PSNR-Y", "SSIM", "MS-SSIM"):
        assert f"]({drawing_name('Kodak24', metric)})" in text
    assert re.search(r"\| AVIF alone \|( -50\.0 % \|){8}\n", text)
    assert re.search(r"\| JPEG packed \|( -25\.0 % \|){8}\n", text)
    assert "| x2 pair | 2 | 2 | 2 | 2 | 2 | – |" in text  # with 2 bits per pixel, both have all that they can have
    assert "| x2 pair | **25.00** | **28.00** | **31.00** | **34.00** | **37.00** |" in text
    assert "| SAIN on DIV2K, published | – | 31.47 | 33.17 | 34.73 | 35.96 |" in text


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
