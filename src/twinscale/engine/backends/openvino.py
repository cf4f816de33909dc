"""OpenVINO: often faster on Intel's and AMD's processors, and able to compute in bfloat16 if they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twinscale.engine.backends import Backend, Loaded, Settings
from twinscale.engine.per_process import PerProcess
from twinscale.errors import UsageError, install

if TYPE_CHECKING:
    import openvino

_TYPES = {"float32": "f32", "bfloat16": "bf16"}


def _make_core() -> "openvino.Core":
    import openvino

    return openvino.Core()


# The one core of the process, which is never freed. Its CPU plugin gives the thread that loads it another stack for
# signals and unmaps that in the thread that frees it: if these are two, the next signal, such as Ctrl-C, is a
# segmentation fault.
_core = PerProcess(_make_core)


def _devices() -> tuple[str, ...]:
    found = [device.split(".")[0].lower() for device in _core().available_devices]  # GPU.0 and GPU.1 are one
    return tuple(dict.fromkeys(found))


def _precisions(device: str) -> tuple[str, ...]:
    offered = _core().get_property(device.upper(), "OPTIMIZATION_CAPABILITIES")
    return ("float32", "bfloat16") if "BF16" in offered else ("float32",)


def _load(model: bytes, settings: Settings) -> Loaded:
    properties: dict[str, Any] = {
        # By default it computes in bfloat16 on any processor that can.
        "INFERENCE_PRECISION_HINT": _TYPES[settings.precision],
        "PERFORMANCE_HINT": "LATENCY",
    }
    device = settings.device.upper()
    if settings.device == "cpu":
        # Pinned threads of two processes would share a core while another is idle.
        properties |= {"INFERENCE_NUM_THREADS": settings.threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
    elif settings.index:
        device += f".{settings.index}"
    core = _core()
    with _reasons_only():
        network = core.read_model(model)
    try:
        with _reasons_only():
            compiled = core.compile_model(network, device, properties)
    except RuntimeError as error:
        if settings.device == "cpu":
            raise
        raise UsageError(
            f"device {settings.device!r} cannot be used: OpenVINO could not compile for it ({error}); check its "
            "drivers, or use the device cpu"
        ) from None
    request = compiled.create_infer_request()
    count = compiled.input(0).partial_shape[0]

    def infer(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with _reasons_only():
            result = request.infer([batch], share_inputs=True, share_outputs=True)[0]
        return np.array(result)  # the request writes its next result to the same place

    return Loaded(infer, count.get_length() if count.is_static else None)


@contextmanager
def _reasons_only() -> Iterator[None]:
    """Leave of an error's message its last line: those before say where in OpenVINO it was raised."""
    try:
        yield
    except RuntimeError as error:
        raise RuntimeError((str(error).strip() or "no reason given").splitlines()[-1]) from None


BACKEND = Backend(
    name="openvino",
    module="openvino",
    remedy=install("openvino"),
    devices=_devices,
    usual_device=lambda: "cpu",
    precisions=_precisions,
    load=_load,
)
