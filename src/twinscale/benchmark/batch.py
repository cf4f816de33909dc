"""A folder of photographs as a batch, next to the sum of its stages."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from twinscale.batch import Job, Upscale, Writing, plan, run
from twinscale.batch.task import Task
from twinscale.batch.work import Process
from twinscale.errors import TwinscaleError

_TURN = 5  # pictures that go through the stages one by one, and then as a batch
_REPLACE = Writing(existing="replace")


@dataclass(frozen=True, slots=True)
class BatchSpeed:
    """Upscaling a folder of JPEG photographs into another; seconds for all of them."""

    decode: float
    network: float
    encode: float
    """Including writing the file."""
    batch: float
    """All stages, overlapped."""

    @property
    def ratio(self) -> float:
        """Time of the batch in proportion to the sum of its stages."""
        return self.batch / (self.decode + self.network + self.encode)


def measure_batch(pictures: int, megapixels: float, work: Upscale) -> BatchSpeed:
    """Upscale synthetic photographs of 3:2 stage by stage and as :func:`twinscale.batch.run` does, in turns.

    Args:
        pictures: how many.
        megapixels: size of each.
        work: what to do.

    Raises:
        TwinscaleError: the first error of a picture.
    """
    process = work.load()
    stages, batch = np.zeros(3), 0.0
    with tempfile.TemporaryDirectory() as folder:
        jobs = _make_jobs(Path(folder), pictures, megapixels, work)
        _seconds_of_stages(jobs[0], work, process)  # loads the network
        for start in range(0, pictures, _TURN):
            turn = jobs[start : start + _TURN]
            stages += np.sum([_seconds_of_stages(job, work, process) for job in turn], axis=0)
            batch += _seconds_of_batch(turn, work)
    decode, network, encode = map(float, stages)
    return BatchSpeed(decode, network, encode, batch)


def _seconds_of_stages(job: Job, work: Upscale, process: Process) -> NDArray[np.float64]:
    """Measure the times of decoding, of the network, and of encoding and writing."""
    task = Task(job, work, _REPLACE)
    task.check()
    times = [time.perf_counter()]
    task.open()
    times.append(time.perf_counter())
    task.process(process)
    times.append(time.perf_counter())
    error = task.write().error
    times.append(time.perf_counter())
    if error:
        raise error
    return np.diff(times)


def _seconds_of_batch(jobs: Sequence[Job], work: Upscale) -> float:
    start = time.perf_counter()
    errors: list[TwinscaleError] = [outcome.error for outcome in run(jobs, work, _REPLACE) if outcome.error]
    if errors:
        raise errors[0]
    return time.perf_counter() - start


def _make_jobs(folder: Path, pictures: int, megapixels: float, work: Upscale) -> list[Job]:
    source, target = folder / "photographs", folder / "larger"
    source.mkdir()
    for number in range(pictures):
        Image.fromarray(_photograph(number, megapixels)).save(source / f"{number:04}.jpg", quality=92)
    return plan([str(source)], work, output=str(target))


def _photograph(seed: int, megapixels: float) -> NDArray[np.uint8]:
    """Make smooth shapes with a little noise, ``(H, W, 3)``: about as hard to encode as a photograph."""
    rng = np.random.default_rng(seed)
    unit = max(1, round((megapixels * 1e6 / 6) ** 0.5))
    coarse = Image.fromarray(rng.integers(0, 256, (16, 24, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((3 * unit, 2 * unit), Image.Resampling.BICUBIC), np.float32)
    noisy = smooth + rng.normal(0, 6, smooth.shape).astype(np.float32)
    return np.clip(noisy, 0, 255).astype(np.uint8)
