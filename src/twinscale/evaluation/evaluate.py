"""Measure a model on a set of pictures by the fixed protocol."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinscale.datasets import dataset_name, find_pictures
from twinscale.engine import Operation, run
from twinscale.engine.operation import self_ensemble
from twinscale.errors import UsageError
from twinscale.evaluation.looks import Looks
from twinscale.evaluation.protocol import Protocol, Scores
from twinscale.evaluation.provenance import REFERENCE
from twinscale.evaluation.published import published_scores
from twinscale.evaluation.trial import Rescaler, Transform, Trial, bicubic
from twinscale.images.levels import to_pixels
from twinscale.images.picture import Picture
from twinscale.rescale.channel import Channel, Jpeg
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
    """How the small picture looks; None for an upscaler, whose small picture is the bicubic reduction."""


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
        """How the small pictures look, mean over the set; None for an upscaler."""
        looks = [picture.looks for picture in self.pictures if picture.looks]
        return Looks.mean(looks) if looks else None

    @property
    def published(self) -> list[float] | None:
        """The paper's ``[PSNR, SSIM]`` or ``[PSNR]`` on this set, or None if it gives none; on clean pictures only."""
        if self.protocol.jpeg is not None:
            return None
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
    jpeg: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure a model on a set by :class:`twinscale.evaluation.protocol.Protocol`.

    Args:
        model: a loaded model, a name or a folder.
        dataset: the name of a set or a folder of pictures.
        ensemble: run the enlarging network as :func:`twinscale.engine.operation.self_ensemble`.
        jpeg: quality, 1 to 100, at which the small pictures go through JPEG before they are enlarged; None for none, or
            for a pair that was trained through JPEG, its card's.
        progress: called with the number of finished and of all pictures.

    Raises:
        DatasetError: the set is not found.
        PictureError: a file cannot be read as a picture.
        UsageError: a picture is too small to be measured, the quality is out of range, or there is none for a model
            that only repairs.
        ModelError: the model is missing or damaged.
    """
    model = as_model(model, runtime=None if isinstance(model, Model) else REFERENCE)
    if jpeg is None and isinstance(model.channel, Jpeg):
        jpeg = model.channel.quality
    protocol = Protocol(model.card.scale, model.card.colour, jpeg)
    if protocol.scale == 1 and jpeg is None:
        raise UsageError(f"{model.card.name} only repairs: say at what quality of JPEG to measure it")
    paths = find_pictures(dataset)
    pictures = []
    for done, path in enumerate(paths):
        pictures.append(_measure(path, protocol, model, ensemble=ensemble))
        if progress:
            progress(done + 1, len(paths))
    return Evaluation(model, dataset_name(dataset), protocol, pictures, ensemble)


def beside_paper(ours: Scores, paper: list[float] | None) -> tuple[str, str]:
    """Return a paper's ``[PSNR, SSIM]`` or ``[PSNR]`` as tables show it, and our PSNR minus the paper's."""
    if not paper:
        return "–", "–"
    difference = round(ours.psnr_y - paper[0], 2) + 0.0  # the sum turns -0.0 into 0.0
    return " / ".join([f"{paper[0]:.2f}", *(f"{ssim:.4f}" for ssim in paper[1:])]), f"{difference:+.2f}"


def rescaler_of(model: Model, protocol: Protocol, *, ensemble: bool = False) -> Rescaler:
    """Make a rescaler of a model; an upscaler starts from the protocol's small picture."""
    channel = model.channel if protocol.jpeg is None else Jpeg(quality=protocol.jpeg)
    is_pair = model.card.kind == "pair"

    def enlargement(channels: int) -> Operation:
        # A pair knows no other files than those that it learned with, and sent them pictures of its own channels.
        told = model.enlargement_told(channel.conditions(model.channels if is_pair else channels) or None)
        return model.on_channels(self_ensemble(told) if ensemble else told, channels)

    enlargements = {channels: enlargement(channels) for channels in (1, 3)}  # loaded now, before any time is taken

    def enlarge(low: NDArray) -> NDArray:
        return run(enlargements[low.shape[2]], low.astype(np.float32))

    return Rescaler(received_reduction(model, channel) if is_pair else protocol.reduce, enlarge)


def received_reduction(pair: Model, channel: Channel | None = None) -> Transform:
    """Return the reduction of a pair after a channel: the pair's own unless another is given."""
    received = channel or pair.channel

    def reduce(truth: NDArray) -> NDArray:
        reduction = pair.on_channels(pair.reduction, truth.shape[2])
        return received(run(reduction, truth.astype(np.float32)))

    return reduce


def _measure(path: Path, protocol: Protocol, model: Model, *, ensemble: bool) -> PictureResult:
    planes = Picture.read(path).planes()
    baseline = Trial.of(bicubic(protocol), protocol, planes)
    ours = Trial.of(rescaler_of(model, protocol, ensemble=ensemble), protocol, planes)
    small = (to_pixels(trial.low, np.uint8) for trial in (ours, baseline))
    return PictureResult(
        name=path.stem,
        bicubic=baseline.scores(protocol),
        ours=ours.scores(protocol),
        megapixels=ours.truth.shape[0] * ours.truth.shape[1] / 1e6,
        seconds=ours.seconds,
        looks=Looks.beside(*small) if model.card.kind == "pair" else None,
    )
