"""The libraries that run networks: one file per backend, which defines its ``BACKEND``; nothing else changes."""

import functools
import importlib
import importlib.util
import pkgutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Infer = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Maps contiguous ``(N, C, H, W)`` float32 to the same, called by one thread at a time. The caller owns the result."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network as its backend loaded it."""

    infer: Infer
    batch: int | None
    """How many pictures one run takes, according to the file; None for any number."""
    alone: threading.Lock = field(default_factory=threading.Lock)
    """Held by the thread that calls ``infer``."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a backend is told about how to run a network."""

    device: str
    """One of the backend's devices."""
    index: int
    """Which of several devices of that kind."""
    threads: int
    precision: str


@dataclass(frozen=True, slots=True)
class Backend:
    """One library that runs networks."""

    name: str
    module: str
    """The module to import; the backend's file imports it only when it is called."""
    remedy: str
    """How to install it, for the end of a message."""
    devices: Callable[[], tuple[str, ...]]
    """The devices that are available, including ``"cpu"``."""
    usual_device: Callable[[], str]
    """The device to use unless one is named."""
    precisions: Callable[[str], tuple[str, ...]]
    """The precisions it offers on a device, ``"float32"`` first."""
    load: Callable[[bytes, Settings], Loaded]
    """Loads the bytes of an ONNX file. Raises UsageError if the device cannot be used, and any other error if the bytes
    are not a network."""

    @property
    def installed(self) -> bool:
        """Whether it can be imported; finding out does not import it."""
        return importlib.util.find_spec(self.module) is not None


@functools.cache
def backends() -> dict[str, Backend]:
    """Return all backends by name, installed or not: one from each file in this folder."""
    files = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found: list[Backend] = [importlib.import_module(f"{__name__}.{file}").BACKEND for file in files]
    return {backend.name: backend for backend in found}
