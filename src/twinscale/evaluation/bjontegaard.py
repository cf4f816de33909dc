"""Bjøntegaard's differences: how many bits one way of coding spends more than another, and how many dB it gains.

G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001. Between the points, curves
of quality and of the logarithm of the rate are piecewise cubic and monotone (Fritsch and Butland, "A Method for
Constructing Local Monotone Piecewise Cubic Interpolants", SIAM J. Sci. Stat. Comput. 5(2), 1984), as in the standards
bodies' spreadsheets today; the single cubic of 2001 overshoots.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from twinscale.errors import UsageError
from twinscale.images.linear import Float64

_GAUSS = np.array([-1, 1]) / math.sqrt(3)  # nodes of the rule of two points, which is exact for cubics
_STEPS = 16  # per piece: an envelope changes from one curve to the next somewhere within


class RateDistortion(Protocol):
    """What can be compared: a :class:`Curve` or an :class:`Envelope`."""

    @property
    def qualities(self) -> Float64:
        """The qualities between which it is smooth, rising, in dB."""

    @property
    def log_rates(self) -> Float64:
        """The natural logarithms of rates between which it is smooth, rising."""

    def log_rate(self, quality: Float64) -> Float64:
        """Return the logarithm of the lowest rate that reaches a quality; infinity if none does."""

    def quality(self, log_rate: Float64) -> Float64:
        """Return the highest quality that a rate reaches; minus infinity if the rate is too low for any."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Quality against rate, through measured points; made by :meth:`of`."""

    log_rates: Float64
    """Natural logarithms of the rates, rising."""
    qualities: Float64
    """In dB, rising."""

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]]) -> "Curve":
        """Make the curve through points of rate and quality.

        Points that are no better than one of a lower or equal rate are left out, since nobody would choose them: what
        remains rises.

        Args:
            points: rates, such as bits per pixel, and qualities, such as PSNR in dB, in any order.

        Raises:
            UsageError: fewer than two points remain, or one is not finite or has no positive rate.
        """
        front: list[tuple[float, float]] = []
        for rate, quality in sorted(points, key=lambda point: (point[0], -point[1])):
            if not (0 < rate < math.inf and math.isfinite(quality)):
                raise UsageError(f"a curve cannot go through {quality} dB at the rate {rate}: leave out that point")
            if not front or quality > front[-1][1]:
                front.append((rate, quality))
        if len(front) < 2:
            raise UsageError("a curve needs two points of which the larger file is the better one: measure more")
        rates, qualities = np.array(front).T
        return cls(np.log(rates), qualities)

    def log_rate(self, quality: Float64) -> Float64:
        """Return the logarithm of the lowest rate that reaches a quality; infinity if none does."""
        reached = _interpolated(self.qualities, self.log_rates, np.maximum(quality, self.qualities[0]))
        return np.where(quality > self.qualities[-1], np.inf, reached)

    def quality(self, log_rate: Float64) -> Float64:
        """Return the highest quality that a rate reaches; minus infinity if the rate is too low for any."""
        reached = _interpolated(self.log_rates, self.qualities, np.minimum(log_rate, self.log_rates[-1]))
        return np.where(log_rate < self.log_rates[0], -np.inf, reached)


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """The best of several curves at each rate and at each quality."""

    curves: tuple[Curve, ...]

    @property
    def log_rates(self) -> Float64:
        """Where the curves have their points, rising."""
        return np.unique(np.concatenate([curve.log_rates for curve in self.curves]))

    @property
    def qualities(self) -> Float64:
        """Where the curves have their points, rising."""
        return np.unique(np.concatenate([curve.qualities for curve in self.curves]))

    def log_rate(self, quality: Float64) -> Float64:
        """Return the logarithm of the lowest rate that reaches a quality; infinity if none does."""
        lowest: Float64 = np.min([curve.log_rate(quality) for curve in self.curves], axis=0)
        return lowest

    def quality(self, log_rate: Float64) -> Float64:
        """Return the highest quality that a rate reaches; minus infinity if the rate is too low for any."""
        highest: Float64 = np.max([curve.quality(log_rate) for curve in self.curves], axis=0)
        return highest


def rate_difference(
    reference: RateDistortion, other: RateDistortion, *, below: float = math.inf, least: float = -math.inf
) -> float | None:
    """Compute the Bjøntegaard rate: how many bits more the other spends at equal quality, on average over quality.

    Args:
        reference: what to compare with.
        other: an envelope that holds the reference never spends more, so that the result is not above zero.
        below: only qualities for which the reference needs less than this rate.
        least: only qualities above this one.

    Returns:
        The difference in percent: -25 means that three quarters of the bits are enough. None if the two have no
        interval of quality in common.
    """
    span = least, float(reference.quality(np.array(math.log(below))))
    difference = _mean_difference(reference.log_rate, other.log_rate, reference.qualities, other.qualities, span)
    return None if difference is None else 100 * math.expm1(difference)


def quality_difference(reference: RateDistortion, other: RateDistortion, *, below: float = math.inf) -> float | None:
    """Compute the Bjøntegaard difference of quality at equal rate, on average over the logarithm of the rate.

    Args:
        reference: what to compare with.
        other: an envelope that holds the reference is never worse, so that the result is not below zero.
        below: only rates below this one.

    Returns:
        How many dB the other gains. None if the two have no interval of rates in common.
    """
    span = -math.inf, math.log(below)
    return _mean_difference(reference.quality, other.quality, reference.log_rates, other.log_rates, span)


def _mean_difference(
    reference: Callable[[Float64], Float64],
    other: Callable[[Float64], Float64],
    knots: Float64,
    other_knots: Float64,
    span: tuple[float, float],
) -> float | None:
    """Average ``other - reference`` over what both cover of a span."""
    low, high = max(knots[0], other_knots[0], span[0]), min(knots[-1], other_knots[-1], span[1])
    if not low < high:
        return None
    inner = np.concatenate([knots, other_knots])
    ends = np.unique(np.concatenate([[low, high], inner[(low < inner) & (inner < high)]]))
    shares = np.arange(_STEPS) / _STEPS
    edges = np.append((ends[:-1, None] + np.diff(ends)[:, None] * shares).ravel(), high)
    widths = np.diff(edges)
    nodes = (edges[:-1] + widths / 2)[:, None] + widths[:, None] / 2 * _GAUSS
    return float(np.sum((other(nodes) - reference(nodes)) * widths[:, None]) / 2 / (high - low))


def _interpolated(x: Float64, y: Float64, at: Float64) -> Float64:
    """Interpolate monotonically between points of rising ``x``; beyond the ends the outer cubics go on."""
    slopes = _slopes(x, y)
    left = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    width = (x[1:] - x[:-1])[left]
    t = (at - x[left]) / width
    return (
        y[left] * (1 + 2 * t) * (1 - t) ** 2
        + y[left + 1] * t**2 * (3 - 2 * t)
        + width * (slopes[left] * t * (1 - t) ** 2 - slopes[left + 1] * t**2 * (1 - t))
    )


def _slopes(x: Float64, y: Float64) -> Float64:
    """Return the slope at every point: a weighted harmonic mean inside, a limited parabola at the ends."""
    width, secant = np.diff(x), np.diff(y) / np.diff(x)
    if len(x) == 2:
        return np.repeat(secant, 2)
    before, after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    inner = (before + after) / (before / secant[:-1] + after / secant[1:])  # secants are positive: curves rise
    first, last = _end_slope(width, secant), _end_slope(width[::-1], secant[::-1])
    return np.concatenate([[first], inner, [last]])


def _end_slope(width: Float64, secant: Float64) -> float:
    """Return the slope of the parabola through the first three points at the first, but not below zero."""
    slope = ((2 * width[0] + width[1]) * secant[0] - width[0] * secant[1]) / (width[0] + width[1])
    return max(float(slope), 0.0)
