"""Table 5, Fig. 3 and 6: what the small pictures look like, and what they hold."""

import statistics
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from twinscale.codecs.encoding import encode
from twinscale.codecs.jpegls import CODEC as JPEG_LS
from twinscale.codecs.rate import bits_per_pixel
from twinscale.datasets import find_pictures
from twinscale.drawings import SideBySide
from twinscale.evaluation.looks import radial_spectrum
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.published import published_table
from twinscale.evaluation.trial import Trial
from twinscale.images.colour import luminance
from twinscale.images.downscaling import downscale
from twinscale.images.levels import to_pixels
from twinscale.images.picture import Picture
from twinscale.papers.car import networks
from twinscale.papers.car.networks import DOWNSCALERS, SCALES
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction, planes_of

Reduction = Callable[[NDArray], NDArray[np.uint8]]
"""From what :meth:`Protocol.truth` returns to the small picture in 8 bits."""

_AVERAGE = "Average"
_BANDS = 32  # of Fig. 6: barbara's small picture has 180 x 144 pixels


def reductions(reproduction: Reproduction, scale: int) -> dict[str, Reduction]:
    """Return what makes pictures small, by the paper's name: the classical methods, then CAR trained with EDSR."""

    def by(method: str) -> Reduction:
        return lambda truth: downscale(to_pixels(truth, np.uint8), scale, method)

    made: dict[str, Reduction] = {name: by(method) for name, method in DOWNSCALERS.items()}
    pair = reproduction.rescaler(networks.pair(reproduction, scale))
    return {**made, "CAR": lambda truth: to_pixels(pair.reduce(truth), np.uint8)}


def table_5(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 5."""
    printed = published_table("car", "table-5")
    reached: dict[str, dict[str, float]] = {}
    for scale in SCALES:
        for dataset in reproduction.sets:
            reached[f"{dataset} x{scale}"] = bits = {}
            for name in [*DOWNSCALERS, "CAR"]:
                bits[name], plain = _bits(reproduction, name, scale, dataset)
        reached[f"{_AVERAGE} x{scale}"] = ...
