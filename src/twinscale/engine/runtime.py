"""What runs networks: a backend on a device, with so many threads, in some precision; chosen once for a model."""

import os
import typing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class Network(typing.Protocol):
    """A loaded network from batch to batch."""

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run on ``(N, H, W, C)`` float32; returns ``(N, H', W', C')`` float32, not clipped.

        Raises:
            MemoryError: the batch is too large for the memory at hand.
            ModelError: the network failed, or returned NaN or infinity.
        """


@dataclass(frozen=True, slots=True)
class Runtime:
    """How networks are run. It is plain data, so it can be compared, pickled and sent to another process."""

    threads: int | None = None
    """Processors to use; by default all that this process may use."""

    @property
    def arithmetic(self) -> str:
        """Backend and precision: what decides the last digits of a result."""
        return "onnxruntime float32"

    def load(self, model: bytes, *, name: str) -> Network:
        """Load the bytes of an ONNX file.

        Args:
            model: the file's contents.
            name: what to call the network in errors.

        Raises:
            ModelError: the bytes are no network that this runtime can load.
        """
        from twinscale.engine.backends.onnxruntime import OnnxRuntimeNetwork

        return OnnxRuntimeNetwork(model, name=name, threads=self.threads or available_processors())


def available_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
