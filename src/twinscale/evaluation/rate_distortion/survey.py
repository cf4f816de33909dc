"""Measure rate and distortion of codecs, alone and packed, on all pictures of a set, as far as it is not yet known."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from twinscale.codecs.registry import codec_named
from twinscale.datasets import dataset_name, find_pictures
from twinscale.engine.runtime import available_processors
from twinscale.evaluation.provenance import REFERENCE
from twinscale.evaluation.rate_distortion.measuring import (
    QUALITIES,
    VERSION,
    Coding,
    Contender,
    Point,
    contenders,
    measure,
    plain,
)
from twinscale.evaluation.rate_distortion.record import Measured, RateRecord
from twinscale.images.picture import Picture


def survey(
    record: RateRecord,
    datasets: Iterable[str | os.PathLike[str]],
    codecs: Iterable[str],
    *,
    models: Sequence[str | os.PathLike[str]] = (),
    qualities: Sequence[int] | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Complete a record; it is saved after every way on every picture, so that nothing is lost by an interruption.

    Each picture is measured by a single thread, in the same arithmetic on every machine.

    Args:
        record: where points are kept. Of these codecs on these sets, other ways are dropped.
        datasets: names of sets, or folders of pictures.
        codecs: names or extensions of formats.
        models: see :func:`twinscale.evaluation.rate_distortion.measuring.contenders`.
        qualities: what the codecs are asked for, 1 to 100; by default :data:`QUALITIES`.
        threads: how many pictures are measured at a time; by default as many as there are processors.
        progress: called with the number of finished and of all ways on pictures.

    Raises:
        DatasetError: a set is not found.
        PictureError: a file cannot be read as a picture.
        UsageError: a picture is too small for MS-SSIM, or a codec is unknown or always lossless.
        ModelError: a model is missing or damaged.
    """
    runtime = replace(REFERENCE, threads=1)
    ways = {codec_named(codec).name: contenders(codec, models, runtime) for codec in codecs}
    wanted = [trial for dataset in datasets for trial in _trials(dataset, ways)]
    record.prepare(row for row, _, _ in wanted)
    with ThreadPoolExecutor(threads or available_processors()) as pool:
        running = {
            pool.submit(_points, coding, path, missing): row
            for row, coding, path in wanted
            if (missing := record.missing(row, qualities or QUALITIES[row.codec]))
        }
        try:
            for done, future in enumerate(as_completed(running), 1):
                record.add(running[future], future.result())
                record.save()
                if progress:
                    progress(done, len(running))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    record.save()


def _trials(
    dataset: str | os.PathLike[str], ways: Mapping[str, Sequence[Contender]]
) -> Iterator[tuple[Measured, Coding, Path]]:
    """Yield every way of every codec on every picture, as a row that has no points yet; a picture's ways in a row."""
    coders = " ".join(f"{library} {version(library)}" for library in ("pillow", "imagecodecs"))
    paths = find_pictures(dataset)
    root = os.path.commonpath([path.parent for path in paths])
    for path in paths:
        pixels = plain(Picture.read(path)).pixels
        for codec, own in ways.items():
            for way in own:
                made_by = hashlib.sha256(f"{VERSION} {coders} {way.made_by}".encode() + pixels.tobytes())
                row = Measured(
                    dataset=dataset_name(dataset),
                    picture=path.relative_to(root).with_suffix("").as_posix(),
                    codec=codec,
                    way=way.name,
                    is_packed=way.is_packed,
                    pixels=pixels.shape[0] * pixels.shape[1],
                    made_by=made_by.hexdigest()[:16],
                )
                yield row, way.coding, path


def _points(coding: Coding, path: Path, qualities: Sequence[int]) -> list[Point]:
    return list(measure(coding, plain(Picture.read(path)), qualities))
