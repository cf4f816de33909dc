"""Training partly in bfloat16."""

from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from twinscale.training.recipe import Precision


def open_fabric(accelerator: str, devices: int, precision: Precision) -> Fabric:
    """Return the devices that train, at a precision.

    Args:
        accelerator: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        devices: how many.
        precision: see :func:`twinscale.training.cpu.usable_precision`.
    """
    if precision == "32-true":
        return Fabric(accelerator=accelerator, devices=devices)
    on_gpu = accelerator == "cuda" or (accelerator == "auto" and torch.cuda.is_available())
    return Fabric(accelerator=accelerator, devices=devices, plugins=[_Mixed("bf16-mixed", "cuda" if on_gpu else "cpu")])


class _Mixed(MixedPrecision):
    """Convolutions compute in bfloat16, as ``torch.autocast`` decides; pictures stay what they are.

    Fabric's own plugin rounds the network's input to bfloat16, whose steps between 0.5 and 1 are those of 8 bits: what
    residual networks add their corrections to would be off by half a level.
    """

    def convert_input(self, data: Any) -> Any:
        """Leave the input alone."""
        return data
