"""Measure a model on a set of pictures by the fixed protocol."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinscale.datasets import dataset_name, find_pictures
from twinscale.engine import run
from twinscale.engine.operation import self_ensemble
from twinscale.evaluation.looks import Looks
from twinscale.evaluation.protocol import Protocol, Scores
from twinscale.evaluation.published import published_scores
from twinscale.images.levels import to_pixels
from twinscale.images.picture import Picture
from twinscale.rescale.model import Model, as_model


@dataclass(frozen=True, slots=True)
class PictureResult:
    """One picture of a set."""

    name: str
    bicubic: Scores
    """Bicubic reduction and bicubic enlargement: the baseline."""
    ours: Scores
    megapixels: float
    seconds: float
    """Time in the network that enlarges."""
    looks: Looks | None
    """How the small picture looks; none for an upscaler, whose small picture is the bicubic reduction."""


@dataclass(frozen=True)
class Evaluation:
    """A model on a set."""

    model: Model
    dataset: str
    protocol: Protocol
    pictures: list[PictureResult]
    ensemble: bool = False
    """Whether the enlarging network ran as a self-ensemble."""

    @cached_property
    def bicubic(self) -> Scores:
        """Mean of the baseline over the pictures."""
        return Scores.mean([picture.bicubic for picture in self.pictures])

    @cached_property
    def ours(self) -> Scores:
        """Mean of the model over the pictures."""
        return Scores.mean([picture.ours for picture in self.pictures])

    @cached_property
    def looks(self) -> Looks | None:
        """Mean over the pictures of how the small ones look; none for an upscaler."""
        looks = [picture.looks for picture in self.pictures if picture.looks]
        return Looks.mean(looks) if looks else None

    @property
    def published(self) -> list[float] | None:
        """The paper's ``[PSNR, SSIM]`` or ``[PSNR]`` on this set, if it gives one."""
        return published_scores(self.model.card.name, self.dataset)

    @property
    def seconds_per_megapixel(self) -> float:
        """Time of the enlarging network per megapixel of the full-size picture."""
        return sum(p.seconds for p in self.pictures) / sum(p.megapixels for p in self.pictures)


def evaluate(
    model: Model | str | os.PathLike[str],
    dataset: str | os.PathLike[str],
    *,
    ensemble: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure a model on a set by :class:`twinscale.evaluation.protocol.Protocol`.

    Args:
        model: a loaded model, a name or a folder.
        dataset: the name of a set or a folder of pictures.
        ensemble: run the enlarging network as :func:`twinscale.engine.operation.self_ensemble`.
        progress: called with finished and all pictures.

    Raises:
        DatasetError: the set is not found.
        PictureError: a file cannot be read as a picture.
        UsageError: a picture is too small to be measured.
        ModelError: the model is missing or damaged.
    """
    model = as_model(model)
    protocol = Protocol(model.card.scale, model.card.colour)
    paths = find_pictures(dataset)
    pictures = []
    for done, path in enumerate(paths):
        pictures.append(_measure(model, protocol, path, ensemble=ensemble))
        if progress:
            progress(done + 1, len(paths))
    return Evaluation(model, dataset_name(dataset), protocol, pictures, ensemble)


def beside_paper(ours: Scores, paper: list[float] | None) -> tuple[str, str]:
    """A paper's ``[PSNR, SSIM]`` or ``[PSNR]`` as tables show it, and our PSNR minus the paper's."""
    if not paper:
        return "–", "–"
    difference = round(ours.psnr_y - paper[0], 2) + 0.0  # the sum turns -0.0 into 0.0
    return " / ".join([f"{paper[0]:.2f}", *(f"{ssim:.4f}" for ssim in paper[1:])]), f"{difference:+.2f}"


def _measure(model: Model, protocol: Protocol, path: Path, *, ensemble: bool) -> PictureResult:
    truth = protocol.truth(Picture.read(path).planes())
    low = protocol.reduce(truth)
    bicubic = protocol.score(truth, protocol.enlarge(low))
    small: NDArray = low.astype(np.float32)
    looks = None
    if model.card.kind == "pair":
        # Stored as 8 bits, as the file that holds it would be.
        small = run(model.on_channels(model.reduction, truth.shape[2]), truth.astype(np.float32), dtype=np.uint8)
        looks = Looks.beside(small, to_pixels(low, np.uint8))
    up = model.on_channels(self_ensemble(model.enlargement) if ensemble else model.enlargement, truth.shape[2])
    start = time.perf_counter()
    result = run(up, small, dtype=np.float32)
    seconds = time.perf_counter() - start
    return PictureResult(
        name=path.stem,
        bicubic=bicubic,
        ours=protocol.score(truth, result),
        megapixels=truth.shape[0] * truth.shape[1] / 1e6,
        seconds=seconds,
        looks=looks,
    )
