"""The networks of CAR's tables, and the recipes that train them here.

All of one scale learn by one recipe, that of the pair with EDSR: an upscaler on its own sees the same crops, in as many
steps, with the same loss and optimiser.

From random weights that takes days. So unless a reproduction is full, the pair with EDSR goes on from the shipped
``car-x2`` or ``-x4``, and EDSR alone from ``edsr-x2`` or ``-x4``, which took at least as many steps on bicubic small
pictures. Other upscalers go on from the same weights, learnt here on such pictures, in a pair and alone; the resampler
beside them is that of ``car-x4``. They learn by L2, because by L1, which the paper's own pairs learn by, a short run
restores colour at luminance's expense.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from twinscale.papers.reproduction import Reproduction
from twinscale.training.recipe import NetworkSpec, Recipe

SCALES = (2, 4)
UPSCALERS = {"SRDenseNet": "srdensenet", "D-DBPN": "d-dbpn", "RDN": "rdn", "RCAN": "rcan"}
"""Those of Table 2, beside EDSR, by the name of their architecture."""
DOWNSCALERS = {"Bicubic": "bicubic", "Perceptually": "perceptual", "DPID": "dpid", "L0-regularized": "l0"}
"""Those that CAR is compared with, by our name for the method."""

_PUBLISHED_SIZES: dict[str, dict[str, Any]] = {
    "srdensenet": {"blocks": 8, "layers": 8, "growth": 16, "width": 256},
    "d-dbpn": {"features": 256, "width": 64, "stages": 7},
    "rdn": {"width": 64, "blocks": 16, "layers": 8, "growth": 64},
    "rcan": {"width": 64, "groups": 10, "blocks": 20, "reduction": 16},
}
_WEIGHT_BESIDE = {"l1": 1.0, "l2": 0.03}
# Of the offsets' losses beside L2. As heavy as the full recipe's, they keep the taps of short runs from moving at all.
_OFFSET_DISTANCE, _OFFSET_VARIATION = 1.5e-6, 1.5e-5


def pair(reproduction: Reproduction, scale: int, upscaler: str = "edsr") -> Recipe:
    """Return the recipe of CAR with an upscaler: the paper's in a full reproduction, ours otherwise.

    Args:
        reproduction: what trains it.
        scale: 2 or 4.
        upscaler: its architecture, ``"bicubic"`` for the fixed enlargement.
    """
    return _going_on(reproduction, _pair(scale, upscaler, is_full=reproduction.is_full))


def upscaler(reproduction: Reproduction, scale: int, name: str, reduced_by: str) -> Recipe:
    """Return the recipe of an upscaler on its own, which learns as its pair with CAR does.

    Args:
        reproduction: what trains it.
        scale: 2 or 4.
        name: its architecture.
        reduced_by: what makes its small pictures: a downscaling method, or ``"car"`` for the CAR with EDSR.
    """
    recipe = _upscaler(scale, name, reduced_by, is_full=reproduction.is_full)
    if reduced_by == "car":
        own = reproduction.small_pictures_of(pair(reproduction, scale))
        recipe = replace(recipe, data=replace(recipe.data, reduced_by=own))
    return _going_on(reproduction, recipe)


def beginner(scale: int, name: str) -> Recipe:
    """Return the recipe of the first steps, on bicubic small pictures, of an upscaler that does not ship.

    Args:
        scale: 2 or 4.
        name: its architecture.
    """
    recipe = _upscaler(scale, name, "bicubic", is_full=False)
    rate = Recipe.load(f"edsr-x{scale}").optimisation.learning_rate
    return replace(recipe, name=f"{name}-x{scale}-begun", optimisation=replace(recipe.optimisation, learning_rate=rate))


def _going_on(reproduction: Reproduction, recipe: Recipe) -> Recipe:
    """Let a network start from weights that know something, unless the reproduction is full."""
    if not reproduction.is_full:
        reproduction.start_from(recipe, _start(recipe.network))
    return recipe


def _start(network: NetworkSpec) -> dict[str, Recipe | str]:
    """Return what the parts of a network start from: weights that are trained here, or those of a shipped model."""
    if network.architecture == "edsr":
        return {"": f"edsr-x{network.scale}"}
    if network.architecture != "car":
        return {"": beginner(network.scale, network.architecture)}
    match network.parameters["upscaler"]:
        case "bicubic":
            return {"": f"car-bicubic-x{network.scale}"}
        case "edsr":
            return {"": f"car-x{network.scale}"}
        case other:
            return {"down": f"car-x{network.scale}", "up": beginner(network.scale, other)}


def _pair(scale: int, upscaler: str, *, is_full: bool) -> Recipe:
    whose = "paper-" * is_full
    base = Recipe.load(f"{whose}car-x{scale}")
    parameters = base.network.parameters
    if upscaler != "edsr":
        size = _size(upscaler, scale, is_full=is_full)
        parameters = {**parameters, "upscaler": upscaler, "upscaler_parameters": size}
    ours: dict[str, Any] = {
        "loss": "l2",
        "offset_distance": _OFFSET_DISTANCE,
        "offset_variation": _OFFSET_VARIATION,
    }
    return replace(
        base,
        name=f"{whose}car-{upscaler}-x{scale}",
        description=f"CAR x{scale}, trained jointly with {upscaler}.",
        network=replace(base.network, parameters=parameters),
        optimisation=base.optimisation if is_full else replace(base.optimisation, **ours),
    )


def _size(upscaler: str, scale: int, *, is_full: bool) -> dict[str, Any]:
    """Return the parameters of an upscaler: those of its paper in full, those of our recipe otherwise."""
    if upscaler == "bicubic":
        return {}
    return _PUBLISHED_SIZES[upscaler] if is_full else Recipe.load(f"{upscaler}-x{scale}").network.parameters


def _upscaler(scale: int, name: str, reduced_by: str, *, is_full: bool) -> Recipe:
    base = _pair(scale, name, is_full=is_full)
    own = base.network.parameters["upscaler_parameters"]
    return replace(
        base,
        name=f"{'paper-' * is_full}{name}-x{scale}-{reduced_by}",
        description=f"{name} x{scale} on small pictures made by {reduced_by}.",
        network=NetworkSpec(architecture=name, scale=scale, colour="rgb", parameters=own),
        channel=None,
        data=replace(base.data, reduced_by=reduced_by),
        optimisation=replace(base.optimisation, offset_distance=0.0, offset_variation=0.0),
    )


def without_variation_loss(reproduction: Reproduction, recipe: Recipe) -> Recipe:
    """Leave the partial total variation of the offsets (equation 10) out of a pair's loss."""
    return _changed(reproduction, recipe, "without-tv", offset_variation=0.0)


def without_distance_loss(reproduction: Reproduction, recipe: Recipe) -> Recipe:
    """Leave the offsets' distance (equation 9) out of a pair's loss."""
    return _changed(reproduction, recipe, "without-distance", offset_distance=0.0)


def without_offsets(reproduction: Reproduction, recipe: Recipe) -> Recipe:
    """Let a pair's kernels stay on their grid."""
    changed = _changed(reproduction, recipe, "without-offsets", offset_distance=0.0, offset_variation=0.0)
    parameters = {**changed.network.parameters, "offsets": False}
    return replace(changed, network=replace(changed.network, parameters=parameters))


def learning_by(reproduction: Reproduction, recipe: Recipe, loss: str) -> Recipe:
    """Let a pair learn by L1 or L2, with as much weight of the offsets' losses beside the one as beside the other.

    At 33 dB errors are about 0.015, so that the gradient of L2 is twice that and the gradient of L1 is 1.

    Args:
        reproduction: what trains it.
        recipe: the pair's; returned itself if it learns by this loss.
        loss: ``"l1"`` or ``"l2"``.
    """
    spec = recipe.optimisation
    if spec.loss == loss:
        return recipe
    weight = _WEIGHT_BESIDE[loss] / _WEIGHT_BESIDE[spec.loss]
    return _changed(
        reproduction,
        recipe,
        loss,
        loss=loss,
        offset_distance=spec.offset_distance * weight,
        offset_variation=spec.offset_variation * weight,
    )


def _changed(reproduction: Reproduction, recipe: Recipe, name: str, **optimisation: Any) -> Recipe:
    changed = replace(recipe.optimisation, **optimisation)
    return _going_on(reproduction, replace(recipe, name=f"{recipe.name}-{name}", optimisation=changed))


def keep_pace(reproduction: Reproduction, scale: int, recipes: Iterable[Recipe], upscaler: str = "edsr") -> None:
    """Let networks take as many steps as CAR with this upscaler, the slowest of them, takes in the time given."""
    slowest = pair(reproduction, scale, upscaler)
    reproduction.keep_pace(slowest, recipes)
    reproduction.trained(slowest)
