"""Which of several backends is the fastest for a network on this processor: measured once, kept in the user's cache."""

import contextlib
import hashlib
import json
import platform
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinscale.cache import cache_folder
from twinscale.engine.network import Network
from twinscale.errors import PictureError, TwinscaleError
from twinscale.images.files import write_atomically

_LEAST_PIXELS = 2**18  # of a batch to measure for; fewer are done before another backend is imported and measured
_SIDE = 144  # pixels: side of the batch to measure with, a multiple of whatever a network requires
_ROUNDS = 3
_CLEARLY_FASTER = 0.9  # of the time: a backend that is hardly faster is not worth importing in every process


class Fastest:
    """A network that runs on one backend until a batch is large enough to ask which is the fastest.

    The answer is kept for the rest of the process, and in the cache folder for the next one; a cache that is damaged
    or cannot be written is measured again. All of the backends compute the same, to float32's rounding.

    Args:
        first: the network on the backend to begin with.
        name: the name of that backend.
        others: for each of the other backends, what loads the network on it.
        key: what the answer depends on besides the processor and the backends' versions: the network and its settings.
    """

    def __init__(self, first: Network, name: str, others: Mapping[str, Callable[[], Network]], *, key: bytes) -> None:
        self._network = first
        self._name = name
        self._others = dict(others)
        self._key = key
        self._deciding = threading.Lock()

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run on a batch; see :class:`twinscale.engine.network.Network`."""
        count, height, width, channels = batch.shape
        if self._others and count * height * width >= _LEAST_PIXELS:
            with self._deciding:
                if self._others:
                    self._decide(channels)
                    self._others = {}
        return self._network(batch)

    def _decide(self, channels: int) -> None:
        path = self._path()
        fastest = _kept(path)
        if fastest == self._name:
            return
        if fastest in self._others:
            with contextlib.suppress(TwinscaleError):  # it was the fastest, but no longer works: measure again
                self._network = self._others[fastest]()
                return
        networks = {self._name: self._network}
        for name, load in self._others.items():
            with contextlib.suppress(TwinscaleError):  # a backend that cannot load this network is not the fastest
                networks[name] = load()
        times = _seconds(networks, channels)
        fastest = min(times, key=lambda name: times[name], default=self._name)
        if fastest != self._name and times[fastest] > _CLEARLY_FASTER * times.get(self._name, np.inf):
            fastest = self._name
        self._network = networks[fastest]
        _keep(path, fastest, times)

    def _path(self) -> Path:
        versions = [f"{name} {_version(name)}" for name in sorted((self._name, *self._others))]
        parts = [_processor().encode(), *(text.encode() for text in versions), self._key]
        return cache_folder() / "fastest" / f"{hashlib.sha256(b' '.join(parts)).hexdigest()[:32]}.json"


def _version(name: str) -> str:
    from importlib import metadata  # slow to import, and seldom needed

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # a build for other devices, installed under another name
        return "of another build"


def _seconds(networks: Mapping[str, Network], channels: int) -> dict[str, float]:
    """Measure the shortest time of each network on noise, in turns; one that fails is left out."""
    batch = np.random.default_rng(0).random((1, _SIDE, _SIDE, channels), dtype=np.float32)
    times: dict[str, list[float]] = {name: [] for name in networks}
    for name, network in networks.items():
        try:
            network(batch)  # the first run compiles and allocates
        except (TwinscaleError, MemoryError):
            del times[name]
    for _ in range(_ROUNDS):
        for name, taken in times.items():
            start = time.perf_counter()
            networks[name](batch)
            taken.append(time.perf_counter() - start)
    return {name: min(taken) for name, taken in times.items()}


def _kept(path: Path) -> str | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return str(kept["fastest"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _keep(path: Path, fastest: str, times: Mapping[str, float]) -> None:
    milliseconds = {name: round(seconds * 1000, 2) for name, seconds in times.items()}
    text = json.dumps({"fastest": fastest, "milliseconds": milliseconds})
    with contextlib.suppress(OSError, PictureError):  # the next process measures again
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode(), overwrite=True)


def _processor() -> str:
    """Describe the kind of processor: its name and its features."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if known := sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}):
            return " ".join(known)
    return f"{platform.machine()} {platform.processor()}"
