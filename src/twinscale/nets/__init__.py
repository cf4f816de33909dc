"""The networks: one file per architecture, named after its paper."""

import importlib
import pkgutil

from twinscale.nets.base import ARCHITECTURES, Downscaler, Network, Pair, Rescaled, Upscaler, create

__all__ = ["ARCHITECTURES", "Downscaler", "Network", "Pair", "Rescaled", "Upscaler", "create"]

for _module in pkgutil.iter_modules(__path__):  # each module registers its networks
    importlib.import_module(f"{__name__}.{_module.name}")
