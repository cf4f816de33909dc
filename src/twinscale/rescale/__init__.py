"""What users call: upscale, shrink, restore, evaluate."""

from twinscale.rescale.evaluate import Evaluation, evaluate
from twinscale.rescale.model import Model, load
from twinscale.rescale.restore import restore
from twinscale.rescale.shrink import shrink
from twinscale.rescale.upscale import upscale

__all__ = ["Evaluation", "Model", "evaluate", "load", "restore", "shrink", "upscale"]
