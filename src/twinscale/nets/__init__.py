"""The networks: one file an architecture, named after its paper."""

import inspect
from typing import Any

from twinscale.errors import UsageError
from twinscale.nets.base import Network, Pair, Rescaled, Upscaler
from twinscale.nets.dsn import DSN, UpSNet
from twinscale.nets.edsr import EDSR
from twinscale.nets.espcn import ESPCN
from twinscale.nets.fsrcnn import FSRCNN
from twinscale.nets.lean import Lean
from twinscale.nets.sesr import SESR
from twinscale.nets.small_cnns import SmallCNN
from twinscale.nets.span import SPAN
from twinscale.nets.srcnn import SRCNN
from twinscale.nets.twin import Twin
from twinscale.nets.vdsr import VDSR

ARCHITECTURES: dict[str, type[Upscaler] | type[Pair]] = {
    "dsn": DSN,
    "edsr": EDSR,
    "espcn": ESPCN,
    "fsrcnn": FSRCNN,
    "lean": Lean,
    "sesr": SESR,
    "small-cnn": SmallCNN,
    "span": SPAN,
    "srcnn": SRCNN,
    "twin": Twin,
    "upsnet": UpSNet,
    "vdsr": VDSR,
}

__all__ = ["ARCHITECTURES", "Network", "Pair", "Rescaled", "Upscaler", "create"]


def create(architecture: str, **parameters: Any) -> Upscaler | Pair:
    """Build an untrained network by name.

    Args:
        architecture: a key of :data:`ARCHITECTURES`.
        **parameters: the architecture's own arguments, ``scale`` and ``channels`` among them.

    Raises:
        UsageError: an unknown architecture or parameter.
    """
    if architecture not in ARCHITECTURES:
        raise UsageError(f"unknown architecture {architecture!r}: use one of {', '.join(sorted(ARCHITECTURES))}")
    network = ARCHITECTURES[architecture]
    known = inspect.signature(network).parameters
    for name in parameters:
        if name not in known:
            raise UsageError(f"{architecture} has no parameter {name!r}: it takes {', '.join(known)}")
    return network(**parameters)
