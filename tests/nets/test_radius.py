"""Tiling relies on the receptive-field radius that a network declares: whatever is registered is measured."""

import math
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.nets.receptive import measured_radius
from tests.nets.scales import made_for
from twinscale.nets import Pair, create
from twinscale.nets.layers.collapsed import collapsed

# Networks are measured as they are by default; these would take half a minute each.
SMALLER: dict[str, dict[str, Any]] = {
    "car": {"width": 2, "blocks": 1, "upscaler": "bicubic"},
    "compressed-sr": {"repair_width": 8, "width": 8, "blocks": 2},
    "d-dbpn": {"width": 8},
    "dncnn": {"width": 8},
    "edsr": {"width": 8},
    "rdn": {"width": 8, "growth": 8, "blocks": 3},
    "span": {"width": 8},
    "vdsr": {"width": 8},
}


@pytest.mark.parametrize(("architecture", "scale"), made_for())
def test_declared_radius_is_the_measured_one(architecture: str, scale: int) -> None:
    network = create(architecture, scale=scale, channels=1, **SMALLER.get(architecture, {}))
    for part in (network.down, network.up) if isinstance(network, Pair) else (network,):
        assert part.radius == math.inf or part.radius == measured_radius(collapsed(part))
