"""What users call: upscale, repair, shrink, pack, restore."""

from twinscale.rescale.model import Model, ModelLike, load
from twinscale.rescale.pack import Packed, pack
from twinscale.rescale.repair import repair
from twinscale.rescale.restore import restore
from twinscale.rescale.shrink import shrink
from twinscale.rescale.upscale import upscale

__all__ = ["Model", "ModelLike", "Packed", "load", "pack", "repair", "restore", "shrink", "upscale"]
