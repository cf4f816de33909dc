"""Total variation, spectra and looks, against plain loops, matrix products and closed forms."""

import itertools
import math

import numpy as np
import pytest
import skimage.color
import skimage.data

from twinscale.errors import UsageError
from twinscale.evaluation.looks import Looks, radial_spectrum, total_variation
from twinscale.images.resize import imresize


def photograph() -> np.ndarray:
    """``(50, 61, 3)`` levels, one side even and one odd."""
    return skimage.data.astronaut()[20:70, 180:241]


def noise(side: int, deviation: float) -> np.ndarray:
    return np.random.default_rng(0).normal(100, deviation, (side, side))


def periodogram(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radius and windowed power of each frequency, by matrices of cosines and sines."""
    waves, rings, windows = [], [], []
    for side in plane.shape:
        n = np.arange(side)
        waves.append(np.exp(-2j * np.pi * np.outer(n, n) / side))
        rings.append(np.minimum(n, side - n) / side)
        windows.append(0.5 - 0.5 * np.cos(2 * np.pi * (n + 0.5) / side))
    window = windows[0][:, None] * windows[1]
    spectrum = waves[0] @ (window * (plane - plane.mean())) @ waves[1]
    return np.sqrt(rings[0][:, None] ** 2 + rings[1] ** 2), np.abs(spectrum) ** 2 / (window**2).sum()


class TestTotalVariation:
    def test_by_hand(self) -> None:
        image = np.array([[0, 10, 30], [0, 200, 255]], np.uint8)
        assert total_variation(image) == pytest.approx((10 + 20 + 200 + 55 + 0 + 190 + 225) / 6)
        assert total_variation(image[:, :, None]) == total_variation(image)
        assert total_variation(image / 255, peak=1.0) == pytest.approx(total_variation(image))
        assert total_variation(image[:1]) == pytest.approx(10)  # one row has no vertical neighbours
        assert total_variation(np.full((5, 6, 3), 77, np.uint8)) == 0

    def test_against_a_loop(self) -> None:
        image, total = photograph()[:9, :11], 0
        for i, j, c in np.ndindex(9, 11, 3):
            total += abs(int(image[i, j, c]) - int(image[i - 1, j, c])) if i else 0
            total += abs(int(image[i, j, c]) - int(image[i, j - 1, c])) if j else 0
        assert total_variation(image) == pytest.approx(total / (9 * 11 * 3))

    def test_of_noise(self) -> None:
        # The difference of two normal values is normal, and its mean size is 2 sigma / sqrt(pi).
        assert total_variation(noise(400, 5.0)) == pytest.approx(2 * 2 * 5 / math.sqrt(math.pi), rel=0.01)


class TestRadialSpectrum:
    @pytest.mark.parametrize("bins", [1, 2, 7, 30])
    def test_against_matrix_products(self, bins: int) -> None:
        plane = photograph()[:, :, 1].astype(np.float64)
        radius, power = periodogram(plane)
        edges = np.arange(bins + 1) / (2 * bins) + 1e-12
        expected = [power[(radius > low) & (radius <= high)].mean() for low, high in itertools.pairwise(edges)]
        assert radial_spectrum(plane, bins) == pytest.approx(np.array(expected), rel=1e-9)

    def test_parseval(self) -> None:
        # Blurred to below half a cycle per pixel, so that the corners that no band holds are empty.
        plane = imresize(photograph()[:, :, 0].astype(np.float64), size=(48, 48), kernel="lanczos3")
        plane = imresize(plane, 4, kernel="lanczos3")
        radius, _ = periodogram(plane)
        inside = np.count_nonzero((radius > 0) & (radius <= 0.5))
        window = np.outer(*[np.sin(np.pi * (np.arange(192) + 0.5) / 192) ** 2] * 2)
        variance = np.average((plane - plane.mean()) ** 2, weights=window**2)
        mean = np.sum((plane - plane.mean()) * window) ** 2 / (window**2).sum()
        in_bands = radial_spectrum(plane, 1)[0] * inside / plane.size
        assert in_bands == pytest.approx(variance - mean / plane.size, rel=1e-4)

    def test_of_a_sinusoid(self) -> None:
        y, x = np.mgrid[:64, :48]
        wave = 100 + 12 * np.sin(2 * np.pi * (14 * y / 64 + 11 * x / 48))
        radius, _ = periodogram(wave)
        bins = 4
        power = radial_spectrum(wave, bins)
        own = int(math.hypot(14 / 64, 11 / 48) * 2 * bins)
        assert np.argmax(power) == own
        members = np.count_nonzero((radius > own / (2 * bins)) & (radius <= (own + 1) / (2 * bins)))
        assert power[own] * members / wave.size == pytest.approx(12**2 / 2, rel=0.01)
        assert np.delete(power, own).max() < 1e-9 * power[own]  # the window keeps the border out

    def test_of_white_noise(self) -> None:
        assert radial_spectrum(noise(400, 6.0), 10) == pytest.approx(np.full(10, 36.0), rel=0.15)
        assert radial_spectrum(noise(400, 6.0), 1)[0] == pytest.approx(36.0, rel=0.02)

    def test_borders_of_bands(self) -> None:
        x = np.arange(64)
        for period, band in ((2, 1), (4, 0)):  # Nyquist belongs to the last band, a quarter to the lower half
            stripes = np.tile(np.cos(2 * np.pi * x / period), (64, 1))
            assert np.argmax(radial_spectrum(stripes, 2)) == band
        checkerboard = (-1.0) ** np.add.outer(x, x)
        assert radial_spectrum(checkerboard, 2).max() < 1e-20  # beyond 0.5

    @pytest.mark.parametrize("side", [14, 49, 98, 103, 107])
    def test_no_band_is_empty(self, side: int) -> None:
        plane = np.random.default_rng(side).normal(size=(1, side))
        assert radial_spectrum(plane, side // 2).min() > 0

    def test_refuses_empty_bands(self) -> None:
        with pytest.raises(UsageError, match="a spectrum in 8 bands needs a side of at least 16 pixels, not 15x12"):
            radial_spectrum(np.zeros((12, 15)), 8)


class TestLooks:
    def test_against_the_steps_done_by_hand(self) -> None:
        bicubic = photograph()
        grain = np.random.default_rng(1).normal(0, 8, bicubic.shape)
        small = np.clip(np.round(bicubic + grain), 0, 255).astype(np.uint8)
        looks = Looks.beside(small, bicubic)
        error = np.mean((small / 1.0 - bicubic) ** 2)
        assert looks.fidelity == pytest.approx(10 * math.log10(255**2 / error))
        variations = [sum(np.abs(np.diff(p / 1.0, axis=axis)).sum() for axis in (0, 1)) for p in (small, bicubic)]
        assert looks.total_variation == pytest.approx(variations[0] / variations[1])
        high = []
        for pixels in (small, bicubic):
            radius, power = periodogram(pixels @ np.array([65.481, 128.553, 24.966]) / 255)
            high.append(power[(radius > 0.25) & (radius <= 0.5)].sum())
        assert looks.high_frequencies == pytest.approx(high[0] / high[1])
        differences = skimage.color.deltaE_ciede2000(*(skimage.color.rgb2lab(pixels) for pixels in (small, bicubic)))
        assert looks.ciede2000 == pytest.approx(differences.mean(), abs=1e-3)
        assert looks.ciede2000_p99 == pytest.approx(np.percentile(differences, 99), abs=1e-3)
        assert looks.colour_difference == f"{differences.mean():.1f} / {np.percentile(differences, 99):.1f}"
        assert looks.total_variation > 1
        assert looks.high_frequencies > 1

    def test_of_the_reduction_itself(self) -> None:
        colour = photograph()
        assert Looks.beside(colour, colour) == Looks(math.inf, 1.0, 1.0, 0.0, 0.0)

    def test_grey_has_no_colour_difference(self) -> None:
        grey = photograph()[:, :, :1]
        looks = Looks.beside(grey, grey)
        assert looks == Looks(math.inf, 1.0, 1.0, None, None)
        assert looks.colour_difference == "–"

    def test_of_flat_pictures(self) -> None:
        flat = np.full((20, 30, 3), 77, np.uint8)
        dotted = flat.copy()
        dotted[10, 10] += 1
        looks = Looks.beside(flat + 1, flat)
        step = pytest.approx(0.3, abs=0.05)  # between two greys, about the difference of their lightness
        assert looks == Looks(pytest.approx(20 * math.log10(255)), 1.0, 1.0, step, step)
        looks = Looks.beside(dotted, flat)
        assert (looks.total_variation, looks.high_frequencies) == (math.inf, math.inf)

    def test_mean(self) -> None:
        colour = [Looks(30.0, 1.0, 2.0, 1.0, 4.0), Looks(40.0, 2.0, 5.0, 2.0, 8.0)]
        assert Looks.mean(colour) == Looks(35.0, 1.5, 3.5, 1.5, 6.0)
        assert Looks.mean([Looks(30.0, 1.0, 2.0), *colour[1:]]) == Looks(35.0, 1.5, 3.5, 2.0, 8.0)
        assert Looks.mean([Looks(30.0, 1.0, 2.0)]) == Looks(30.0, 1.0, 2.0)

    def test_refuses_other_sizes(self) -> None:
        with pytest.raises(UsageError, match=r"shapes \(20, 30, 3\) and \(20, 29, 3\)"):
            Looks.beside(np.zeros((20, 29, 3), np.uint8), np.zeros((20, 30, 3), np.uint8))
