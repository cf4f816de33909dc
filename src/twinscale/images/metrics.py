"""Full-reference quality: PSNR, SSIM, MS-SSIM and colour difference.

Pictures are ``(H, W)`` or ``(H, W, C)`` arrays whose values span ``peak`` (255 for 8 bits, 1 for
planes in [0, 1]). What to compare (channel, border, rounding) is for
``twinscale.evaluation.protocol`` to say.
"""

import math

import numpy as np
from numpy.typing import NDArray

from twinscale.errors import UsageError
from twinscale.images.linear import Float64, weighted_rows

_WINDOW = 11
_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03
_MS_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_MS_SMALLEST = (_WINDOW - 1) * 2 ** (len(_MS_WEIGHTS) - 1) + 1


def psnr(truth: NDArray, image: NDArray, *, peak: float = 255.0) -> float:
    """Compute the peak signal-to-noise ratio in dB over all pixels and channels; infinite if both are equal.

    Raises:
        UsageError: the shapes differ.
    """
    _check_shapes(truth, image)
    error = float(np.mean((truth.astype(np.float64) - image.astype(np.float64)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def ssim(truth: NDArray, image: NDArray, *, peak: float = 255.0) -> float:
    """Compute the structural similarity (Wang et al., IEEE TIP 13(4), 2004), mean over pixels and channels.

    Gaussian window of 11x11 and sigma 1.5, K = 0.01 and 0.03, population covariance, valid region.

    Raises:
        UsageError: the shapes differ, or a side is below 11 pixels.
    """
    return _ssim_and_contrast(truth, image, peak)[0]


def ms_ssim(truth: NDArray, image: NDArray, *, peak: float = 255.0) -> float:
    """Compute the multi-scale structural similarity (Wang, Simoncelli, Bovik, Asilomar 2003), five scales.

    Each scale halves the picture by 2x2 averages, an odd side's last row or column repeated as in the
    authors' code; negative factors count as zero.

    Raises:
        UsageError: the shapes differ, or a side is below 161 pixels (11 after four halvings).
    """
    return ssim_and_ms_ssim(truth, image, peak=peak)[1]


def ssim_and_ms_ssim(truth: NDArray, image: NDArray, *, peak: float = 255.0) -> tuple[float, float]:
    """Compute :func:`ssim` and :func:`ms_ssim` in hardly more time than the latter, whose first scale is the former.

    Raises:
        UsageError: see :func:`ms_ssim`.
    """
    _check_shapes(truth, image)
    if min(truth.shape[:2]) < _MS_SMALLEST:
        raise UsageError(f"MS-SSIM needs sides of at least {_MS_SMALLEST} pixels, not {truth.shape[:2]}")
    x, y = truth.astype(np.float64), image.astype(np.float64)
    scales = [_ssim_and_contrast(x, y, peak)]
    for _ in _MS_WEIGHTS[1:]:
        x, y = _halve(x), _halve(y)
        scales.append(_ssim_and_contrast(x, y, peak))
    factors = [*(contrast for _, contrast in scales[:-1]), scales[-1][0]]
    return scales[0][0], math.prod(max(each, 0.0) ** weight for each, weight in zip(factors, _MS_WEIGHTS, strict=True))


def ciede2000(first: NDArray, second: NDArray) -> NDArray:
    """Compute the colour difference CIEDE2000 of each pixel; about 1 is just noticeable on large patches.

    The result does not depend on the order. Equation numbers are those of Sharma, Wu, Dalal, "The CIEDE2000
    Color-Difference Formula", Color Research and Application 30(1), 2005; kL = kC = kH = 1.

    Args:
        first: ``(..., 3)`` float CIELAB, see :func:`twinscale.images.colour.srgb_to_lab`.
        second: the same for the other colour.

    Returns:
        ``(...)`` of the same type, not negative.

    Raises:
        UsageError: the shapes differ.
    """
    _check_shapes(first, second)
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(lab, -1, 0) for lab in (first, second))
    stretch = 1.5 - 0.5 * _saturation((_length(a1, b1) + _length(a2, b2)) / 2)  # 2 to 4
    a1, a2 = stretch * a1, stretch * a2  # 5
    c1, c2 = _length(a1, b1), _length(a2, b2)  # 6
    circle = 2 * np.pi
    h1, h2 = np.arctan2(b1, a1) % circle, np.arctan2(b2, a2) % circle  # 7
    turn = h2 - h1
    turn -= circle * np.round(turn / circle)  # 10, the short way round
    by_lightness, by_chroma = l2 - l1, c2 - c1  # 8, 9
    by_hue = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2)  # 11
    lightness, chroma = (l1 + l2) / 2 - 50, (c1 + c2) / 2  # 12, 13
    hue = (h1 + turn / 2) % circle  # 14; beside grey it is another, but by_hue is zero there
    weight = (  # 15
        1
        - 0.17 * np.cos(hue - math.radians(30))
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + math.radians(6))
        - 0.20 * np.cos(4 * hue - math.radians(63))
    )
    twist = math.radians(30) * np.exp(-(((hue - math.radians(275)) / math.radians(25)) ** 2))  # 16
    by_lightness /= 1 + 0.015 * lightness**2 / np.sqrt(20 + lightness**2)  # 18
    by_chroma /= 1 + 0.045 * chroma  # 19
    by_hue /= 1 + 0.015 * chroma * weight  # 20
    rotation = -2 * np.sin(2 * twist) * _saturation(chroma)  # 17, 21
    squared = by_lightness**2 + by_chroma**2 + by_hue**2 + rotation * by_chroma * by_hue  # 22
    difference: NDArray = np.sqrt(np.maximum(squared, 0))
    return difference


def _length(a: NDArray, b: NDArray) -> NDArray:
    length: NDArray = np.sqrt(a * a + b * b)  # several times as fast as hypot
    return length


def _saturation(chroma: NDArray) -> NDArray:
    """Rise from 0 for grey to 1 for the most vivid colours."""
    power = chroma**7
    risen: NDArray = np.sqrt(power / (power + 25.0**7))
    return risen


def _ssim_and_contrast(truth: NDArray, image: NDArray, peak: float) -> tuple[float, float]:
    """Compute the mean SSIM and the mean contrast-structure term (equations 13 and 12 with C3 = C2 / 2)."""
    _check_shapes(truth, image)
    if min(truth.shape[:2]) < _WINDOW:
        raise UsageError(f"SSIM needs sides of at least {_WINDOW} pixels, not {truth.shape[:2]}")
    x, y = truth.astype(np.float64), image.astype(np.float64)
    mean_x, mean_y = _gaussian(x), _gaussian(y)
    variances = _gaussian(x * x + y * y) - mean_x**2 - mean_y**2
    covariance = _gaussian(x * y) - mean_x * mean_y
    c1, c2 = (_K1 * peak) ** 2, (_K2 * peak) ** 2
    contrast = (2 * covariance + c2) / (variances + c2)
    similarity = contrast * (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(similarity.mean()), float(contrast.mean())


def _gaussian(image: Float64) -> Float64:
    """Compute Gaussian-weighted local means over the valid region."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    window = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    window /= window.sum()
    for _ in range(2):  # rows, then columns; two swaps restore the order
        valid = image.shape[0] - _WINDOW + 1
        image = weighted_rows(image, np.arange(valid), np.tile(window, (valid, 1)))
        image = np.ascontiguousarray(image.swapaxes(0, 1))
    return image


def _halve(image: Float64) -> Float64:
    odd = [(0, side % 2) for side in image.shape[:2]] + [(0, 0)] * (image.ndim - 2)
    image = np.pad(image, odd, mode="edge")
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4


def _check_shapes(truth: NDArray, image: NDArray) -> None:
    if truth.shape != image.shape:
        raise UsageError(f"cannot compare pictures of shapes {truth.shape} and {image.shape}: make them equal")
