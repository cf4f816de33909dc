"""Learned image rescaling: shrink pictures so that they can be brought back, enlarge small ones.

>>> import twinscale
>>> small = twinscale.shrink("photo.png")            # doctest: +SKIP
>>> small.write("small.png")                         # doctest: +SKIP
>>> twinscale.restore("small.png").write("back.png") # doctest: +SKIP
>>> twinscale.upscale("old.jpg", 2).write("big.png") # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from twinscale.images.picture import Picture
    from twinscale.rescale.evaluate import Evaluation, evaluate
    from twinscale.rescale.model import Model, load
    from twinscale.rescale.restore import restore
    from twinscale.rescale.shrink import shrink
    from twinscale.rescale.upscale import upscale

__all__ = ["Evaluation", "Model", "Picture", "evaluate", "load", "restore", "shrink", "upscale"]


def __getattr__(name: str) -> Any:
    """Import what is asked for only then, so that ``import twinscale`` costs nothing."""
    if name == "Picture":
        from twinscale.images.picture import Picture

        return Picture
    if name in __all__:
        from twinscale import rescale

        return getattr(rescale, name)
    raise AttributeError(f"module 'twinscale' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List what can be imported, whether it was imported yet or not."""
    return sorted({*globals(), *__all__})
