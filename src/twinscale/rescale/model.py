"""A model ready to work on pictures."""

import functools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Union

import numpy as np
from numpy.typing import NDArray

from twinscale import spill
from twinscale.codecs.quantisation import CONDITIONS, Quantisation
from twinscale.engine import Network, Operation, Runtime, run
from twinscale.engine.operation import (
    clamped_to_neighbours,
    interpolated,
    on_grey,
    on_luminance,
    on_luminance_range,
    self_ensemble,
    told,
    with_alpha,
)
from twinscale.errors import ModelError, OutOfMemoryError, UsageError
from twinscale.images.picture import Picture
from twinscale.rescale.channel import Channel, Lossy, create_channel
from twinscale.zoo import Card, load_card
from twinscale.zoo.card import Conditions, Part

ProgressCallback = Callable[[int, int], None]
"""Called with the number of finished tiles and of all tiles."""

ModelLike = Union["Model", Card, str, os.PathLike[str]]
"""What the library takes for a model: a loaded one, a card, the name of a model or of a family, or a folder."""

_CONDITIONS: dict[Conditions, int] = {"none": 0, "jpeg": CONDITIONS, "quality": 1}
"""How many numbers a network is told, by what its card says of them."""
_SLACK = 1  # how many times their range an upscaler may exceed it; photographs stay as they are


class Model:
    """The networks of one card, loaded and checked when they are first used.

    Several threads may share one; they take turns in its networks. It pickles as its card and its runtime, so another
    process loads the networks again, from the same folder.

    Args:
        card: the model's card.
        runtime: what runs the networks.
    """

    def __init__(self, card: Card, runtime: Runtime | None = None) -> None:
        self.card = card
        self.runtime = runtime or Runtime()
        self._operations: dict[str, Operation] = {}
        self._loading = threading.Lock()

    def __repr__(self) -> str:
        return repr(self.card).replace("Card", "Model", 1)

    def __reduce__(self) -> tuple[type["Model"], tuple[Card, Runtime]]:
        """Leave out the loaded networks."""
        return Model, (self.card, self.runtime)

    @property
    def enlargement(self) -> Operation:
        """The enlarging network on its own channels: Y for a luminance model, else RGB.

        One that asks how its picture was compressed is told that nothing was lost.

        Raises:
            ModelError: the file is missing, changed or damaged, or its network does not fit the card.
        """
        return self.enlargement_told(None)

    def enlargement_told(self, conditions: Sequence[float] | None) -> Operation:
        """Return :attr:`enlargement`, told how its picture was compressed if that is what the card asks for.

        Args:
            conditions: as the card's ``conditions`` says; None if nothing was lost.

        Raises:
            ModelError: the file is missing, changed or damaged, or its network does not fit the card.
        """
        network = self._once("enlargement", self._load_enlargement)
        if count := _CONDITIONS[self.card.conditions]:
            network = told(network, (0.0,) * count if conditions is None else conditions)
        if self.card.kind == "pair" or self.card.input == "interpolated":
            return network
        # On flat pictures, networks err at zeros beyond the border and in colours that no photograph has. Pairs carry
        # detail where others are flat, and see at the border what they have learned with.
        mirrored = replace(network, mirrored=True)
        # What a codec made flat need not stay so: there are no bounds to what was lost.
        repairs = count and conditions is not None and any(conditions)
        return mirrored if repairs else clamped_to_neighbours(mirrored, slack=_SLACK)

    @property
    def bounds(self) -> str:
        """What limits the enlarging network's results if nothing was lost, in words; part of what decides them."""
        if self.card.kind == "pair":
            return "mirrored border" if self.card.mirrored else "none"
        if self.card.input == "interpolated":
            return "none"
        return f"3x3 neighbours, slack {_SLACK}, mirrored border"

    @property
    def channels(self) -> int:
        """Channels that its networks work on: 1 for luminance, 3 for RGB."""
        return 1 if self.card.colour == "y" else 3

    @functools.cached_property
    def channel(self) -> Channel:
        """What a pair's small picture goes through before it is restored.

        Raises:
            ModelError: the card names none that there is, or one of which its network is not told.
        """
        channel = create_channel(self.card.channel, self.card.channel_parameters, ModelError)
        if self.card.kind == "pair" and self.card.conditions not in ("none", channel.told):
            raise ModelError(
                f"model {self.card.name}: conditions = {self.card.conditions!r} must be none or {channel.told} for the "
                f"channel {self.card.channel}: export the model again"
            )
        return channel

    @property
    def reduction(self) -> Operation:
        """The shrinking network of a pair, on its own channels.

        Raises:
            ModelError: the model is not a pair, the file is missing, changed or damaged, or its network does not fit
                the card.
        """
        return self._once("reduction", self._load_reduction)

    def _once(self, name: str, load: Callable[[], Operation]) -> Operation:
        """Load an operation when it is first used, in whatever thread."""
        with self._loading:
            if name not in self._operations:
                self._operations[name] = load()
            return self._operations[name]

    def _load_enlargement(self) -> Operation:
        scale = self.card.scale
        if self.card.input == "interpolated":
            return interpolated(self._load(self.card.up, Fraction(1)), scale)
        return replace(self._load(self.card.up, Fraction(scale)), mirrored=self.card.mirrored)

    def _load_reduction(self) -> Operation:
        if self.card.down is None:
            raise ModelError(f"{self.card.name} only enlarges and cannot shrink: use a pair")
        return replace(self._load(self.card.down, Fraction(1, self.card.scale)), mirrored=self.card.mirrored)

    def _load(self, part: Part, scale: Fraction) -> Operation:
        name = f"{self.card.name}/{part.file}"
        network = self.runtime.load(self.card.read(part), name=name)
        channels = self.channels  # a network that held the model would keep both in memory until garbage is collected

        def checked(batch: NDArray[np.float32]) -> NDArray[np.float32]:
            result = network(batch)
            count, height, width, _ = batch.shape
            if result.shape != (count, height * scale, width * scale, channels):
                raise ModelError(
                    f"model {name} made {result.shape[2]}x{result.shape[1]} pixels of {width}x{height}, or not of "
                    f"{channels} channel(s): its card, which says x{scale}, does not fit"
                )
            return result

        self._try(checked, part, name)
        return Operation.of(
            checked,
            scale=scale,
            radius=part.radius,
            multiple_of=part.multiple_of,
            activation_bytes=part.activation_bytes,
        )

    def _try(self, network: Network, part: Part, name: str) -> None:
        """Run a network once on few pixels, where what its card does not say costs little.

        The sides are twice and three times what they must be a multiple of: if that were more than its card says, one
        of them would not be such a multiple.
        """
        planes = self.channels + (_CONDITIONS[self.card.conditions] if part is self.card.up else 0)
        try:
            network(np.zeros((1, 2 * part.multiple_of, 3 * part.multiple_of, planes), np.float32))
        except MemoryError:
            raise OutOfMemoryError(f"memory ran out while model {name} was tried: close other programs") from None

    def enlarge(
        self,
        picture: Picture,
        *,
        quality: int | None = None,
        ensemble: bool = False,
        tile: int | None = None,
        progress: ProgressCallback | None = None,
    ) -> Picture:
        """Enlarge a picture and its alpha ``scale`` times; metadata and depth stay.

        A model whose card asks for it is told how the picture's JPEG was quantised, or the quality of its file.

        Args:
            picture: what to enlarge; for a pair, what its reduction made.
            quality: that of the file, if it is not a JPEG, which tells by itself.
            ensemble: see :func:`twinscale.engine.operation.self_ensemble`.
            tile: see :func:`twinscale.engine.run`.
            progress: see :func:`twinscale.engine.run`.
        """
        enlargement = self.enlargement_told(self._conditions(picture.quantisation, quality))
        return self._apply(self_ensemble(enlargement) if ensemble else enlargement, picture, tile, progress)

    def _conditions(self, quantisation: Quantisation | None, quality: int | None) -> Sequence[float] | None:
        """Return what the enlarging network is told of a file; None if there is nothing to tell.

        A pair is told the quality as if the file were what it learned with, whatever its chroma.
        """
        if self.card.conditions == "jpeg":
            quality = quantisation.quality if quantisation else None
        if quality is not None and isinstance(self.channel, Lossy):
            return self.channel.at(quality).conditions(self.channels)
        return quantisation.conditions() if quantisation and self.card.conditions == "jpeg" else None

    def shrink(self, picture: Picture, *, tile: int | None = None, progress: ProgressCallback | None = None) -> Picture:
        """Shrink a picture and its alpha ``scale`` times, sides rounded up; metadata and depth stay.

        Args:
            picture: what to shrink.
            tile: see :func:`twinscale.engine.run`.
            progress: see :func:`twinscale.engine.run`.

        Raises:
            ModelError: the model is not a pair.
        """
        return self._apply(self.reduction, picture, tile, progress)

    def on_channels(self, operation: Operation, channels: int) -> Operation:
        """Make an operation of this model work on one channel or on RGB; a luminance model takes one channel as Y."""
        if self.card.colour == "y":
            return operation if channels == 1 else on_luminance(operation)
        return on_grey(operation) if channels == 1 else operation

    def _apply(
        self, operation: Operation, picture: Picture, tile: int | None, progress: ProgressCallback | None
    ) -> Picture:
        colour = self._on_pixels(operation, picture.channels)
        picture = replace(picture, quantisation=None)  # what comes out are pixels of no JPEG
        if picture.alpha is None:
            return replace(picture, pixels=run(colour, picture.pixels, tile=tile, progress=progress))
        if picture.is_opaque:
            pixels = run(colour, picture.pixels, tile=tile, progress=progress)
            return replace(picture, pixels=pixels, alpha=np.broadcast_to(picture.alpha[:1, :1], pixels.shape[:2]))
        # An upscaler enlarges alpha like a grey picture, so that its edges are as sharp as the colour's. What a pair
        # makes of alpha would be noise to other programs.
        alpha = clamped_to_neighbours(self._on_pixels(operation, 1)) if self.card.kind == "upscaler" else None
        result = run(with_alpha(colour, alpha), picture.samples(), tile=tile, progress=progress)
        return replace(picture, pixels=spill.contiguous(result[:, :, :-1]), alpha=spill.contiguous(result[:, :, -1]))

    def _on_pixels(self, operation: Operation, channels: int) -> Operation:
        """Do what :meth:`on_channels` does, for a picture's pixels: those of a grey picture are not yet Y."""
        if self.card.colour == "y" and channels == 1:
            return on_luminance_range(operation)
        return self.on_channels(operation, channels)


def load(model: Card | str | os.PathLike[str], runtime: Runtime | None = None) -> Model:
    """Load a model.

    Args:
        model: its name, the name of its family (the smallest scale), the folder it was exported to or the run's, or its
            card, as :func:`twinscale.list_models` returns it.
        runtime: what runs its networks: threads, device, backend and precision.

    Raises:
        ModelError: there is no such model, or its card is damaged.
    """
    return Model(model if isinstance(model, Card) else load_card(model), runtime)


def as_model(model: ModelLike, scale: float | None = None, runtime: Runtime | None = None) -> Model:
    """Return a loaded model, or load one; of a family, that for the scale, see :func:`twinscale.zoo.resolve`.

    Calls in a row share what they load.

    Raises:
        UsageError: the model is loaded but a runtime is given, or the family has no model for this scale.
        ModelError: there is no such model, or its card is damaged.
    """
    if isinstance(model, Model):
        if runtime is not None:
            raise UsageError(
                f"model {model.card.name} is loaded and already has a runtime: give the runtime when loading it, or "
                "the model's name here"
            )
        return model
    card = model if isinstance(model, Card) else load_card(model, scale)
    return _latest.model(card, runtime or Runtime())


class _Latest:
    """The models that were used last: calls in a row share the loaded networks, in whatever thread they are."""

    _COUNT = 2  # each holds the memory of its largest tile

    def __init__(self) -> None:
        self._models: OrderedDict[tuple[Path, Runtime], Model] = OrderedDict()
        self._alone = threading.Lock()

    def model(self, card: Card, runtime: Runtime) -> Model:
        """Return the model of a card, the same one as before unless its folder has changed."""
        key = (card.folder, runtime)
        with self._alone:
            model = self._models.pop(key, None)
            if model is None or model.card != card:
                model = Model(card, runtime)
            self._models[key] = model
            if len(self._models) > self._COUNT:
                self._models.popitem(last=False)
            return model

    def clear(self) -> None:
        """Forget all models."""
        with self._alone:
            self._models.clear()


_latest = _Latest()
