"""How the small picture that super-resolution starts from is made from the full-size one."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twinscale.errors import ModelError, UsageError
from twinscale.evaluation.evaluate import received_reduction
from twinscale.evaluation.protocol import Colour, Protocol
from twinscale.evaluation.provenance import REFERENCE
from twinscale.images.downscaling import METHODS
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.linear import weighted_rows
from twinscale.rescale import Model, load
from twinscale.training.recipe import DataSpec

_METHODS = f"a classical method ({', '.join(METHODS)})"


@dataclass(frozen=True)
class Degradation:
    """Reduction, and enlargement before the networks that want it, as a recipe's data says.

    Planes are ``(H, W, C)`` in [0, 1] whose sides are multiples of ``scale``; small pictures are rounded
    as :class:`twinscale.evaluation.protocol.Protocol` says. Compression comes afterwards, in ``compression.py``.
    """

    scale: int
    colour: Colour
    data: DataSpec

    @cached_property
    def _protocol(self) -> Protocol:
        return Protocol(self.scale, self.colour)

    @cached_property
    def _pair(self) -> Model:
        try:
            pair = load(self.data.reduced_by, REFERENCE)
        except ModelError as error:
            raise ModelError(
                f"reduced_by = {self.data.reduced_by!r} is neither {_METHODS} nor a pair: {error}"
            ) from None
        if (pair.card.kind, pair.card.scale, pair.card.colour) != ("pair", self.scale, self.colour):
            raise UsageError(
                f"reduced_by = {self.data.reduced_by!r} must be {_METHODS} or a pair of scale {self.scale} and colour "
                f"{self.colour!r}"
            )
        return pair

    def reduce(self, truth: NDArray) -> NDArray:
        """Make the small picture, ``(H / scale, W / scale, C)``.

        Raises:
            ModelError: the pair that shrinks is missing or damaged.
            UsageError: it has another scale or colour, or is not a pair.
        """
        if self.data.blur:
            blurred = _blurred_and_subsampled(truth, self.scale, self.data.blur)
            return blurred if self.colour == "y" else to_planes(to_pixels(blurred, np.uint8))
        if self.data.reduced_by in METHODS:
            return self._protocol.reduce(truth, self.data.reduced_by)
        return received_reduction(self._pair)(truth)

    def enlarge(self, low: NDArray) -> NDArray:
        """Make the enlargement that some networks start from, ``(H, W, C)``."""
        return self._protocol.enlarge(low, self.data.enlarged_by)


def _blurred_and_subsampled(image: NDArray, scale: int, sigma: float) -> NDArray:
    """Blur by a Gaussian cut off at three sigma, and sample at the centre of every ``scale`` x ``scale`` block."""
    reach = math.ceil(3 * sigma)
    for _ in range(2):
        centre = (np.arange(image.shape[0] // scale) + 0.5) * scale - 0.5
        first = np.floor(centre).astype(np.intp) - reach
        distance = first[:, None] + np.arange(2 * reach + 2) - centre[:, None]
        weights = np.exp(-(distance**2) / (2 * sigma**2))
        weights /= weights.sum(axis=1, keepdims=True)
        image = np.ascontiguousarray(weighted_rows(image, first, weights).swapaxes(0, 1))
    return image
