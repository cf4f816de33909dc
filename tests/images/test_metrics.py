"""PSNR, SSIM, MS-SSIM and CIEDE2000, against scikit-image, SciPy and published values."""

import math

import numpy as np
import pytest
import scipy.ndimage
import skimage.color
import skimage.data
import skimage.metrics

from twinscale.errors import UsageError
from twinscale.images.colour import srgb_to_lab
from twinscale.images.metrics import ciede2000, ms_ssim, psnr, ssim, ssim_and_ms_ssim


def pair(channels: int = 3, dtype: type = np.uint8) -> tuple[np.ndarray, np.ndarray]:
    """A photograph and a noisy, blurred copy."""
    truth = skimage.data.astronaut()[:190, 120:310, :channels].astype(np.float64)
    noise = np.random.default_rng(0).normal(0, 9, truth.shape)
    image = np.clip(scipy.ndimage.gaussian_filter(truth, (1, 1, 0)) + noise, 0, 255)
    return truth.astype(dtype), np.round(image).astype(dtype)


def reference_ssim_map(truth: np.ndarray, image: np.ndarray, peak: float = 255.0) -> np.ndarray:
    """scikit-image's SSIM with the settings of Wang et al.; the outer 5 pixels are not valid."""
    _, full = skimage.metrics.structural_similarity(
        truth.astype(np.float64),
        image.astype(np.float64),
        data_range=peak,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return full[5:-5, 5:-5]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_psnr_matches_scikit_image(channels: int, dtype: type) -> None:
    truth, image = pair(channels, dtype)
    expected = skimage.metrics.peak_signal_noise_ratio(
        truth.astype(np.float64), image.astype(np.float64), data_range=255
    )
    assert psnr(truth, image) == pytest.approx(expected, abs=1e-10)


def test_psnr_by_hand() -> None:
    truth = np.zeros((4, 4), np.uint8)
    assert psnr(truth, truth + 255) == 0
    assert psnr(truth, truth + 16) == pytest.approx(20 * math.log10(255 / 16))
    assert psnr(truth + 255, truth) == 0  # no wrap-around of unsigned differences
    assert psnr(truth, truth) == math.inf
    assert psnr(truth / 1.0, truth + 0.1, peak=1.0) == pytest.approx(20)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_matches_scikit_image(channels: int) -> None:
    truth, image = pair(channels)
    assert ssim(truth, image) == pytest.approx(reference_ssim_map(truth, image).mean(), abs=1e-10)


def test_ssim_of_two_dimensions_and_other_peak() -> None:
    truth, image = pair(1)
    expected = ssim(truth, image)
    assert ssim(truth[:, :, 0], image[:, :, 0]) == pytest.approx(expected, abs=1e-14)
    assert ssim(truth / 255, image / 255, peak=1.0) == pytest.approx(expected, abs=1e-12)
    assert ssim(image, truth) == pytest.approx(expected, abs=1e-14)
    assert ssim(truth, truth) == 1


def test_ssim_of_the_smallest_picture_is_one_window() -> None:
    truth, image = (picture[:11, :11, :1].astype(np.float64) for picture in pair())
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))[:, :, None]
    window /= window.sum()
    mean_x, mean_y = (window * truth).sum(), (window * image).sum()
    var_x, var_y = (window * (truth - mean_x) ** 2).sum(), (window * (image - mean_y) ** 2).sum()
    covariance = (window * (truth - mean_x) * (image - mean_y)).sum()
    c1, c2 = 2.55**2, 7.65**2
    expected = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    expected /= (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    assert ssim(truth, image) == pytest.approx(expected, abs=1e-12)


def reference_ms_ssim(truth: np.ndarray, image: np.ndarray) -> float:
    """Wang, Simoncelli and Bovik's product, composed of SciPy's correlations."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets**2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(plane: np.ndarray) -> np.ndarray:
        rows = scipy.ndimage.correlate1d(plane, window, axis=0)
        return scipy.ndimage.correlate1d(rows, window, axis=1)[5:-5, 5:-5]

    x, y = truth.astype(np.float64), image.astype(np.float64)
    product = 1.0
    for scale, weight in enumerate([0.0448, 0.2856, 0.3001, 0.2363, 0.1333]):
        covariance = mean(x * y) - mean(x) * mean(y)
        variances = mean(x**2) - mean(x) ** 2 + mean(y**2) - mean(y) ** 2
        factor = (2 * covariance + 58.5225) / (variances + 58.5225)
        if scale == 4:
            factor = factor * (2 * mean(x) * mean(y) + 6.5025) / (mean(x) ** 2 + mean(y) ** 2 + 6.5025)
        product *= factor.mean() ** weight
        # As in the authors' code: the mean of a pixel and its right and lower neighbours, every other kept.
        x, y = (scipy.ndimage.uniform_filter(p, (2, 2, 1), origin=(-1, -1, 0))[::2, ::2] for p in (x, y))
    return product


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(190, 190), (161, 177)])
def test_ms_ssim_matches_scipy(channels: int, shape: tuple[int, int]) -> None:
    truth, image = (picture[: shape[0], : shape[1]] for picture in pair(channels))
    assert ms_ssim(truth, image) == pytest.approx(reference_ms_ssim(truth, image), abs=1e-9)
    assert ms_ssim(truth, truth) == pytest.approx(1, abs=1e-12)


def test_ssim_and_ms_ssim_are_those_of_their_own_functions() -> None:
    truth, image = pair(1)
    assert ssim_and_ms_ssim(truth / 255, image / 255, peak=1) == pytest.approx(
        (ssim(truth, image), ms_ssim(truth, image))
    )


def test_ms_ssim_counts_negative_factors_as_zero() -> None:
    truth, _ = pair(1)
    assert ms_ssim(truth, 255 - truth) == 0


@pytest.mark.parametrize("metric", [psnr, ssim, ms_ssim])
def test_refuses_different_shapes(metric: object) -> None:
    with pytest.raises(UsageError, match=r"shapes \(200, 200\) and \(200, 200, 1\): make them equal"):
        metric(np.zeros((200, 200)), np.zeros((200, 200, 1)))


def test_refuses_small_pictures() -> None:
    with pytest.raises(UsageError, match=r"at least 11 pixels, not \(10, 40\)"):
        ssim(np.zeros((10, 40)), np.zeros((10, 40)))
    with pytest.raises(UsageError, match=r"MS-SSIM needs sides of at least 161 pixels, not \(160, 400\)"):
        ms_ssim(np.zeros((160, 400)), np.zeros((160, 400)))


# Table 1 of Sharma, Wu, Dalal 2005: two colours in CIELAB and their difference.
SHARMA = np.array(
    [
        (50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425),
        (50, 3.1571, -77.2803, 50, 0, -82.7485, 2.8615),
        (50, 2.8361, -74.0200, 50, 0, -82.7485, 3.4412),
        (50, -1.3802, -84.2814, 50, 0, -82.7485, 1.0000),
        (50, -1.1848, -84.8006, 50, 0, -82.7485, 1.0000),
        (50, -0.9009, -85.5211, 50, 0, -82.7485, 1.0000),
        (50, 0, 0, 50, -1, 2, 2.3669),
        (50, -1, 2, 50, 0, 0, 2.3669),
        (50, 2.4900, -0.0010, 50, -2.4900, 0.0009, 7.1792),
        (50, 2.4900, -0.0010, 50, -2.4900, 0.0010, 7.1792),
        (50, 2.4900, -0.0010, 50, -2.4900, 0.0011, 7.2195),
        (50, 2.4900, -0.0010, 50, -2.4900, 0.0012, 7.2195),
        (50, -0.0010, 2.4900, 50, 0.0009, -2.4900, 4.8045),
        (50, -0.0010, 2.4900, 50, 0.0010, -2.4900, 4.8045),
        (50, -0.0010, 2.4900, 50, 0.0011, -2.4900, 4.7461),
        (50, 2.5, 0, 50, 0, -2.5, 4.3065),
        (50, 2.5, 0, 73, 25, -18, 27.1492),
        (50, 2.5, 0, 61, -5, 29, 22.8977),
        (50, 2.5, 0, 56, -27, -3, 31.9030),
        (50, 2.5, 0, 58, 24, 15, 19.4535),
        (50, 2.5, 0, 50, 3.1736, 0.5854, 1.0000),
        (50, 2.5, 0, 50, 3.2972, 0, 1.0000),
        (50, 2.5, 0, 50, 1.8634, 0.5757, 1.0000),
        (50, 2.5, 0, 50, 3.2592, 0.3350, 1.0000),
        (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
        (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
        (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
        (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
        (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
        (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
        (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
        (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
        (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
        (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
    ]
)


def test_ciede2000_of_the_published_pairs() -> None:
    first, second, expected = SHARMA[:, :3], SHARMA[:, 3:6], SHARMA[:, 6]
    np.testing.assert_allclose(ciede2000(first, second), expected, rtol=0, atol=5.1e-5)
    np.testing.assert_allclose(ciede2000(second, first), expected, rtol=0, atol=5.1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-3), (np.float64, 1e-9)])
def test_ciede2000_matches_scikit_image(dtype: type, tolerance: float) -> None:
    truth, image = (srgb_to_lab(levels / 255) for levels in pair())
    expected = skimage.color.deltaE_ciede2000(truth, image)
    assert expected.max() > 10
    result = ciede2000(truth.astype(dtype), image.astype(dtype))
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)


def test_ciede2000_of_greys_is_a_matter_of_lightness() -> None:
    black, white = np.zeros(3), np.array([100.0, 0, 0])
    assert ciede2000(white, black) == pytest.approx(100)
    assert ciede2000(white, white) == 0
    with pytest.raises(UsageError, match=r"shapes \(3,\) and \(2,\)"):
        ciede2000(white, black[:2])
