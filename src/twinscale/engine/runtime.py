"""What runs networks: a backend on a device, with a number of threads and a precision; chosen once per model."""

import functools
import os
import re
from dataclasses import dataclass

from twinscale.engine.backends import Backend, Loaded, Settings, backends
from twinscale.engine.contents import check_contents
from twinscale.engine.fastest import Fastest
from twinscale.engine.network import LoadedNetwork, Network, first_line
from twinscale.errors import ModelError, OutOfMemoryError, UsageError, is_lack_of_memory

_AUTO = "auto"
_DEFAULT = "onnxruntime"  # always installed, and quicker to import than any other


@dataclass(frozen=True, slots=True)
class Runtime:
    """How networks are run. Plain data, which can be compared, pickled and sent to another process."""

    threads: int | None = None
    """Processors to use; by default all that this process may use."""
    backend: str = _AUTO
    """The library: ``"onnxruntime"`` or ``"openvino"``. ``"auto"`` takes the fastest that is installed, as
    :class:`twinscale.engine.fastest.Fastest` measures it."""
    device: str = _AUTO
    """``"cpu"``, or another device that an installed backend offers: ``"cuda"``, ``"cuda:1"``, ``"tensorrt"``,
    ``"migraphx"``, ``"directml"``, ``"coreml"``, ``"gpu"`` (Intel's). ``"auto"`` takes a graphics card if the backend
    can use one, else the CPU. A device that is named is used or refused."""
    precision: str = "float32"
    """``"float32"``, or ``"bfloat16"`` if the backend offers it: about twice as fast, and off by a few levels."""

    @property
    def arithmetic(self) -> str:
        """Backend and precision, such as ``"onnxruntime float32"``: what decides the last digits of a result."""
        return f"{self.backend} {self.precision}"

    def load(self, model: bytes, *, name: str) -> Network:
        """Load the bytes of an ONNX file.

        Args:
            model: the file's contents.
            name: what errors call the network.

        Raises:
            ModelError: the bytes are not a network that this runtime can load, or need more than ONNX itself and these
                bytes.
            UsageError: the backend, the device or the precision is not available here.
            OutOfMemoryError: there is not enough memory for it.
        """
        check_contents(model, name=name)
        choices = self._choices()
        accelerated = [choice for choice in choices if choice[1].device != "cpu"]
        if self.device == _AUTO and accelerated:
            try:
                return _load(model, name, *accelerated[0])
            except UsageError:  # its library is installed, but this machine has no such device
                choices = [(backend, Settings("cpu", 0, given.threads, given.precision)) for backend, given in choices]
        (backend, settings), *rest = choices
        first = _load(model, name, backend, settings)
        if not rest:
            return first
        others = {backend.name: functools.partial(_load, model, name, backend, given) for backend, given in rest}
        return Fastest(first, backend.name, others, key=f"{settings.threads} threads".encode() + model)

    def check(self) -> None:
        """Find out early whether networks can be loaded.

        Raises:
            UsageError: the backend, the device, the precision or the number of threads is not available here.
        """
        self._choices()

    def _choices(self) -> list[tuple[Backend, Settings]]:
        """Return the backends that can do what is asked, each with its settings; the one to begin with comes first."""
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"threads {self.threads} must be at least 1; leave them out to use all processors")
        device, index = self._device()
        choices = [
            (backend, Settings(chosen, index, self.threads or available_processors(), self.precision))
            for backend in self._backends()
            for chosen in [backend.usual_device() if device == _AUTO else device]
            if (chosen == "cpu" or chosen in backend.devices())
            and (self.precision == "float32" or self.precision in backend.precisions(chosen))
        ]
        if not choices:
            raise UsageError(
                f"no backend here offers device {self.device!r} with precision {self.precision!r}"
                f"{'' if self.backend == _AUTO else f' and backend {self.backend!r}'}: available are {available()}"
            )
        return choices

    def _device(self) -> tuple[str, int]:
        """Return the kind of device, and which of that kind: ``"cuda:1"`` is the second ``"cuda"``."""
        match = re.fullmatch(r"(\w+)(?::(\d+))?", self.device)
        if match is None or (match[2] and match[1] in (_AUTO, "cpu")):
            raise UsageError(f"device {self.device!r} is not a name such as cpu, cuda or cuda:1")
        return match[1], int(match[2] or 0)

    def _backends(self) -> list[Backend]:
        """Return the backends to choose from, the one to begin with first."""
        known = backends()
        if self.backend == _AUTO:
            return sorted((b for b in known.values() if b.installed), key=lambda backend: backend.name != _DEFAULT)
        if self.backend not in known:
            raise UsageError(f"unknown backend {self.backend!r}: use auto or one of {', '.join(known)}")
        if not known[self.backend].installed:
            raise UsageError(f"backend {self.backend!r} is not installed: {known[self.backend].remedy}, or use auto")
        return [known[self.backend]]


def available() -> str:
    """Describe what this machine offers: ``"onnxruntime on cpu (float32), openvino on cpu (float32, bfloat16)"``."""
    return ", ".join(
        f"{backend.name} on {device} ({', '.join(backend.precisions(device))})"
        for backend in backends().values()
        if backend.installed
        for device in backend.devices()
    )


def available_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load(model: bytes, name: str, backend: Backend, settings: Settings) -> Network:
    def load() -> Loaded:
        try:
            return backend.load(model, settings)
        except UsageError:
            raise
        except Exception as error:
            if is_lack_of_memory(error):
                raise OutOfMemoryError(f"memory ran out while model {name} was loaded: close other programs") from None
            raise ModelError(f"model {name} cannot be loaded: {first_line(error)}") from None

    return LoadedNetwork(load, name=name)
