"""One large picture through :func:`twinscale.upscale`, next to the bare runtimes on the same network."""

import math
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from twinscale.benchmark.timing import peak_mebibytes, random_pixels
from twinscale.engine import Runtime
from twinscale.engine.backends import Infer, Settings, backends
from twinscale.engine.runtime import available_processors
from twinscale.images.picture import Picture
from twinscale.rescale import load, upscale
from twinscale.zoo import load_card

_TILES = (256, 512, 768, 1024)
_WARM_UP_SIDE = 144
_Run = tuple[float, float, float | None]  # seconds, processor seconds, peak in mebibytes
_SPARE = 2.5  # an untiled run is tried if free memory is this many times what the network holds


@dataclass(frozen=True, slots=True)
class PictureSpeed:
    """One way to enlarge the picture."""

    runner: str
    """``"twinscale"``, or a backend by itself."""
    tile: int | None
    """Tile of a backend by itself; None if it has the whole picture at once."""
    seconds: float
    """Median, without loading the network."""
    processor_seconds: float
    """Median over all threads; what a busy neighbour changes least."""
    peak_mebibytes: float | None
    """Largest resident memory of a process that does nothing else; None if the system does not report it."""


@dataclass(frozen=True, slots=True)
class PictureComparison:
    """All ways, and the time of twinscale in comparison with the fastest of the bare runtimes."""

    speeds: list[PictureSpeed]
    left_out: list[str]
    """What was not measured, and why."""

    @property
    def ratio(self) -> float:
        """Time of twinscale in proportion to that of the fastest bare runtime."""
        own, *bare = self.speeds
        return own.seconds / min(speed.seconds for speed in bare)


def measure_picture(
    model: str, megapixels: float, rounds: int, runtime: Runtime, notify: Callable[[str], None] = lambda line: None
) -> PictureComparison:
    """Enlarge a random 8-bit RGB picture of 4:3 with an upscaler, and its float32 planes with every backend alone.

    The backends run untiled, if memory allows, and in the best of some tilings with the halo that the network needs.
    Every run has a process of its own; they take turns.

    Args:
        model: name of an RGB upscaler, or the folder it was exported to.
        megapixels: size of the small picture.
        rounds: how often each runs.
        runtime: what twinscale runs on; the backends run on the CPU with as many threads, in float32.
        notify: called with one line for every run.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    unit = round((megapixels * 1e6 / 12) ** 0.5)
    size = (3 * unit, 4 * unit)
    threads = runtime.threads or available_processors()
    part = load_card(model).up
    contenders: list[tuple[str, int | None]] = [("twinscale", None)]
    left_out: list[str] = []
    needed = _SPARE * size[0] * size[1] * part.activation_bytes
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        for name in (name for name, backend in backends().items() if backend.installed):
            tile = fresh.submit(_best_tile, model, name, size, threads).result()
            notify(f"{name}: tiles of {tile} are fastest")
            contenders.append((name, tile))
            if needed < _free_memory():
                contenders.append((name, None))
            else:
                left_out.append(f"{name} untiled: needs about {needed / 2**30:.0f} GiB to be safe")
        runs: dict[tuple[str, int | None], list[_Run]] = {}
        for i in range(rounds):
            for name, side in contenders:
                if name == "twinscale":
                    job = fresh.submit(_twinscale, model, size, runtime)
                else:
                    job = fresh.submit(_bare, model, name, size, threads, side)
                runs.setdefault((name, side), []).append(job.result())
                tiles = f" in tiles of {side}" if side else ""
                notify(f"round {i + 1} of {rounds}: {name}{tiles}: {job.result()[0]:.2f} s")
    speeds = []
    for (name, side), taken in runs.items():
        seconds = statistics.median(run[0] for run in taken)
        processor_seconds = statistics.median(run[1] for run in taken)
        peaks = [run[2] for run in taken if run[2] is not None]
        speeds.append(PictureSpeed(name, side, seconds, processor_seconds, max(peaks, default=None)))
    return PictureComparison(speeds, left_out)


def _twinscale(model: str, size: tuple[int, int], runtime: Runtime) -> _Run:
    loaded = load(model, runtime)
    upscale(Picture(random_pixels(_WARM_UP_SIDE, _WARM_UP_SIDE)), model=loaded)
    picture = Picture(random_pixels(*size))
    return _timed(lambda: upscale(picture, model=loaded))


def _bare(model: str, backend: str, size: tuple[int, int], threads: int, tile: int | None) -> _Run:
    infer, scale, halo = _loaded(model, backend, threads)
    planes = _planes(size)
    return _timed(lambda: _tiled(infer, planes, scale, halo, tile) if tile else infer(planes))


def _timed(work: Callable[[], object]) -> _Run:
    start, processor_start = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - processor_start, peak_mebibytes()


def _best_tile(model: str, backend: str, size: tuple[int, int], threads: int) -> int:
    """Return the side of a tile with which the whole picture would take the least time, judged by one tile."""
    infer, _, halo = _loaded(model, backend, threads)

    def expected(tile: int) -> float:
        planes = _planes(tuple(min(side, tile + 2 * halo) for side in size))
        infer(planes)
        start = time.perf_counter()
        infer(planes)
        tiles = math.prod(math.ceil(side / tile) for side in size)
        return (time.perf_counter() - start) * tiles

    return min(_TILES, key=expected)


def _loaded(model: str, backend: str, threads: int) -> tuple[Infer, int, int]:
    """Load a network on a backend; also return its scale and its radius."""
    card = load_card(model)
    infer = backends()[backend].load(card.read(card.up), Settings("cpu", 0, threads, "float32")).infer
    infer(_planes((_WARM_UP_SIDE, _WARM_UP_SIDE)))
    return infer, card.scale, int(card.up.radius)


def _planes(size: tuple[int, ...]) -> NDArray[np.float32]:
    height, width = size
    return np.random.default_rng(0).random((1, 3, height, width), dtype=np.float32)


def _tiled(infer: Infer, planes: NDArray[np.float32], scale: int, halo: int, tile: int) -> NDArray[np.float32]:
    """Run the plain loop that one would write around a runtime: tiles with a halo, which is thrown away."""
    _, channels, height, width = planes.shape
    out = np.empty((1, channels, height * scale, width * scale), np.float32)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            above, before = max(0, top - halo), max(0, left - halo)
            window = planes[:, :, above : top + tile + halo, before : left + tile + halo]
            result = infer(np.ascontiguousarray(window))
            target = out[:, :, top * scale : (top + tile) * scale, left * scale : (left + tile) * scale]
            rows, columns = (top - above) * scale, (left - before) * scale
            target[:] = result[:, :, rows : rows + target.shape[2], columns : columns + target.shape[3]]
    return out


def _free_memory() -> float:
    """Return the bytes of free memory, or 0 if the system does not report them."""
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return 0
