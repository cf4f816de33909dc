"""The methods that a study compares: how a picture is made small, and how it is brought back."""

from collections.abc import Callable
from dataclasses import dataclass

from twinscale.images.downscaling import METHODS
from twinscale.images.picture import Picture
from twinscale.rescale import restore, shrink, upscale
from twinscale.rescale.target import Target
from twinscale.rescale.upscale import resized

Transform = Callable[[Picture, int], Picture]
"""From a picture and the scale to another picture."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to make pictures small and to bring them back."""

    name: str
    shrink: Transform
    """Makes both sides ``scale`` times shorter; it is given sides that the scale divides."""
    restore: Transform
    """Brings what :attr:`shrink` made back to full size."""


def method_named(name: str) -> Method:
    """Return a method by its name: ``DOWNSCALER`` or ``DOWNSCALER+UPSCALER``.

    A downscaler is one of :data:`twinscale.images.downscaling.METHODS`, or a pair as :func:`twinscale.shrink` takes it.
    An upscaler is ``bicubic``, or a model as :func:`twinscale.upscale` takes it; if none is named, a pair restores what
    it shrank, and the default model enlarges what classical methods shrank.
    """
    downscaler, _, upscaler = name.partition("+")
    classical = downscaler in METHODS

    def shrunk(picture: Picture, scale: int) -> Picture:
        return shrink(picture, scale, method=downscaler) if classical else shrink(picture, scale, model=downscaler)

    def restored(small: Picture, scale: int) -> Picture:
        if upscaler == "bicubic":
            return resized(small, Target(scale).size(small))
        if upscaler or classical:
            return upscale(small, scale, model=upscaler or None)
        return restore(small, model=downscaler)

    return Method(name, shrunk, restored)
