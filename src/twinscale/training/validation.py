"""How good a network is on the validation pictures while it trains."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from twinscale.evaluation.looks import Looks
from twinscale.evaluation.protocol import Protocol, Scores
from twinscale.evaluation.trial import Trial
from twinscale.images.levels import to_pixels
from twinscale.nets import Pair, Upscaler
from twinscale.training.losses import pixel_loss
from twinscale.training.recipe import Recipe
from twinscale.training.rescaler import as_trained


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

    Super-resolution starts from small pictures made as the recipe's data says.
    """
    protocol = Protocol(recipe.network.scale, recipe.network.colour)
    rescaler = as_trained(network, recipe.network, recipe.data)
    scores, losses, looks = [], [], []
    for planes in pictures:
        trial = Trial.of(rescaler, protocol, planes)
        scores.append(trial.scores(protocol))
        losses.append(pixel_loss(recipe.optimisation.loss, _batch(trial.result), _batch(trial.truth)).item())
        if isinstance(network, Pair):
            small, bicubic = (to_pixels(low, np.uint8) for low in (trial.low, protocol.reduce(trial.truth)))
            looks.append(Looks.beside(small, bicubic))
    return Validation(Scores.mean(scores).psnr_y, float(np.mean(losses)), Looks.mean(looks) if looks else None)


def _batch(planes: NDArray) -> torch.Tensor:
    return torch.from_numpy(planes.astype(np.float32)).permute(2, 0, 1)[None]
