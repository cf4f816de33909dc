"""What a network makes of whole pictures, and how good that is."""

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from twinscale.engine import Operation
from twinscale.engine.operation import on_grey
from twinscale.evaluation.looks import Looks
from twinscale.evaluation.protocol import Protocol
from twinscale.images.levels import to_pixels, to_planes
from twinscale.nets import Network, Pair, Upscaler
from twinscale.training.degradation import Degradation
from twinscale.training.losses import pixel_loss
from twinscale.training.recipe import Recipe


class Sample(NamedTuple):
    """One picture and what a network made of it; all ``(H, W, C)`` in [0, 1], the result not clipped."""

    truth: NDArray
    low: NDArray
    """The small picture: what super-resolution starts from, or what a pair made, rounded to 8 bits."""
    result: NDArray
    """The small picture brought back to full size."""


class Validation(NamedTuple):
    """How good a network is, mean over the validation pictures."""

    psnr_y: float
    """dB on Y, by the protocol of the network's colour."""
    loss: float
    """The recipe's pixel loss between result and truth, neither clipped nor rounded; without a pair's fidelity.
    ``squared-norm`` sums over the whole picture, and so is larger than on crops."""
    looks: Looks | None
    """How a pair's small pictures look; none for super-resolution."""


def validate(network: Upscaler | Pair, pictures: list[NDArray], recipe: Recipe) -> Validation:
    """Measure a network in evaluation mode on planes ``(H, W, C)`` in [0, 1].

    Super-resolution starts from small pictures made as the recipe's data says.
    """
    protocol = Protocol(recipe.network.scale, recipe.network.colour)
    scores, losses, looks = [], [], []
    for sample in samples(network, pictures, recipe):
        scores.append(protocol.score(sample.truth, sample.result).psnr_y)
        losses.append(pixel_loss(recipe.optimisation.loss, _batch(sample.result), _batch(sample.truth)).item())
        if isinstance(network, Pair):
            small, bicubic = (to_pixels(planes, np.uint8) for planes in (sample.low, protocol.reduce(sample.truth)))
            looks.append(Looks.beside(small, bicubic))
    return Validation(float(np.mean(scores)), float(np.mean(losses)), Looks.mean(looks) if looks else None)


@torch.no_grad()
def samples(network: Upscaler | Pair, pictures: Iterable[NDArray], recipe: Recipe) -> Iterator[Sample]:
    """What a network in evaluation mode makes of pictures, one after the other."""
    protocol = Protocol(recipe.network.scale, recipe.network.colour)
    degradation = Degradation(recipe.network.scale, recipe.network.colour, recipe.data)

    def through(part: Network, planes: NDArray) -> NDArray:
        operation = Operation(functools.partial(_run, part))
        return (on_grey(operation) if planes.shape[2] < network.channels else operation)(planes)

    for planes in pictures:
        truth = protocol.truth(planes)
        if isinstance(network, Pair):
            low: NDArray = to_planes(to_pixels(through(network.down, truth), np.uint8))
            yield Sample(truth, low, through(network.up, low))
        else:
            low = degradation.reduce(truth)
            given = degradation.enlarge(low) if network.interpolated_input else low
            yield Sample(truth, low, through(network, given))


def _run(network: Network, planes: NDArray) -> NDArray:
    device = next(network.parameters()).device
    return cast(NDArray, network(_batch(planes).to(device))[0].permute(1, 2, 0).float().cpu().numpy())


def _batch(planes: NDArray) -> torch.Tensor:
    return torch.from_numpy(planes.astype(np.float32)).permute(2, 0, 1)[None]
