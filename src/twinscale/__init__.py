"""Learned image rescaling: shrink pictures so that they can be brought back, enlarge small ones.

>>> import twinscale
>>> small = twinscale.shrink("photo.png")            # doctest: +SKIP
>>> small.write("small.png")                         # doctest: +SKIP
>>> twinscale.restore("small.png").write("back.png") # doctest: +SKIP
>>> twinscale.upscale("old.jpg", 2).write("big.png") # doctest: +SKIP

Pictures may also be bytes, open files, NumPy arrays and PIL images; results are :class:`Picture` objects.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from twinscale.errors import TwinscaleError

__version__ = "0.1.0"

if TYPE_CHECKING:
    from twinscale.engine.runtime import Runtime
    from twinscale.evaluation.evaluate import Evaluation, evaluate
    from twinscale.images.picture import Picture, PictureLike
    from twinscale.rescale.model import Model, ModelLike, load
    from twinscale.rescale.pack import Packed, pack
    from twinscale.rescale.repair import repair
    from twinscale.rescale.restore import restore
    from twinscale.rescale.shrink import shrink
    from twinscale.rescale.shrunk import Shrunk
    from twinscale.rescale.upscale import upscale
    from twinscale.zoo.card import Card
    from twinscale.zoo.catalogue import list_models

__all__ = [
    "Card",
    "Evaluation",
    "Model",
    "ModelLike",
    "Packed",
    "Picture",
    "PictureLike",
    "Runtime",
    "Shrunk",
    "TwinscaleError",
    "evaluate",
    "list_models",
    "load",
    "pack",
    "repair",
    "restore",
    "shrink",
    "upscale",
]

_MODULES = {
    "Card": "zoo.card",
    "Evaluation": "evaluation.evaluate",
    "Model": "rescale.model",
    "ModelLike": "rescale.model",
    "Packed": "rescale.pack",
    "Picture": "images.picture",
    "PictureLike": "images.picture",
    "Runtime": "engine.runtime",
    "Shrunk": "rescale.shrunk",
    "evaluate": "evaluation.evaluate",
    "list_models": "zoo.catalogue",
    "load": "rescale.model",
    "pack": "rescale.pack",
    "repair": "rescale.repair",
    "restore": "rescale.restore",
    "shrink": "rescale.shrink",
    "upscale": "rescale.upscale",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that ``import twinscale`` costs nothing."""
    if name not in _MODULES:
        raise AttributeError(f"module 'twinscale' has no attribute {name!r}")
    return getattr(import_module(f"twinscale.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """List what can be imported, whether it has been imported yet or not."""
    return sorted({*globals(), *__all__})
