"""A model ready to work on pictures."""

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from twinscale.engine import OnnxNetwork, Operation, run
from twinscale.engine.operation import interpolated, on_grey, on_luminance, with_alpha
from twinscale.engine.tiling import DEFAULT_TILE
from twinscale.errors import ModelError
from twinscale.images.picture import Picture
from twinscale.zoo import Card, load_card, model_names
from twinscale.zoo.card import Part

Progress = Callable[[int, int], None]


class Model:
    """The networks of one card, loaded and checked when first used.

    Args:
        card: the model's card.
        threads: processors to use; by default all that this process may use.
    """

    def __init__(self, card: Card, *, threads: int | None = None) -> None:
        self.card = card
        self._threads = threads

    @functools.cached_property
    def up(self) -> Operation:
        """The enlarging network on its own channels: Y for a luminance model, else RGB.

        Raises:
            ModelError: the file is missing, changed or damaged.
        """
        network = self._network(self.card.up)
        if self.card.input == "interpolated":
            return interpolated(network, self.card.scale)
        return replace(network, up=self.card.scale)

    @functools.cached_property
    def down(self) -> Operation:
        """The shrinking network of a pair, on its own channels.

        Raises:
            ModelError: the model is no pair, or the file is missing, changed or damaged.
        """
        if self.card.down is None:
            raise ModelError(f"{self.card.name} only enlarges, it cannot shrink: use a pair")
        return replace(self._network(self.card.down), down=self.card.scale)

    def _network(self, part: Part) -> Operation:
        name = f"{self.card.name}/{part.file}"
        network = OnnxNetwork(self.card.read(part), name=name, threads=self._threads)
        return Operation(network, radius=part.radius, multiple_of=part.multiple_of)

    def on_channels(self, operation: Operation, channels: int) -> Operation:
        """Make :attr:`up` or :attr:`down` work on grey (1) or RGB (3) planes."""
        if self.card.colour == "y":
            return operation if channels == 1 else on_luminance(operation)
        return on_grey(operation) if channels == 1 else operation

    def apply(
        self, operation: Operation, picture: Picture, *, tile: int = DEFAULT_TILE, progress: Progress | None = None
    ) -> Picture:
        """Run :attr:`up` or :attr:`down` on a picture with its alpha; metadata and depth stay."""
        operation = self.on_channels(operation, picture.channels)
        pixels = picture.pixels
        if picture.alpha is not None:
            operation = with_alpha(operation)
            pixels = np.concatenate((pixels, picture.alpha[:, :, None]), axis=2)
        result = run(operation, pixels, tile=tile, progress=progress)
        if picture.alpha is None:
            return replace(picture, pixels=result)
        return replace(picture, pixels=np.ascontiguousarray(result[:, :, :-1]), alpha=result[:, :, -1].copy())


def load(name_or_folder: str | os.PathLike[str], *, threads: int | None = None) -> Model:
    """Load a model by its name or by the folder it was exported to.

    Raises:
        ModelError: there is no such model, or its card is damaged.
    """
    return Model(load_card(name_or_folder), threads=threads)


def as_model(model: "Model | str | os.PathLike[str]", *, threads: int | None = None) -> Model:
    """A model, or the model of that name or folder."""
    if isinstance(model, Model):
        return model
    if isinstance(model, str) and model in model_names():
        return _shipped(model, threads)
    return load(model, threads=threads)


@functools.lru_cache(maxsize=4)
def _shipped(name: str, threads: int | None) -> Model:
    """Shipped models do not change, so calls in a row share the loaded networks."""
    return load(name, threads=threads)


def as_picture(picture: Any) -> Picture:
    """A picture, or the picture in that file."""
    return picture if isinstance(picture, Picture) else Picture.read(picture)
