"""The ONNX Runtime backend."""

import os

import numpy as np
from numpy.typing import NDArray

from twinscale.errors import ModelError


class OnnxNetwork:
    """A network from picture to picture, run on the CPU by ONNX Runtime.

    Args:
        model: the bytes of an ONNX file.
        name: what to call it in errors.
        threads: how many to use; by default one for each processor this process may use.

    Raises:
        ModelError: the bytes are no network that this runtime can load.
    """

    def __init__(self, model: bytes, *, name: str, threads: int | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _processors()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._name = name
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"model {name} cannot be loaded: {_first_line(error)}") from None
        self._input = self._session.get_inputs()[0].name

    def __call__(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run on ``(H, W, C)`` float32 planes; returns ``(H', W', C)`` float32, not clipped.

        Raises:
            MemoryError: the picture, or tile, is too large for the memory at hand.
            ModelError: the network failed, or returned values that are no numbers.
        """
        batch = np.ascontiguousarray(planes.transpose(2, 0, 1)[None])
        try:
            result = self._session.run(None, {self._input: batch})[0]
        except Exception as error:
            message = _first_line(error)
            if "alloc" in message.lower() or "memory" in message.lower():
                raise MemoryError(message) from None
            raise ModelError(f"model {self._name} failed on {planes.shape[1]}x{planes.shape[0]}: {message}") from None
        if not np.isfinite(result).all():
            raise ModelError(f"model {self._name} returned values that are no numbers: its weights are damaged")
        return np.moveaxis(result[0], 0, -1)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
