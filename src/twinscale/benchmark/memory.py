"""What pictures of growing size hold in memory, from file to file."""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from twinscale.batch import Job, Shrink, Upscale, Work, Writing, run
from twinscale.benchmark.timing import peak_mebibytes
from twinscale.codecs.registry import codec_named
from twinscale.engine import Runtime
from twinscale.errors import UsageError

MEGAPIXELS = (6, 12, 24, 48, 100, 200, 400)
"""The sizes that are measured, unless others are asked for."""

_SCALE = 4  # with larger ones, less is computed for the larger picture
_REPLACE = Writing(existing="replace")


@dataclass(frozen=True, slots=True)
class MemoryPeak:
    """One picture, read from a file, worked on and written, in a process that does nothing else."""

    work: str
    """``"upscale"``, whose result is the larger picture, or ``"shrink"``, whose input is."""
    format: str
    """That of both files."""
    megapixels: float
    """Size of the larger picture."""
    mebibytes: float
    """Largest resident memory of the process."""


def measure_memory(
    format: str,
    megapixels: Sequence[float] = MEGAPIXELS,
    runtime: Runtime = Runtime(),
    notify: Callable[[MemoryPeak], None] = lambda peak: None,
) -> list[MemoryPeak]:
    """Upscale pictures to four times their sides by the fastest model, and shrink others to a quarter.

    Args:
        format: of the files: a format's name or one of its extensions. Shrunk pictures are written as PNG if it is
            lossy.
        megapixels: sizes of the larger picture, of 3:2.
        runtime: what runs the networks.
        notify: called with each peak.

    Raises:
        UsageError: the system does not report the peak, or there is no such format.
        TwinscaleError: the first error of a picture.
    """
    codec = codec_named(format)
    if peak_mebibytes() is None:
        raise UsageError("this system does not tell how much memory a process has held: measure on Linux")
    peaks = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh,
    ):
        source = Path(folder) / f"source{codec.extensions[0]}"
        for size in megapixels:
            for work, pixels in (
                (Upscale("fast-x4", runtime=runtime), size / _SCALE**2),
                (Shrink("twin-x4", runtime=runtime), size),
            ):
                extension = codec.extensions[0] if codec.is_lossless or not work.carries_tag else ".png"
                fresh.submit(_make_photograph, source, pixels).result()
                mebibytes = fresh.submit(_peak, source, source.with_name(f"result{extension}"), work).result()
                peaks.append(MemoryPeak(work.kind, codec.name, size, mebibytes))
                notify(peaks[-1])
    return peaks


def _peak(source: Path, target: Path, work: Work) -> float:
    (outcome,) = run([Job(str(source), str(target))], work, _REPLACE, max_pixels=2**40)
    if outcome.error:
        raise outcome.error
    peak = peak_mebibytes()
    assert peak is not None  # the caller has asked
    return peak


def _make_photograph(path: Path, megapixels: float) -> None:
    """Write smooth shapes, 3:2, with noise that makes the file about as large as that of a photograph."""
    rng = np.random.default_rng(0)
    unit = max(1, round((megapixels * 1e6 / 6) ** 0.5))
    coarse = Image.fromarray(rng.integers(0, 256, (16, 24, 3), dtype=np.uint8))
    grain = Image.fromarray(rng.integers(0, 16, (512, 512, 3), dtype=np.uint8))
    picture = coarse.resize((3 * unit, 2 * unit), Image.Resampling.BICUBIC)
    for top in range(0, picture.height, grain.height):
        for left in range(0, picture.width, grain.width):
            box = (left, top, min(left + grain.width, picture.width), min(top + grain.height, picture.height))
            noisy = np.asarray(picture.crop(box), np.uint16) + np.asarray(grain)[: box[3] - top, : box[2] - left]
            picture.paste(Image.fromarray(np.minimum(noisy, 255).astype(np.uint8)), box)
    picture.save(path, quality=92)
