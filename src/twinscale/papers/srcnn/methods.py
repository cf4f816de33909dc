"""What enlarges in SRCNN's tables: which methods run here, and what all of them reached."""

import functools
import statistics
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinscale.benchmark.timing import medians
from twinscale.datasets import find_pictures
from twinscale.engine import run
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.published import Table, published_table
from twinscale.evaluation.trial import Rescaler, Trial
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.papers.reproduction import Reproduction
from twinscale.papers.srcnn import networks
from twinscale.papers.srcnn.anr import ANR
from twinscale.rescale import load
from twinscale.training.recipe import Recipe
from twinscale.training.split import split_pictures

METHODS = ("bicubic", "SC", "K-SVD", "NE+NNLS", "NE+LLE", "ANR", "SRCNN")
MEASURED = ("bicubic", "ANR", "SRCNN")  # ANR and SRCNN learn from the same pictures, T91
SHIPPED = "SRCNN, shipped"  # by another recipe and from other pictures, for orientation


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
    """Return what enlarges luminance ``(H, W, 1)`` here, by name: ``MEASURED`` and ``SHIPPED``."""
    recipe = t91_recipe(reproduction, scale)
    networks.trained(reproduction, recipe)
    shipped = load(f"srcnn-x{scale}").enlargement
    return {
        "bicubic": lambda low: imresize(low, scale),
        "ANR": learnt_anr(reproduction, scale),
        "SRCNN": reproduction.rescaler(recipe).enlarge,
        SHIPPED: lambda low: run(shipped, low.astype(np.float32), dtype=np.float32),
    }


def t91_recipe(reproduction: Reproduction, scale: int) -> Recipe:
    """Return the recipe of the SRCNN that learns from the pictures of ANR."""
    return networks.learning_recipe(reproduction, "t91", scale)


def learnt_anr(reproduction: Reproduction, scale: int) -> ANR:
    """Return ANR learnt from the pictures that SRCNN learns from, once for the folder of the runs."""
    paths, _, _ = split_pictures(t91_recipe(reproduction, scale).data)
    file = reproduction.folder.parent / "runs" / f"anr-x{scale}-{len(paths)}-pictures.safetensors"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        protocol = Protocol(scale, "y")
        ANR.fit((protocol.truth(Picture.read(path).planes()) for path in paths), scale).save(file)
    return ANR.load(file)


@functools.cache
def measured_results(reproduction: Reproduction, dataset: str, scale: int) -> Results:
    """Measure what the methods that run here reach on the small pictures of the protocol.

    Times are the medians of three rounds in which the methods take turns.
    """
    protocol, methods = Protocol(scale, "y"), enlargers(reproduction, scale)
    results = Results({}, {})
    for path in find_pictures(dataset):
        planes = Picture.read(path).planes()
        name = path.stem.removesuffix("_GT")
        trials = {
            method: Trial.of(Rescaler(protocol.reduce, enlarge), protocol, planes)
            for method, enlarge in methods.items()
        }
        results.psnr[name] = {method: trial.scores(protocol).psnr_y for method, trial in trials.items()}
        turns = [functools.partial(methods[method], trials[method].low) for method in MEASURED]
        results.seconds[name] = dict(zip(MEASURED, medians(3, *turns, per=1000), strict=True))
    for quantity in results:
        rows = list(quantity.values())
        quantity["average"] = {method: statistics.mean(row[method] for row in rows) for method in rows[0]}
    return results


def lead(results: Results, picture: str = "average") -> float:
    """Return by how many dB SRCNN is ahead of the best other method."""
    others = [psnr for method, psnr in results.psnr[picture].items() if method not in ("SRCNN", SHIPPED)]
    return results.psnr[picture]["SRCNN"] - max(others)
