"""Points of rate and distortion, against files written and scores computed by hand."""

import io
import math
from fractions import Fraction

import numpy as np
import pytest
import skimage.data
import skimage.metrics
from PIL import Image

from twinscale.errors import UsageError
from twinscale.evaluation.provenance import REFERENCE
from twinscale.evaluation.rate_distortion.measuring import ALONE, METRICS, Bicubic, Point, contenders, measure, plain
from twinscale.images.metrics import ms_ssim
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.rescale.ways import Way

PICTURE = Picture(skimage.data.astronaut()[:163, 100:270].copy())  # odd sides


def luminance(pixels: np.ndarray) -> np.ndarray:
    return 16 + pixels @ np.array([65.481, 128.553, 24.966]) / 255


@pytest.mark.parametrize(("quality", "subsampling"), [(30, "4:2:0"), (93, "4:4:4")])
def test_a_point_of_the_codec_alone(quality, subsampling) -> None:
    file = io.BytesIO()
    Image.fromarray(PICTURE.pixels).save(file, "JPEG", quality=quality, subsampling=subsampling, optimize=True)
    decoded = np.asarray(Image.open(file))
    (point,) = measure(Way("JPEG"), PICTURE, [quality])
    assert (point.quality, point.size) == (quality, len(file.getvalue()))
    y, decoded_y = luminance(PICTURE.pixels), luminance(decoded)
    psnr = skimage.metrics.peak_signal_noise_ratio
    assert point.psnr_rgb == pytest.approx(psnr(PICTURE.pixels, decoded), abs=1e-9)
    assert point.psnr_y == pytest.approx(psnr(y, decoded_y, data_range=255), abs=1e-9)
    _, similarity = skimage.metrics.structural_similarity(
        y, decoded_y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert point.ssim == pytest.approx(similarity[5:-5, 5:-5].mean(), abs=1e-9)
    assert point.ms_ssim == pytest.approx(ms_ssim(y, decoded_y), abs=1e-9)


def test_similarities_in_decibels() -> None:
    point = Point(50, 1000, 30.0, 31.0, 0.9, 0.999)
    found = {name: metric(point) for name, metric in METRICS.items()}
    assert found == pytest.approx({"PSNR-RGB": 30, "PSNR-Y": 31, "SSIM": 10, "MS-SSIM": 30})
    assert math.isfinite(METRICS["SSIM"](point._replace(ssim=1.0)))


def test_bicubic_is_what_any_program_does() -> None:
    padded = np.pad(PICTURE.pixels, ((0, 1), (0, 0), (0, 0)), mode="edge")
    small = imresize(padded, 1 / 2)
    file = Picture(small).encode("PNG")
    (point,) = measure(Bicubic("WEBP", 2), PICTURE, [100])
    restored = imresize(Picture.read(Picture(small).encode("WEBP", quality=100)).pixels, 2)[:163]
    error = np.mean((PICTURE.pixels - restored.astype(float)) ** 2)
    assert point.psnr_rgb == pytest.approx(10 * math.log10(255**2 / error))
    assert point.size < len(file)


def test_grey_in_a_format_that_holds_none() -> None:
    grey = Picture(PICTURE.pixels[:, :, 1:2].copy())
    (point,) = measure(Way("WEBP"), grey, [80])
    assert point.psnr_rgb == point.psnr_y > 30


def test_what_loses_nothing_is_on_no_curve() -> None:
    assert list(measure(Way("JPEGXL"), PICTURE, [100])) == []


def test_files_of_a_small_picture_count_their_tag() -> None:
    (way,) = [one for one in contenders("JPEG", ["fast-x2"], REFERENCE) if one.name == "x2 fast-x2"]
    small = way.coding.shrink(PICTURE)
    assert small.xmp is not None
    (point,) = measure(way.coding, PICTURE, [50])
    assert point.size > len(Picture(small.pixels).encode("JPEG", quality=50))


def test_the_ways_of_packing_and_those_to_compare_with() -> None:
    found = {one.name: one for one in contenders("jpg", ["twin-x2", "srcnn-x3", "fast-x4"], REFERENCE)}
    assert next(iter(found)) == ALONE
    packed = [name for name, one in found.items() if one.is_packed]
    assert [one.name for one in contenders("JPEG", [], REFERENCE)] == [*packed, "x2 bicubic"]
    assert len({name.split()[0] for name in packed} & {"x1.5", "x2", "x3", "x4"}) == 4
    assert {"x2 twin-x2", "x3 srcnn-x3", "x2 bicubic"} <= found.keys() - set(packed)
    assert found["x2 twin-x2"].coding.scale == Fraction(2)
    assert found[ALONE].made_by == found["x2 bicubic"].made_by == ""
    assert found["x2 twin-x2"].made_by.startswith(found["x2 twin-x2"].coding.model.card.digest)


@pytest.mark.parametrize("format", ["png", "gif", "heif"])
def test_refuses_formats_without_a_curve(format) -> None:
    with pytest.raises(UsageError, match="has no curve of rate and distortion here: choose from JPEG, WEBP"):
        contenders(format)


def test_plain_pictures_are_8_bits_opaque_and_bare() -> None:
    clear = np.zeros((4, 4), np.uint16)
    given = Picture(np.full((4, 4, 3), 65535 // 2, np.uint16), clear, exif=b"MM", xmp=b"<x/>")
    result = plain(given)
    assert result.pixels.dtype == np.uint8
    assert (result.pixels == 255).all()  # white, where it is transparent
    assert (result.alpha, result.icc, result.exif, result.xmp) == (None,) * 4


def test_refuses_pictures_that_are_too_small() -> None:
    with pytest.raises(UsageError, match="MS-SSIM needs sides of at least 161 pixels"):
        list(measure(Way("JPEG"), Picture(PICTURE.pixels[:160]), [50]))
