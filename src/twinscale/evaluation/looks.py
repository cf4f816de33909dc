"""How a small picture looks: what it adds to, or takes from, the bicubic reduction of the same picture.

A pair may hide what it needs for restoring in its small picture. These figures say how much that still looks like
a picture: how close it is to the classical reduction, how busy, how rough, and how false its colours are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinscale.errors import UsageError
from twinscale.images.colour import luminance, srgb_to_lab
from twinscale.images.levels import to_planes
from twinscale.images.linear import Float64
from twinscale.images.metrics import ciede2000, psnr

_FLAT = 1e-12  # far below one level in one pixel of the largest picture, far above rounding


@dataclass(frozen=True, slots=True)
class Looks:
    """How one small picture looks beside the bicubic reduction of the same picture, or the mean over a set."""

    fidelity: float
    """PSNR in dB against the bicubic reduction, over all pixels and channels; infinite if both are equal."""
    total_variation: float
    """Total variation, as a multiple of the bicubic reduction's: above 1 is busier."""
    high_frequencies: float
    """Power of luminance from 0.25 to 0.5 cycles per pixel, as a multiple of the bicubic reduction's."""
    ciede2000: float | None = None
    """Colour difference CIEDE2000 from the bicubic reduction, mean over the pixels; None for luminance and grey."""
    ciede2000_p99: float | None = None
    """The same, 99th percentile over the pixels: the fringes that a mean does not show."""

    @property
    def colour_difference(self) -> str:
        """Mean and 99th percentile of CIEDE2000 as tables show them: ``2.9 / 17.0``."""
        if self.ciede2000 is None or self.ciede2000_p99 is None:
            return "–"
        return f"{self.ciede2000:.1f} / {self.ciede2000_p99:.1f}"

    @classmethod
    def beside(cls, small: NDArray[np.uint8], bicubic: NDArray[np.uint8]) -> "Looks":
        """Compare a small picture with the bicubic reduction, both ``(H, W, C)`` uint8: RGB, grey or Y.

        Where the bicubic reduction is flat, a ratio is 1 if the small picture is flat too, else infinite.

        Raises:
            UsageError: the shapes differ, or both sides are below four pixels.
        """
        mean, p99 = _colour_difference(small, bicubic) if small.shape[2] == 3 else (None, None)
        return cls(
            fidelity=psnr(bicubic, small),
            total_variation=_ratio(total_variation(small), total_variation(bicubic)),
            high_frequencies=_ratio(*(float(radial_spectrum(_luminance(p), bins=2)[1]) for p in (small, bicubic))),
            ciede2000=mean,
            ciede2000_p99=p99,
        )

    @classmethod
    def mean(cls, looks: "Sequence[Looks]") -> "Looks":
        """Average over pictures; colour difference only over those that have it."""
        return cls(
            fidelity=float(np.mean([look.fidelity for look in looks])),
            total_variation=float(np.mean([look.total_variation for look in looks])),
            high_frequencies=float(np.mean([look.high_frequencies for look in looks])),
            ciede2000=_mean([look.ciede2000 for look in looks]),
            ciede2000_p99=_mean([look.ciede2000_p99 for look in looks]),
        )


def total_variation(image: NDArray, *, peak: float = 255.0) -> float:
    """Sum the absolute differences of horizontal and of vertical neighbours, per pixel and channel.

    Args:
        image: ``(H, W)`` or ``(H, W, C)`` of any real type.
        peak: the range of its values.

    Returns:
        The sum in 8-bit levels, 0 to 510.
    """
    levels = image.astype(np.float64) * (255 / peak)
    differences = sum(float(np.abs(np.diff(levels, axis=axis)).sum()) for axis in (0, 1))
    return differences / levels.size


def radial_spectrum(plane: NDArray, bins: int) -> Float64:
    """Compute the mean power of a plane in bands of radial frequency: its periodogram under a Hann window.

    Band ``i`` holds the frequencies from ``i`` (exclusive) to ``i + 1`` (inclusive) times ``0.5 / bins`` cycles
    per pixel. The mean is removed; the corners beyond 0.5, which only diagonals reach, count in no band.

    Args:
        plane: ``(H, W)`` of any real type, such as luminance in levels.
        bins: number of bands.

    Returns:
        ``(bins,)`` power density: squared units of the plane per squared cycle per pixel. White noise
        has its variance in every band, whatever the picture's size.

    Raises:
        UsageError: the longer side is below ``2 * bins`` pixels, so that a band would be empty.
    """
    height, width = plane.shape
    if max(height, width) < 2 * bins:
        raise UsageError(f"a spectrum in {bins} bands needs a side of at least {2 * bins} pixels, not {width}x{height}")
    window = np.outer(_hann(height), _hann(width))
    values = plane.astype(np.float64)
    power = np.abs(np.fft.fft2((values - values.mean()) * window)) ** 2 / np.sum(window**2)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    # A frequency on the border of two bands stays in the lower one, however it was rounded.
    band = np.ceil(radius * 2 * bins - 1e-9).astype(np.intp).ravel()  # 0 is the mean
    total = np.bincount(band, weights=power.ravel(), minlength=bins + 1)
    mean: Float64 = (total / np.maximum(np.bincount(band, minlength=bins + 1), 1))[1 : bins + 1]
    return mean


def _hann(length: int) -> Float64:
    """Return the Hann window between its zeros, so that it reaches no further than the next frequency."""
    window: Float64 = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    return window


def _luminance(pixels: NDArray[np.uint8]) -> NDArray:
    """Return ``(H, W)`` levels: Y of RGB, else the only plane."""
    return (luminance(pixels / 255) * 255 if pixels.shape[2] == 3 else pixels)[:, :, 0]


def _colour_difference(small: NDArray[np.uint8], bicubic: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean and 99th percentile of CIEDE2000 over the pixels of two RGB pictures."""
    differences = ciede2000(*(srgb_to_lab(to_planes(pixels)) for pixels in (bicubic, small)))
    return float(differences.mean()), float(np.percentile(differences, 99))


def _mean(values: Sequence[float | None]) -> float | None:
    """Average over those that are there, None if none is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _ratio(small: float, bicubic: float) -> float:
    if bicubic < _FLAT:
        return 1.0 if small < _FLAT else math.inf
    return small / bicubic
