"""One picture made small and brought back: what every measurement starts from."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from numpy.typing import NDArray

from twinscale.evaluation.protocol import Protocol, Scores

Transform = Callable[[NDArray], NDArray]
"""From planes ``(H, W, C)`` in [0, 1] to planes of another size."""


@dataclass(frozen=True, slots=True)
class Rescaler:
    """What is measured: a way to make pictures small and a way to bring them back."""

    reduce: Transform
    """From what :meth:`Protocol.truth` returns to the small picture as it would be stored."""
    enlarge: Transform
    """From the small picture to full size."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A picture and what a rescaler made of it; all planes ``(H, W, C)`` in [0, 1], the result perhaps not clipped."""

    truth: NDArray
    low: NDArray
    result: NDArray
    seconds: float
    """Time taken to bring it back."""

    @classmethod
    def of(cls, rescaler: Rescaler, protocol: Protocol, planes: NDArray) -> "Trial":
        """Try a rescaler on the planes of a picture.

        Raises:
            UsageError: the picture is too small to be measured.
        """
        truth = protocol.truth(planes)
        low = rescaler.reduce(truth)
        start = time.perf_counter()
        result = rescaler.enlarge(low)
        return cls(truth, low, result, time.perf_counter() - start)

    def scores(self, protocol: Protocol) -> Scores:
        """Score how close the result is to the truth."""
        return protocol.score(self.truth, self.result)


def bicubic(protocol: Protocol) -> Rescaler:
    """Return bicubic reduction and enlargement: the baseline of every table."""
    return Rescaler(protocol.reduce, protocol.enlarge)
