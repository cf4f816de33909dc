"""The evaluation protocol, against plain NumPy and the published bicubic rows."""

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from tests.images.test_resize import reference
from twinscale.errors import UsageError
from twinscale.evaluation.protocol import Protocol, Scores, to_levels
from twinscale.images.colour import luminance
from twinscale.images.metrics import psnr, ssim
from twinscale.images.resize import imresize

DATA = Path(os.environ.get("TWINSCALE_DATA", ""))
needs_set5 = pytest.mark.skipif(
    "TWINSCALE_DATA" not in os.environ or not (DATA / "test" / "Set5").is_dir(),
    reason="TWINSCALE_DATA is not set to a folder with test/Set5",
)

# Published bicubic PSNR and SSIM on Set5's luminance (Lim et al. 2017 and many others).
PUBLISHED = {2: (33.66, 0.9299), 3: (30.39, 0.8682), 4: (28.42, 0.8104)}
PUBLISHED_RGB = {2: 33.68, 3: 30.41, 4: 28.43}  # PSNR on Y where the small picture is an 8-bit RGB file


def photograph(height: int = 47, width: int = 62) -> np.ndarray:
    """``(H, W, 3)`` levels."""
    return skimage.data.astronaut()[20 : 20 + height, 200 : 200 + width]


def planes_of(levels: np.ndarray) -> np.ndarray:
    return levels.astype(np.float32) / np.float32(255)


def y_of(levels: np.ndarray) -> np.ndarray:
    """Unrounded Y, 16 to 235, of 8-bit RGB."""
    return 16 + (levels.astype(np.float64) @ [65.481, 128.553, 24.966]) / 255


def baseline(protocol: Protocol, planes: np.ndarray) -> Scores:
    truth = protocol.truth(planes)
    return protocol.score(truth, protocol.enlarge(protocol.reduce(truth)))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_luminance_steps(scale: int) -> None:
    levels = photograph()
    height, width = 47 // scale * scale, 62 // scale * scale
    y = y_of(levels[:height, :width])
    low = reference(y, 1 / scale)  # float, not rounded
    enlarged = np.floor(np.clip(reference(low, scale), 0, 255) + 0.5)
    inner = (slice(scale, height - scale), slice(scale, width - scale))
    x, z = np.floor(y + 0.5)[inner], enlarged[inner]

    scores = baseline(Protocol(scale, "y"), planes_of(levels))
    assert scores.psnr_y == pytest.approx(10 * np.log10(255**2 / np.mean((x - z) ** 2)), abs=1e-9)
    assert scores.ssim_y == pytest.approx(ssim(x, z), abs=1e-9)
    assert scores.psnr_rgb is None


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_rgb_steps(scale: int) -> None:
    levels = photograph()
    height, width = 47 // scale * scale, 62 // scale * scale
    truth = levels[:height, :width]
    low = reference(truth, 1 / scale).astype(np.uint8)  # rounded, as a file holds it
    enlarged = reference(low, scale)
    inner = (slice(scale, height - scale), slice(scale, width - scale))
    x, z = truth[inner].astype(np.float64), enlarged[inner]

    scores = baseline(Protocol(scale, "rgb"), planes_of(levels))
    assert scores.psnr_y == pytest.approx(10 * np.log10(255**2 / np.mean((y_of(x) - y_of(z)) ** 2)), abs=1e-9)
    assert scores.ssim_y == pytest.approx(ssim(y_of(x), y_of(z)), abs=1e-9)
    assert scores.psnr_rgb == pytest.approx(10 * np.log10(255**2 / np.mean((x - z) ** 2)), abs=1e-9)


@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_grey_is_measured_as_grey(colour: str) -> None:
    grey = skimage.data.camera()[100:148, 100:160]
    low = reference(grey / 255, 0.5) if colour == "y" else reference(grey, 0.5).astype(np.uint8) / 255
    large = reference(low, 2) if colour == "y" else reference((low * 255 + 0.5).astype(np.uint8), 2) / 255
    x = grey[2:-2, 2:-2].astype(np.float64)
    z = np.floor(np.clip(large, 0, 1) * 255 + 0.5)[2:-2, 2:-2]

    scores = baseline(Protocol(2, colour), planes_of(grey)[:, :, None])
    assert scores == Scores(pytest.approx(psnr(x, z), abs=1e-9), pytest.approx(ssim(x, z), abs=1e-9), None)


@pytest.mark.parametrize("colour", ["y", "rgb"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_truth_is_cropped_at_right_and_bottom(scale: int, colour: str) -> None:
    levels = photograph(47, 61)
    truth = Protocol(scale, colour).truth(planes_of(levels))
    cropped = levels[: 47 // scale * scale, : 61 // scale * scale]
    assert truth.shape[:2] == cropped.shape[:2]
    if colour == "rgb":
        np.testing.assert_array_equal(truth, planes_of(cropped))
    else:
        np.testing.assert_allclose(truth[:, :, 0] * 255, y_of(cropped), rtol=0, atol=1e-4)


@pytest.mark.parametrize("colour", ["y", "rgb"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_border_does_not_count(scale: int, colour: str) -> None:
    protocol = Protocol(scale, colour)
    truth = protocol.truth(planes_of(photograph(48, 60)))
    result = truth.copy()
    result[:scale] = result[-scale:] = 0
    result[:, :scale] = result[:, -scale:] = 0
    assert protocol.score(truth, result).psnr_y == np.inf
    result[scale, scale] = 0  # the first pixel that does
    assert protocol.score(truth, result).psnr_y < 100


def as_file(levels: np.ndarray, quality: int) -> np.ndarray:
    """What Pillow reads again of its own JPEG, 4:2:0."""
    file = io.BytesIO()
    Image.fromarray(levels.squeeze()).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file)).reshape(levels.shape)


@pytest.mark.parametrize("quality", [10, 75, 100])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_the_small_picture_goes_through_jpeg(scale: int, quality: int) -> None:
    levels = photograph(48, 60)
    for colour, whole in (("rgb", levels), ("rgb", levels[:, :, :1]), ("y", levels)):
        protocol = Protocol(scale, colour, quality)
        truth = protocol.truth(planes_of(whole))
        if colour == "rgb":
            small = imresize(whole, 1 / scale) if scale > 1 else whole
        else:
            y = y_of(whole)[:, :, None]
            small = np.floor(np.clip(imresize(y, 1 / scale) if scale > 1 else y, 0, 255) + 0.5).astype(np.uint8)
        received = protocol.reduce(truth)
        np.testing.assert_allclose(received * 255, as_file(small, quality), rtol=0, atol=1e-4)
        if scale == 1:  # the baseline is the JPEG itself
            np.testing.assert_allclose(protocol.enlarge(received), received, rtol=0, atol=1e-6)


def test_without_jpeg_nothing_is_lost_at_scale_1() -> None:
    truth = Protocol(1, "rgb").truth(planes_of(photograph(20, 30)))
    assert baseline(Protocol(1, "rgb"), truth).psnr_y == np.inf


def test_the_quality_of_a_jpeg_has_bounds() -> None:
    for quality in (0, 101):
        protocol = Protocol(2, "rgb", quality)
        with pytest.raises(UsageError, match=f"quality {quality} is out of range"):
            protocol.reduce(np.zeros((40, 40, 3), np.float32))


def test_result_is_rounded_and_clipped_before_it_is_compared() -> None:
    truth = np.full((32, 32, 1), 100 / 255, np.float32)
    protocol = Protocol(2, "y")
    assert protocol.score(truth, truth + np.float32(0.4 / 255)).psnr_y == np.inf
    off_by_one = protocol.score(truth, truth + np.float32(0.6 / 255)).psnr_y
    assert off_by_one == pytest.approx(20 * np.log10(255))
    white = np.ones((32, 32, 3), np.float32)
    assert Protocol(2, "rgb").score(white, white * 3).psnr_rgb == np.inf


def test_to_levels_rounds_half_up() -> None:
    planes = np.array([-0.1, 0.0, 0.5 / 255, 1.4999 / 255, 2.5 / 255, 1.0, 1.1])
    np.testing.assert_array_equal(to_levels(planes), [0, 0, 1, 1, 3, 255, 255])


def test_refuses() -> None:
    protocol = Protocol(4, "rgb")
    with pytest.raises(UsageError, match="a picture of 100x18 is too small to measure at x4: at least 19 pixels"):
        protocol.truth(np.zeros((18, 100, 3), np.float32))
    with pytest.raises(UsageError, match="make them equal"):
        protocol.score(np.zeros((40, 40, 3)), np.zeros((40, 44, 3)))


def test_smallest_picture_that_can_be_measured() -> None:
    planes = planes_of(photograph(20, 20))
    assert np.isfinite(baseline(Protocol(4, "rgb"), planes).ssim_y)


def test_luminance_is_not_taken_in_float32() -> None:
    # In float32, Y of many colours falls on the other side of a rounding boundary.
    levels = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), axis=-1).reshape(52, -1, 3)
    truth = Protocol(2, "y").truth(planes_of(levels))
    assert truth.dtype == np.float64
    exact = y_of(levels)
    clear = np.abs(exact - np.floor(exact) - 0.5) > 1e-5
    np.testing.assert_array_equal(to_levels(truth)[:, :, 0][clear], np.floor(exact + 0.5)[clear])
    np.testing.assert_allclose(luminance(levels / 255)[:, :, 0] * 255, exact, rtol=0, atol=1e-10)


@needs_set5
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_published_bicubic_rows(scale: int) -> None:
    scores = []
    for row in rows_of_set5(scale):
        planes = planes_of(levels_of(row))
        y, rgb = baseline(Protocol(scale, "y"), planes), baseline(Protocol(scale, "rgb"), planes)
        assert y.psnr_y == pytest.approx(float(row["psnr_y"]), abs=0.001)
        assert y.ssim_y == pytest.approx(float(row["ssim_y"]), abs=0.0001)
        scores.append((y.psnr_y, y.ssim_y, rgb.psnr_y))
    assert len(scores) == 5
    psnr_y, ssim_y, psnr_of_rgb = np.mean(scores, axis=0)
    assert psnr_y == pytest.approx(PUBLISHED[scale][0], abs=0.01)
    assert ssim_y == pytest.approx(PUBLISHED[scale][1], abs=0.001)
    assert psnr_of_rgb == pytest.approx(PUBLISHED_RGB[scale], abs=0.01)
    if scale == 2:
        assert psnr_y == pytest.approx(33.656, abs=0.0006)


@needs_set5
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_rgb_differs_from_the_table_only_by_rounding_between_the_dimensions(scale: int) -> None:
    # The table's RGB column was rounded once a resize; MATLAB and we round after each dimension.
    inner = (slice(scale, -scale),) * 2
    for row in rows_of_set5(scale):
        levels = levels_of(row)
        truth = levels[: levels.shape[0] // scale * scale, : levels.shape[1] // scale * scale].astype(np.float64)
        low = to_levels(imresize(truth, 1 / scale) / 255)
        result = to_levels(imresize(low, scale) / 255)
        once = psnr(y_of(truth)[inner], y_of(result)[inner])
        assert once == pytest.approx(float(row["psnr_y_rgb8"]), abs=0.001)


def levels_of(row: dict[str, str]) -> np.ndarray:
    return np.asarray(Image.open(DATA / "test" / "Set5" / f"{row['image']}.png").convert("RGB"))


def rows_of_set5(scale: int) -> list[dict[str, str]]:
    table = DATA / "test" / "bicubic_per_image.tsv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [row for row in rows if row["set"] == "Set5" and row["scale"] == str(scale)]
