"""What enlarges in SRCNN's tables: which methods run here, and what all of them reached."""

import functools
import statistics
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinscale.datasets import find_pictures
from twinscale.engine import run
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.published import Table, published_table
from twinscale.evaluation.trial import Rescaler, Trial
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.papers.reproduction import Reproduction, planes_of
from twinscale.papers.srcnn.anr import ANR
from twinscale.rescale import load

METHODS = ("bicubic", "SC", "K-SVD", "NE+NNLS", "NE+LLE", "ANR", "SRCNN")
MEASURED = ("bicubic", "ANR", "SRCNN")


class Results(NamedTuple):
    """What methods reached on the pictures of a set, with ``average`` last; what was not measured is missing."""

    psnr: Table
    """dB on luminance, by picture and method."""
    seconds: Table


def published_results(table: str, scale: int) -> Results:
    """Return one scale of the paper's Table 1 (Set5) or Table 2 (Set14)."""
    suffix = f" x{scale}"
    psnr, seconds = (
        {
            row.removesuffix(suffix): figures
            for row, figures in published_table("srcnn", table, quantity).items()
            if row.endswith(suffix)
        }
        for quantity in ("PSNR", "seconds")
    )
    return Results(psnr, seconds)


def enlargers(reproduction: Reproduction, scale: int) -> dict[str, Callable[[NDArray], NDArray]]:
    """Return what enlarges luminance ``(H, W, 1)`` here, by name."""
    network, anr = load(f"srcnn-x{scale}").enlargement, learnt_anr(reproduction, scale)
    return {
        "bicubic": lambda low: imresize(low, scale),
        "ANR": anr,
        "SRCNN": lambda low: run(network, low.astype(np.float32), dtype=np.float32),
    }


def learnt_anr(reproduction: Reproduction, scale: int) -> ANR:
    """Return ANR learnt from T91, once for the folder of the runs."""
    path = reproduction.folder.parent / "runs" / f"anr-x{scale}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        protocol = Protocol(scale, "y")
        ANR.fit((protocol.truth(planes) for planes in planes_of("T91")), scale).save(path)
    return ANR.load(path)


@functools.cache
def measured_results(reproduction: Reproduction, dataset: str, scale: int) -> Results:
    """Measure what the methods that run here reach on the small pictures of the protocol."""
    protocol, methods = Protocol(scale, "y"), enlargers(reproduction, scale)
    results = Results({}, {})
    for path in find_pictures(dataset):
        planes = Picture.read(path).planes()
        psnr, seconds = (quantity.setdefault(path.stem.removesuffix("_GT"), {}) for quantity in results)
        for name, enlarge in methods.items():
            trial = Trial.of(Rescaler(protocol.reduce, enlarge), protocol, planes)
            psnr[name], seconds[name] = trial.scores(protocol).psnr_y, trial.seconds
    for quantity in results:
        rows = list(quantity.values())
        quantity["average"] = {name: statistics.mean(row[name] for row in rows) for name in methods}
    return results


def lead(results: Results, picture: str = "average") -> float:
    """Return by how many dB SRCNN is ahead of the best other method."""
    others = [psnr for method, psnr in results.psnr[picture].items() if method != "SRCNN"]
    return results.psnr[picture]["SRCNN"] - max(others)
