"""The networks: one file per architecture, named after its paper."""

import importlib
import inspect
import pkgutil
from typing import Any

from twinscale.errors import UsageError
from twinscale.nets.base import ARCHITECTURES, Downscaler, Network, Pair, Rescaled, Upscaler

__all__ = ["ARCHITECTURES", "Downscaler", "Network", "Pair", "Rescaled", "Upscaler", "create"]

for _module in pkgutil.iter_modules(__path__):  # each module registers its networks
    importlib.import_module(f"{__name__}.{_module.name}")


def create(architecture: str, **parameters: Any) -> Upscaler | Pair:
    """Build an untrained network by name.

    Args:
        architecture: a key of :data:`ARCHITECTURES`.
        **parameters: the architecture's own arguments: ``scale`` and ``channels``, for a pair ``channel``.

    Raises:
        UsageError: the architecture or a parameter is unknown.
    """
    if architecture not in ARCHITECTURES:
        raise UsageError(f"unknown architecture {architecture!r}: use one of {', '.join(sorted(ARCHITECTURES))}")
    network = ARCHITECTURES[architecture]
    known = inspect.signature(network).parameters
    for name in parameters:
        if name not in known:
            raise UsageError(f"{architecture} has no parameter {name!r}: it takes {', '.join(known)}")
    return network(**parameters)
