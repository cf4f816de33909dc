"""What curves of rate and distortion say: differences from the codec alone, and means over a set.

For each picture, :data:`PACKED` is the envelope of the ways that :func:`twinscale.pack` has: the best at each rate, by
the metric that is looked at. Since the codec alone is one of them, the envelope is nowhere below it. What packing
delivers is :data:`CHOSEN`, the way that is best by PSNR-RGB at each rate, whatever the metric that is looked at then.

Differences are computed for each picture and then averaged, so that each counts the same whatever it costs. Mean
curves, which are only drawn, are taken at fixed settings: a way's points at one quality of the codec are averaged over
the pictures, in bits per pixel and in dB. The envelope has no such quality; it gets as many bytes for each picture as
the codec alone takes at a quality, so that the two have points at equal mean rates.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from twinscale.evaluation.bjontegaard import Curve, Envelope, rate_difference
from twinscale.evaluation.rate_distortion.measuring import ALONE, METRICS, QUALITIES
from twinscale.evaluation.rate_distortion.record import Measured

PACKED = "packed"
"""What the envelope is called among the ways."""

CHOSEN = "packed by PSNR-RGB"
"""What the ways that are best by PSNR-RGB are called, taken together."""

LOW = 0.5
"""Bits per pixel below which rates are low; figures are given for these, too."""

_CHOICES = 400  # rates at which a way is chosen, between the smallest and the largest file


def differences(
    rows: Sequence[Measured], reference: Sequence[Measured], metric: str, below: float
) -> dict[str, list[float]]:
    """Compute Bjøntegaard rates against a codec alone, over scores that the ways' own codec reaches alone, too.

    Args:
        rows: the ways of one codec on a set.
        reference: the same of the codec to compare with.
        metric: a key of :data:`METRICS`.
        below: only scores for which the reference needs less than this rate.

    Returns:
        By way, the last being :data:`PACKED` and :data:`CHOSEN`: percent for each picture that has scores in common.
    """
    found: dict[str, list[float]] = {}
    anchors = {row.picture: row.curve(metric) for row in reference if row.way == ALONE}
    for picture, curves in curves_of(rows, metric).items():
        for way, curve in curves.items():
            found.setdefault(way, [])
            anchor, alone = anchors.get(picture), curves.get(ALONE)
            if anchor and alone:
                difference = rate_difference(anchor, curve, below=below, least=float(alone.qualities[0]))
                found[way] += [] if difference is None else [difference]
    return found


def mean_lines(rows: Sequence[Measured], metric: str) -> dict[str, list[tuple[float, float]]]:
    """Average the curves of one codec over a set; see the module.

    Args:
        rows: the ways of one codec on a set.
        metric: a key of :data:`METRICS`.

    Returns:
        By way, :data:`PACKED` being the second: mean bits per pixel and mean dB.
    """
    ways: dict[str, list[dict[int, tuple[float, float]]]] = {ALONE: [], PACKED: []}
    curves = curves_of(rows, metric)
    for row in rows:
        points = row.at(metric)
        ways.setdefault(row.way, []).append(points)
        if row.way == ALONE and row.picture in curves:
            best = curves[row.picture][PACKED]
            rates = {quality: rate for quality, (rate, _) in points.items()}
            ways[PACKED].append({q: (rate, float(best.quality(np.array(math.log(rate))))) for q, rate in rates.items()})
    return {way: _mean_points(pictures) for way, pictures in ways.items() if pictures}


def panels(rows: Iterable[Measured], metric: str) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Return the mean curves of a set as they are drawn: a panel for each codec, and one for all if there are several.

    Args:
        rows: what was measured on the set.
        metric: a key of :data:`METRICS`.

    Returns:
        Lines by the name of their panel: in each, those of the codecs :data:`ALONE` come before those to compare with.
    """
    lines = {codec: mean_lines(own, metric) for codec, own in by_codec(rows).items()}
    together = {f"{codec} {way}": own[way] for codec, own in lines.items() for way in (ALONE, PACKED) if way in own}
    return {**lines, "alone and packed": together} if len(lines) > 1 else lines


def summary(rows: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return the Bjøntegaard rate of every way against its codec alone as plain data, by set, codec, way and metric."""
    return [
        {
            "dataset": dataset,
            "codec": codec,
            "way": way,
            "metric": metric,
            "below_bits_per_pixel": None if below == math.inf else below,
            "percent": statistics.mean(found) if found else None,
            "pictures": len(found),
        }
        for dataset in sorted({row.dataset for row in rows})
        for codec, own in by_codec(row for row in rows if row.dataset == dataset).items()
        for metric in METRICS
        for below in (LOW, math.inf)
        for way, found in differences(own, own, metric, below).items()
        if way != ALONE
    ]


def by_codec(rows: Iterable[Measured]) -> dict[str, list[Measured]]:
    """Sort what was measured on a set by codec, the most common codec first."""
    groups: dict[str, list[Measured]] = {codec: [] for codec in QUALITIES}
    for row in rows:
        groups[row.codec].append(row)
    return {codec: own for codec, own in groups.items() if own}


def curves_of(rows: Sequence[Measured], metric: str) -> dict[str, dict[str, Curve | Envelope]]:
    """Return the curves of one codec by picture and way, the last being :data:`PACKED` and :data:`CHOSEN`."""
    found: dict[str, dict[str, Curve | Envelope]] = {}
    packed: dict[str, list[tuple[Curve, Curve]]] = {}
    for row in rows:
        curve, decisive = row.curve(metric), row.curve("PSNR-RGB")
        if curve and decisive:
            found.setdefault(row.picture, {})[row.way] = curve
            packed.setdefault(row.picture, []).extend([(decisive, curve)] * row.is_packed)
    for picture, pairs in packed.items():
        deciding, shown = zip(*pairs, strict=True)
        found[picture] |= {PACKED: Envelope(shown), CHOSEN: _chosen(deciding, shown)}
    return found


def _chosen(deciding: Sequence[Curve], shown: Sequence[Curve]) -> Curve:
    """Return the curve of one metric through those ways that are the best by another at each rate."""
    log_rates = np.linspace(
        min(curve.log_rates[0] for curve in deciding), max(curve.log_rates[-1] for curve in deciding), _CHOICES
    )
    best = np.argmax([curve.quality(log_rates) for curve in deciding], axis=0)
    reached = np.array([curve.quality(log_rates) for curve in shown])[best, np.arange(_CHOICES)]
    return Curve.of(zip(np.exp(log_rates).tolist(), reached.tolist(), strict=True))


def _mean_points(pictures: list[dict[int, tuple[float, float]]]) -> list[tuple[float, float]]:
    """Average the points at each quality of the codec that all pictures have."""
    common = sorted(set.intersection(*(set(points) for points in pictures)))
    return [tuple(np.mean([points[quality] for points in pictures], axis=0).tolist()) for quality in common]
