"""What pairs and upscalers bring back through JPEG files: ``python docs/experiments/pack.py MODEL ...``.

Prints rows of ``docs/experiments/pack.md``: the validation pictures of the recipe ``pack-jpeg-x2``, made half as
large by a pair or bicubically, saved as JPEG (4:2:0, tables of their own), and restored. ``jpeg`` is the codec alone,
at full size. Needs the training pictures (``TWINSCALE_DATA``), scipy, and models by their names or folders.
"""

import math
import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from twinscale.engine import run
from twinscale.evaluation.protocol import Protocol
from twinscale.images.levels import to_pixels
from twinscale.images.metrics import psnr
from twinscale.rescale import Model, load
from twinscale.rescale.channel import Jpeg
from twinscale.training.data import validation_examples
from twinscale.training.recipe import Recipe
from twinscale.training.split import split_pictures

QUALITIES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
SHOWN = (20, 50, 80)
ALONE = (3, 5, 8, 12, 16, 22, 30, 40, 55, 70, 80)

Points = list[tuple[float, float]]
"""Bits per pixel of the full-size picture, and PSNR in dB."""


def restored(model: Model, planes: NDArray) -> Iterator[tuple[int, NDArray]]:
    """Yield the bytes of the small picture's file at every quality, and what is restored of it."""
    protocol = Protocol(model.card.scale, model.card.colour)
    small = run(model.reduction, planes) if model.card.kind == "pair" else protocol.reduce(planes)
    for quality in QUALITIES:
        channel = Jpeg(quality=quality)
        enlargement = model.enlargement_told(channel.conditions(3) if model.card.conditions == "jpeg" else None)
        yield len(channel.file(small).data), run(enlargement, channel(small))


def alone(planes: NDArray) -> Iterator[tuple[int, NDArray]]:
    """Yield the bytes of a JPEG of the picture itself at every quality, and its pixels."""
    for quality in ALONE:
        file = Jpeg(quality=quality).file(planes)
        yield len(file.data), file.pixels / np.float32(255)


def points(name: str, planes: NDArray) -> Points:
    """Measure a model, or ``"jpeg"``, on one picture."""
    pixels = to_pixels(planes, np.uint8)
    files = alone(planes) if name == "jpeg" else restored(load(name), planes)
    return [(8 * size / pixels[..., 0].size, psnr(pixels, to_pixels(result, np.uint8))) for size, result in files]


def rate_difference(reference: Points, other: Points, below: float = math.inf) -> float:
    """Return how many percent more bits the other takes at equal PSNR, mean over the PSNR that both reach."""
    curves = [
        PchipInterpolator(*zip(*sorted((db, math.log(rate)) for rate, db in each), strict=True))
        for each in (reference, other)
    ]
    lowest = max(curve.x[0] for curve in curves)
    highest = min(*(curve.x[-1] for curve in curves), max(db for rate, db in reference if rate < below))
    means = [curve.integrate(lowest, highest) / (highest - lowest) for curve in curves]
    return 100 * math.expm1(means[1] - means[0])


def main() -> None:
    """Measure and print."""
    names = ["jpeg", *sys.argv[1:]]
    pictures = validation_examples(split_pictures(Recipe.load("pack-jpeg-x2").data)[1])
    measured = {name: [points(name, planes) for planes in pictures] for name in names}
    print("| model | " + " | ".join(f"quality {quality}" for quality in SHOWN) + " | all rates | below 0.5 bpp |")
    print("| --- |" + " ---: |" * (len(SHOWN) + 2))
    for name, results in measured.items():
        means = dict(zip(ALONE if name == "jpeg" else QUALITIES, np.mean(results, axis=0), strict=True))
        cells = ["{1:.2f} dB, {0:.3f}".format(*means[quality]) if quality in means else "" for quality in SHOWN]
        differences = [
            np.mean([rate_difference(*pair, below) for pair in zip(measured["jpeg"], results, strict=True)])
            for below in (math.inf, 0.5)
        ]
        print(f"| {name} | " + " | ".join(cells) + " | " + " | ".join(f"{d:+.1f} %" for d in differences) + " |")


if __name__ == "__main__":
    main()
