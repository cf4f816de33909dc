"""What a network makes of a few validation pictures, drawn while it trains."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinscale.drawings import SideBySide
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.trial import Trial
from twinscale.images.levels import to_pixels
from twinscale.nets import Pair, Upscaler
from twinscale.training.recipe import Recipe
from twinscale.training.rescaler import as_trained, baseline
from twinscale.training.validation import validation_channels

_PICTURES = 3
_SIDE = 160  # pixels at full size
_AMPLIFIED = 8


def preview_crops(pictures: list[NDArray]) -> list[NDArray]:
    """Crop the centres of the first pictures, ``(H, W, C)``, no side above 160 pixels."""
    crops = []
    for planes in pictures[:_PICTURES]:
        top, left = (max(0, side - _SIDE) // 2 for side in planes.shape[:2])
        crops.append(planes[top : top + _SIDE, left : left + _SIDE])
    return crops


def draw_preview(path: Path, network: Upscaler | Pair, crops: list[NDArray], recipe: Recipe) -> NDArray[np.uint8]:
    """Draw small picture, bicubic enlargement, result, truth and difference side by side, one row per crop.

    The small picture is enlarged pixel by pixel; the difference is that of result and truth, absolute and eight times
    as bright. Bicubic is what :func:`twinscale.training.validation.bicubic_psnr` measures.

    Args:
        path: the PNG file to write.
        network: the network, in evaluation mode; it is not changed.
        crops: planes in [0, 1], as :func:`preview_crops` returns them.
        recipe: how the network is trained.

    Returns:
        The pixels of the drawing, ``(H, W, 3)``.
    """
    protocol = Protocol(recipe.network.scale, recipe.network.colour)
    captions = ("small picture", "restored") if isinstance(network, Pair) else ("input", "output")
    spec, data = recipe.network, recipe.data
    rows = []
    for crop, channel in zip(crops, validation_channels(recipe, len(crops)), strict=True):
        rescaler, bicubic = as_trained(network, spec, data, channel), baseline(spec, data, channel)
        trial, plain = (Trial.of(each, protocol, crop) for each in (rescaler, bicubic))
        planes = {
            captions[0]: trial.low.repeat(protocol.scale, axis=0).repeat(protocol.scale, axis=1),
            f"bicubic, {plain.scores(protocol).psnr_y:.2f} dB": plain.result,
            f"{captions[1]}, {trial.scores(protocol).psnr_y:.2f} dB": trial.result,
            "truth": trial.truth,
            f"difference x {_AMPLIFIED}": _AMPLIFIED * np.abs(np.clip(trial.result, 0, 1) - trial.truth),
        }
        rows.append({caption: to_pixels(part, np.uint8) for caption, part in planes.items()})
    drawing = SideBySide(rows, zoom=1)
    drawing.save(path)
    return drawing.pixels()
