"""The methods that a study compares: how a picture is made small, and how it is brought back."""

from collections.abc import Callable
from dataclasses import dataclass

from twinscale.images.picture import Picture
from twinscale.rescale import restore, shrink, upscale
from twinscale.rescale.shrunk import Shrunk
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

    A downscaler is what :func:`twinscale.shrink` takes as its method. An upscaler is what :func:`twinscale.upscale`
    takes as its model, or ``bicubic``; by default it is a pair's own second network, and for other downscalers the
    default upscaler.
    """
    downscaler, _, upscaler = name.partition("+")

    def shrunk(picture: Picture, scale: int) -> Picture:
        return shrink(picture, scale, method=downscaler)

    def restored(small: Picture, scale: int) -> Picture:
        if upscaler == "bicubic":
            return resized(small, Target(scale).size(small))
        if not upscaler and Shrunk.find(small):
            return restore(small, model=downscaler)
        return upscale(small, scale, model=upscaler or None)

    return Method(name, shrunk, restored)
