"""The libraries that run networks: one file a backend, which defines its ``BACKEND``; nothing else is to be edited."""

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Infer = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""``(N, C, H, W)`` float32, contiguous, to the same; called by one thread at a time. The result is the caller's own."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network as its backend has it."""

    infer: Infer
    batch: int | None
    """How many pictures the file says that a run takes; None for any number."""


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
    """What it is imported as; its own files import it only when they are called."""
    package: str
    """What to give to ``pip install``."""
    devices: Callable[[], tuple[str, ...]]
    """The devices that are there, ``"cpu"`` among them."""
    usual_device: Callable[[], str]
    """Which of them to use unless one is named."""
    precisions: Callable[[str], tuple[str, ...]]
    """What it computes in on a device, ``"float32"`` first."""
    load: Callable[[bytes, Settings], Loaded]
    """Load the bytes of an ONNX file. Raises UsageError where the device cannot be used, and anything else where the
    bytes are no network."""

    @property
    def installed(self) -> bool:
        """Whether it can be imported; it is not imported to find out."""
        return importlib.util.find_spec(self.module) is not None


@functools.cache
def backends() -> dict[str, Backend]:
    """Every backend by its name, installed or not: one of every file in this folder."""
    files = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found: list[Backend] = [importlib.import_module(f"{__name__}.{file}").BACKEND for file in files]
    return {backend.name: backend for backend in found}
