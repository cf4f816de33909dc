"""ONNX Runtime."""

import numpy as np
from numpy.typing import NDArray

from twinscale.errors import ModelError


class OnnxRuntimeNetwork:
    """A network that ONNX Runtime runs on the CPU.

    Args:
        model: the bytes of an ONNX file.
        name: what to call it in errors.
        threads: how many to use.

    Raises:
        ModelError: the bytes are no network that ONNX Runtime can load.
    """

    def __init__(self, model: bytes, *, name: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._name = name
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"model {name} cannot be loaded: {_first_line(error)}") from None
        self._input = self._session.get_inputs()[0].name

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run on a batch; see :class:`twinscale.engine.runtime.Network`."""
        inputs = np.ascontiguousarray(np.moveaxis(batch, 3, 1))
        try:
            result = self._session.run(None, {self._input: inputs})[0]
        except Exception as error:
            message = _first_line(error)
            if "alloc" in message.lower() or "memory" in message.lower():
                raise MemoryError(message) from None
            raise ModelError(f"model {self._name} failed on {batch.shape[2]}x{batch.shape[1]}: {message}") from None
        if not np.isfinite(result).all():
            raise ModelError(f"model {self._name} returned NaN or infinity: its weights are damaged")
        return np.moveaxis(result, 1, 3)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
