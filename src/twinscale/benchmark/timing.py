"""Median times of functions that run in turns, so that a busy neighbour slows all of them."""

import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def medians(
    rounds: int,
    *functions: Callable[[], object],
    per: float = 1.0,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Return the median milliseconds of each function, divided by ``per``; they run in turns, after one warm-up."""
    times: list[list[float]] = [[] for _ in functions]
    for i in range(rounds + 1):
        for function, taken in zip(functions, times, strict=True):
            start = clock()
            function()
            if i:
                taken.append((clock() - start) * 1000)
    return [statistics.median(taken) / per for taken in times]


def random_pixels(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    """Make a picture of noise, ``(H, W, C)``: nothing in it is easier than in a photograph."""
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)
