"""What enlarges in the tables, and what it reaches on compressed small pictures."""

import statistics
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinscale.evaluation.evaluate import rescaler_of
from twinscale.evaluation.protocol import VERSION, Colour, Protocol
from twinscale.evaluation.provenance import REFERENCE
from twinscale.evaluation.trial import Rescaler, Transform, Trial
from twinscale.images.colour import rgb_to_ycbcr, ycbcr_to_rgb
from twinscale.images.resize import imresize
from twinscale.papers.compressed_sr.networks import SCALE
from twinscale.papers.reproduction import Reproduction, planes_of
from twinscale.rescale import load
from twinscale.training.recipe import Recipe
from twinscale.zoo import load_card

JPEG_OF: dict[Colour, str] = {"y": "luminance", "rgb": "RGB, 4:2:0"}
"""What goes through JPEG, by the colour of the protocol."""


class Method(NamedTuple):
    """Something that enlarges compressed small pictures."""

    made_by: str
    """Names it and all that decides what it returns."""
    enlarge: Callable[[], Transform]
    """Loads what enlarges, which takes a while."""


def bicubic(protocol: Protocol) -> Method:
    """Return bicubic enlargement."""
    return Method("bicubic", lambda: protocol.enlarge)


def shipped(name: str, protocol: Protocol) -> Method:
    """Return a shipped upscaler, which is told how the picture was compressed if it was trained to be."""
    return Method(f"{name} {load_card(name).digest[:16]}", lambda: rescaler_of(load(name, REFERENCE), protocol).enlarge)


def trained(reproduction: Reproduction, recipe: Recipe, protocol: Protocol) -> Method:
    """Return a network that is trained here; one of luminance enlarges colour bicubically beside it."""

    def enlarge() -> Transform:
        network = reproduction.rescaler(recipe).enlarge
        return network if recipe.network.colour == protocol.colour else beside_bicubic_colour(network)

    return Method(f"{recipe.name} {reproduction.trained(recipe).weights[:16]}", enlarge)


def beside_bicubic_colour(network: Transform) -> Transform:
    """Let what enlarges luminance enlarge RGB, in which it leaves colour to bicubic enlargement."""

    def enlarge(low: NDArray) -> NDArray:
        if low.shape[2] == 1:
            return network(low)
        ycbcr = rgb_to_ycbcr(low)
        return ycbcr_to_rgb(np.concatenate((network(ycbcr[:, :, :1]), imresize(ycbcr[:, :, 1:], SCALE)), axis=2))

    return enlarge


def psnrs(reproduction: Reproduction, method: Method, protocol: Protocol, dataset: str) -> list[float]:
    """Return what a method reaches on every picture of a set, dB on luminance."""

    def measure() -> list[float]:
        rescaler = Rescaler(protocol.reduce, method.enlarge())
        return [Trial.of(rescaler, protocol, planes).scores(protocol).psnr_y for planes in planes_of(dataset)]

    what = f"JPEG {protocol.jpeg} of {JPEG_OF[protocol.colour]}, x{protocol.scale}"
    return reproduction.figures(f"{method.made_by} on {dataset}, {what}, protocol {VERSION}", measure)


def mean_psnr(reproduction: Reproduction, method: Method, protocol: Protocol, dataset: str) -> float:
    """Return what a method reaches on a set, dB on luminance."""
    return statistics.mean(psnrs(reproduction, method, protocol, dataset))
