"""What users call: upscale, repair, shrink, restore."""

from twinscale.rescale.model import Model, ModelLike, load
from twinscale.rescale.repair import repair
from twinscale.rescale.restore import restore
from twinscale.rescale.shrink import shrink
from twinscale.rescale.upscale import upscale

__all__ = ["Model", "ModelLike", "load", "repair", "restore", "shrink", "upscale"]
