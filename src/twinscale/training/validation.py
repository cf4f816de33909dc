"""How good a network is on the validation pictures while it trains, and when that is measured."""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from twinscale.codecs.codec import Subsampling
from twinscale.errors import DatasetError, UsageError
from twinscale.evaluation.looks import Looks
from twinscale.evaluation.protocol import Protocol, Scores
from twinscale.evaluation.trial import Trial
from twinscale.images.levels import to_pixels
from twinscale.nets import Pair, Upscaler
from twinscale.rescale.channel import Channel, Jpeg, Lossy, Unchanged, create_channel
from twinscale.training.losses import pixel_loss
from twinscale.training.recipe import OptimisationSpec, Recipe
from twinscale.training.rescaler import as_trained, baseline

_QUALITIES = 5  # of a lossy channel
_EARLY = [2**i for i in range(6, 16)]

VALIDATION_SHARE = 0.25
"""What part of the time of a run whose time is limited validations may take."""


class Validation(NamedTuple):
    """How good a network is, mean over the validation pictures."""

    psnr_y: float
    """dB on Y, by the protocol for the network's colour."""
    loss: float
    """The recipe's pixel loss between result and truth, neither clipped nor rounded; without a pair's fidelity.
    ``squared-norm`` sums over the whole picture, so it is larger than on crops."""
    looks: Looks | None
    """How a pair's small pictures look; None for super-resolution."""


def validate(network: Upscaler | Pair, pictures: list[NDArray], recipe: Recipe) -> Validation:
    """Measure a network in evaluation mode on planes ``(H, W, C)`` in [0, 1].

    Super-resolution starts from small pictures made, and compressed, as the recipe's data says. A pair's lossy channel
    codes each small picture as well as it can without a larger file than that of the bicubic reduction. Qualities are
    those of :func:`validation_channels`.
    """
    protocol = Protocol(recipe.network.scale, recipe.network.colour)
    scores, losses, looks = [], [], []
    for planes, baseline_channel in zip(pictures, validation_channels(recipe, len(pictures)), strict=True):
        channel = baseline_channel
        if isinstance(network, Pair) and isinstance(baseline_channel, Lossy):
            truth = protocol.truth(planes)
            sent = as_trained(network, recipe.network, recipe.data, Unchanged()).reduce(truth)
            channel = baseline_channel.within(len(baseline_channel.file(protocol.reduce(truth)).data), sent)
        trial = Trial.of(as_trained(network, recipe.network, recipe.data, channel), protocol, planes)
        scores.append(trial.scores(protocol))
        losses.append(pixel_loss(recipe.optimisation.loss, _batch(trial.result), _batch(trial.truth)).item())
        if isinstance(network, Pair):
            plain = (baseline_channel or Unchanged())(protocol.reduce(trial.truth))
            small, bicubic = (to_pixels(low, np.uint8) for low in (trial.low, plain))
            looks.append(Looks.beside(small, bicubic))
    return Validation(Scores.mean(scores).psnr_y, float(np.mean(losses)), Looks.mean(looks) if looks else None)


def bicubic_psnr(pictures: Mapping[str, NDArray], recipe: Recipe) -> float:
    """Measure on the validation pictures what bicubic enlargement makes of what super-resolution starts from.

    For a pair it enlarges the bicubic reduction. Both go through JPEG, or through the pair's channel, as in
    :func:`validate`; of a network that only repairs, this measures the JPEG itself.

    Args:
        pictures: planes ``(H, W, C)`` in [0, 1] by the names of the pictures.
        recipe: how the network to compare with is trained.

    Returns:
        Mean PSNR on Y in dB, as in :class:`Validation`.

    Raises:
        DatasetError: a picture is too small to be measured.
    """
    protocol = Protocol(recipe.network.scale, recipe.network.colour)
    scores = []
    for (name, planes), channel in zip(pictures.items(), validation_channels(recipe, len(pictures)), strict=True):
        try:
            scores.append(Trial.of(baseline(recipe.network, recipe.data, channel), protocol, planes).scores(protocol))
        except UsageError as error:
            raise DatasetError(f"validation picture {name}: {error}; take it out of the training pictures") from None
    return Scores.mean(scores).psnr_y


def validation_channels(recipe: Recipe, pictures: int) -> list[Channel | None]:
    """Return what each validation picture goes through once it is small: qualities all over the range, in turn.

    Args:
        recipe: a pair's lossy channel, or the compression of what super-resolution starts from; without, there is None.
        pictures: how many there are.
    """
    channel = _lossy(recipe)
    if channel is None:
        return [None] * pictures
    step = (channel.highest - channel.lowest) / _QUALITIES
    qualities = [round(channel.lowest + (number + 0.5) * step) for number in range(_QUALITIES)]
    return [channel.at(quality) for quality in itertools.islice(itertools.cycle(qualities), pictures)]


def _lossy(recipe: Recipe) -> Lossy | None:
    if recipe.data.qualities:
        lowest, highest = recipe.data.qualities
        subsampling: Subsampling = "4:2:0" if recipe.data.subsampling == "any" else recipe.data.subsampling
        return Jpeg(lowest=lowest, highest=highest, subsampling=subsampling)
    channel = create_channel(recipe.channel.name, recipe.channel.parameters) if recipe.channel else None
    return channel if isinstance(channel, Lossy) else None


def validation_steps(spec: OptimisationSpec) -> list[int]:
    """Return the steps of a recipe after which it is validated: regularly, at the end, and soon.

    Before the first regular validation, the powers of two from 64 on show early whether anything is learnt.
    """
    early = (step for step in _EARLY if step < min(spec.validate_every, spec.steps))
    return [*early, *range(spec.validate_every, spec.steps, spec.validate_every), spec.steps]


def _batch(planes: NDArray) -> torch.Tensor:
    return torch.from_numpy(planes.astype(np.float32)).permute(2, 0, 1)[None]
