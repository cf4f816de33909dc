"""ONNX Runtime: on the CPU, and on whatever else the installed build has a provider for."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinscale.engine.backends import Backend, Loaded, Settings
from twinscale.errors import UsageError

_PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "directml": "DmlExecutionProvider",
    "cpu": "CPUExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
# The others are used only when they are named: TensorRT compiles for minutes, CoreML may compute in float16.
_USUAL = ("cuda", "migraphx", "directml", "cpu")
_OPTIONS: dict[str, dict[str, Any]] = {
    # TF32 has ten bits of mantissa; an exhaustive search for algorithms starts anew for each tile size.
    "cuda": {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
    "coreml": {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"},
}
_ONE_OF_A_KIND = {"cpu", "coreml"}


def library() -> Any:
    """Import ONNX Runtime, without what reports every session to its makers from version 1.29 on, on any system.

    That also has a thread, without which a forked process could not end.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime


def _devices() -> tuple[str, ...]:
    available = library().get_available_providers()
    return tuple(device for device, provider in _PROVIDERS.items() if provider in available)


def _usual_device() -> str:
    here = _devices()
    return next(device for device in _USUAL if device in here)


def _load(model: bytes, settings: Settings) -> Loaded:
    onnxruntime = library()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised, too
    options.enable_mem_pattern = False  # it doubles peak memory from the second run on, and makes no run faster
    provider = _PROVIDERS[settings.device]
    wanted = dict(_OPTIONS.get(settings.device, {}))
    if settings.device not in _ONE_OF_A_KIND:
        wanted["device_id"] = str(settings.index)
    providers = list(dict.fromkeys([provider, _PROVIDERS["cpu"]]))
    chosen = [wanted if name == provider else {} for name in providers]
    session = onnxruntime.InferenceSession(model, options, providers=providers, provider_options=chosen)
    if provider not in session.get_providers():
        raise UsageError(
            f"device {settings.device!r} cannot be used: ONNX Runtime has {provider} but could not start it; check "
            "the device and its drivers, or use the device cpu"
        )
    (given,) = session.get_inputs()

    def infer(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = session.run(None, {given.name: batch})[0]
        return result

    return Loaded(infer, given.shape[0] if isinstance(given.shape[0], int) else None)


BACKEND = Backend(
    name="onnxruntime",
    module="onnxruntime",
    remedy="install twinscale again",
    devices=_devices,
    usual_device=_usual_device,
    precisions=lambda device: ("float32",),
    load=_load,
)
