"""The page, made of points whose differences are known."""

import re
from dataclasses import replace

from tests.evaluation.rate_distortion.made_up import ALONE, measured
from twinscale.evaluation.rate_distortion.page import drawing_name, markdown


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
    assert text.endswith("The best are bold. All rise with the quality.\n")


def test_names_what_does_not_rise_with_the_quality() -> None:
    row = measured("one", way="x2 pair")
    points = (*row.points[:-1], row.points[-1]._replace(psnr_y=20.0))
    assert "Not everywhere rising with the quality: x2 pair." in markdown([*ALONE, replace(row, points=points)])


def test_what_is_only_compared_is_marked() -> None:
    text = markdown(
        [*ALONE, *(measured(picture, way="x2 other", factor=0.5, packed=False) for picture in ("one", "two"))]
    )
    assert "| x2 other° | -50.0 % " in text
    assert "| packed | +0.0 % " in text


def test_says_of_how_many_pictures_a_mean_is() -> None:
    high = measured("one", way="x2 pair", factor=0.5)
    points = tuple(point._replace(psnr_rgb=point.psnr_rgb + 40) for point in high.points)
    text = markdown([*ALONE, replace(high, points=points), measured("two", way="x2 pair", factor=0.75)])
    assert "| x2 pair | -25.0 % (1) | -37.5 % |" in text
