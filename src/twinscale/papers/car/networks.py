"""The networks of CAR's tables, and the recipes that train them here.

All of one scale learn by one recipe, that of the pair with EDSR, and by the losses of the paper: an upscaler on its own
sees the same crops, in as many steps, with the same optimiser.
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
_WEIGHT_BESIDE_L2 = 0.03


def pair(reproduction: Reproduction, scale: int, upscaler: str = "edsr") -> Recipe:
    """Return the recipe of CAR with an upscaler: the paper's in a full reproduction, ours otherwise.

    Args:
        reproduction: what trains it.
        scale: 2 or 4.
        upscaler: its architecture, ``"bicubic"`` for the fixed enlargement.
    """
    whose = "paper-" * reproduction.is_full
    base, of_paper = Recipe.load(f"{whose}car-x{scale}"), Recipe.load(f"paper-car-x{scale}").optimisation
    parameters = base.network.parameters
    if upscaler != "edsr":
        parameters = {
            **parameters,
            "upscaler": upscaler,
            "upscaler_parameters": _size(upscaler, scale, is_full=reproduction.is_full),
        }
    return replace(
        base,
        name=f"{whose}car-{upscaler}-x{scale}",
        description=f"CAR x{scale}, trained jointly with {upscaler}.",
        network=replace(base.network, parameters=parameters),
        optimisation=replace(
            base.optimisation,
            loss=of_paper.loss,
            offset_distance=of_paper.offset_distance,
            offset_variation=of_paper.offset_variation,
        ),
    )


def _size(upscaler: str, scale: int, *, is_full: bool) -> dict[str, Any]:
    """Return the parameters of an upscaler: those of its paper in full, those of our recipe otherwise."""
    if upscaler == "bicubic":
        return {}
    return _PUBLISHED_SIZES[upscaler] if is_full else Recipe.load(f"{upscaler}-x{scale}").network.parameters


def upscaler(reproduction: Reproduction, scale: int, name: str, reduced_by: str) -> Recipe:
    """Return the recipe of an upscaler on its own, which learns as its pair with CAR does.

    Args:
        reproduction: what trains it.
        scale: 2 or 4.
        name: its architecture.
        reduced_by: what makes its small pictures: a downscaling method, or ``"car"`` for the CAR with EDSR.
    """
    base = pair(reproduction, scale, name)
    own = base.network.parameters.get("upscaler_parameters", {})
    data = replace(base.data, reduced_by=reduced_by)
    if reduced_by == "car":
        data = replace(base.data, reduced_by=reproduction.small_pictures_of(pair(reproduction, scale)))
    return replace(
        base,
        name=f"{'paper-' * reproduction.is_full}{name}-x{scale}-{reduced_by}",
        description=f"{name} x{scale} on small pictures made by {reduced_by}.",
        network=NetworkSpec(architecture=name, scale=scale, colour="rgb", parameters=own),
        channel=None,
        data=data,
        optimisation=replace(base.optimisation, offset_distance=0.0, offset_variation=0.0),
    )


def without_variation_loss(recipe: Recipe) -> Recipe:
    """Leave the partial total variation of the offsets (equation 10) out of a pair's loss."""
    return _changed(recipe, "without-tv", offset_variation=0.0)


def without_distance_loss(recipe: Recipe) -> Recipe:
    """Leave the offsets' distance (equation 9) out of a pair's loss."""
    return _changed(recipe, "without-distance", offset_distance=0.0)


def without_offsets(recipe: Recipe) -> Recipe:
    """Let a pair's kernels stay on their grid."""
    changed = _changed(recipe, "without-offsets", offset_distance=0.0, offset_variation=0.0)
    parameters = {**changed.network.parameters, "offsets": False}
    return replace(changed, network=replace(changed.network, parameters=parameters))


def by_squared_error(recipe: Recipe) -> Recipe:
    """Let a pair learn by L2, with as much weight of the offsets' losses beside it as they have beside L1.

    At 33 dB errors are about 0.015, so that the gradient of L2 is twice that and the gradient of L1 is 1.
    """
    spec = recipe.optimisation
    return _changed(
        recipe,
        "l2",
        loss="l2",
        offset_distance=spec.offset_distance * _WEIGHT_BESIDE_L2,
        offset_variation=spec.offset_variation * _WEIGHT_BESIDE_L2,
    )


def _changed(recipe: Recipe, name: str, **optimisation: Any) -> Recipe:
    return replace(recipe, name=f"{recipe.name}-{name}", optimisation=replace(recipe.optimisation, **optimisation))


def keep_pace(reproduction: Reproduction, scale: int, recipes: Iterable[Recipe], upscaler: str = "edsr") -> None:
    """Let networks take as many steps as CAR with this upscaler, the slowest of them, takes in the time given."""
    slowest = pair(reproduction, scale, upscaler)
    reproduction.keep_pace(slowest, recipes)
    reproduction.trained(slowest)
