"""A loaded network, as everything above the backends sees it."""

import typing
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from twinscale.engine.backends import Loaded
from twinscale.engine.per_process import PerProcess
from twinscale.errors import ModelError, is_lack_of_memory

_LONGEST_REASON = 200


class Network(typing.Protocol):
    """A loaded network from batch to batch."""

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run on ``(N, H, W, C)`` float32; returns ``(N, H', W', C')`` float32, not clipped.

        Raises:
            MemoryError: the batch is too large for the available memory.
            ModelError: the network failed, or returned NaN or infinity.
        """


class LoadedNetwork:
    """A network that a backend loaded, with the layout and the errors of :class:`Network`.

    Threads that call it at the same time wait for one another, because a single call already uses all the processors
    that the runtime grants. A forked process loads it again when it first calls it.

    Args:
        load: loads the file by a backend.
        name: what errors call it.

    Raises:
        Exception: what ``load`` raises.
    """

    def __init__(self, load: Callable[[], Loaded], *, name: str) -> None:
        self._loaded = PerProcess(load)
        self._name = name
        self._loaded()

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run on a batch; see :class:`Network`."""
        planes = np.ascontiguousarray(np.moveaxis(batch, 3, 1))
        loaded = self._loaded()
        pictures = loaded.batch or len(planes)
        try:
            with loaded.alone:
                results = [loaded.infer(planes[i : i + pictures]) for i in range(0, len(planes), pictures)]
        except Exception as error:
            message = first_line(error)
            if is_lack_of_memory(error):
                raise MemoryError(message) from None
            raise ModelError(f"model {self._name} failed on {batch.shape[2]}x{batch.shape[1]}: {message}") from None
        first = results[0]
        if not (isinstance(first, np.ndarray) and first.dtype == np.float32 and first.ndim == 4):
            kind = f"{first.dtype} of shape {first.shape}" if isinstance(first, np.ndarray) else type(first).__name__
            raise ModelError(f"model {self._name} returned {kind}, not pictures")
        result = first if len(results) == 1 else np.concatenate(results)
        with np.errstate(over="ignore", invalid="ignore"):
            total = result.sum()  # NaN or infinity if any value is, without a second array; or it merely overflowed
        if not (np.isfinite(total) or np.isfinite(result).all()):
            reason = "its weights are damaged" if np.isfinite(planes).all() else "it was given some"
            raise ModelError(f"model {self._name} returned NaN or infinity: {reason}")
        return np.moveaxis(result, 1, 3)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or else its type; runtimes name the places in their own code."""
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}…"
