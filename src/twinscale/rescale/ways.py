"""The ways to make a small file of a picture and to bring the picture back."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from twinscale.codecs.codec import Codec
from twinscale.codecs.registry import codec_named
from twinscale.engine import Runtime
from twinscale.errors import ModelError
from twinscale.images.picture import Picture
from twinscale.rescale.channel import File, Lossy, create_channel
from twinscale.rescale.model import Model, ProgressCallback, load
from twinscale.rescale.shrink import default_pairs
from twinscale.rescale.shrunk import Shrunk
from twinscale.rescale.tag import DIGITS, Tag, digest_of
from twinscale.rescale.upscale import resized
from twinscale.rescale.xmp import remove_tag
from twinscale.zoo import DEFAULT_FAMILIES, Card, list_models

if TYPE_CHECKING:
    from twinscale.codecs.encoding import Encoded

SCALES = (Fraction(1), Fraction(3, 2), Fraction(2), Fraction(3), Fraction(4))
"""How many times smaller a picture may be in its file."""

_NOT_KNOWN = "0" * DIGITS  # stands in a tag for the digest that will take its place


@dataclass(frozen=True, slots=True)
class Way:
    """A format, a scale, and the model that restores.

    A pair shrinks by itself; before an upscaler, a picture is reduced bicubically. ``code(shrink(picture), quality)``
    gives the bytes of a file, and ``restore`` what :func:`twinscale.restore` makes of them.
    """

    format: str
    """Name of the format, such as ``"JPEG"``."""
    scale: Fraction = Fraction(1)
    """How many times longer the sides of the original are than those of the picture in the file."""
    model: Model | None = None
    """A pair of this scale, or an upscaler of this scale or a larger one; None for the codec alone."""

    def shrink(self, picture: Picture, *, tile: int | None = None, progress: ProgressCallback | None = None) -> Picture:
        """Return what the codec gets: a smaller picture with its tag, or for the codec alone the picture itself.

        Args:
            picture: the original.
            tile: see :func:`twinscale.engine.run`.
            progress: see :func:`twinscale.engine.run`.
        """
        picture = replace(picture, xmp=remove_tag(picture.xmp))
        if self.model is None:
            return picture
        card = self.model.card
        digest = card.digest[:DIGITS]
        quality = 1 if card.conditions == "quality" else None  # code will put in that of the file
        tag = Tag(card.name, digest, self.scale, picture.width, picture.height, quality, _NOT_KNOWN)
        if card.kind == "pair":
            small = self.model.shrink(picture, tile=tile, progress=progress)
        else:
            small = picture if self.scale == 1 else resized(_continued(picture, tag.covered_size), tag.small_size)
        return Shrunk(small, tag).tagged(compact=True)

    def code(self, small: Picture, quality: int | None = None) -> bytes:
        """Return a file of what :meth:`shrink` returned.

        Its tag does not say yet what a decoder makes of it, but takes as many bytes as if it did, see :meth:`sealed`.

        Args:
            small: what :meth:`shrink` returned.
            quality: 1 to 100, or None for a format that is always lossless.

        Raises:
            PictureError: the format cannot hold the picture.
        """
        return self._told(small, quality).encode(self.format, quality=quality)

    def sealed(self, small: Picture, quality: int | None, data: bytes) -> "Encoded":
        """Return the file once more, with a tag that says what a decoder makes of it, so that changes are noticed.

        Args:
            small: see :meth:`code`.
            quality: see :meth:`code`.
            data: what :meth:`code` returned.

        Returns:
            As many bytes, and notes on the metadata that the format cannot keep.
        """
        if self.model is not None and small.xmp is not None:
            digest = digest_of(_read(data))
            small = replace(small, xmp=small.xmp.replace(_NOT_KNOWN.encode(), digest.encode()))
        return self._told(small, quality).encoded(self.format, quality=quality)

    def _told(self, small: Picture, quality: int | None) -> Picture:
        """Put the quality into the tag if the model must be told it."""
        shrunk = None if self.model is None else Shrunk.find(small)
        if shrunk is None or shrunk.tag.quality is None:
            return small
        return Shrunk(shrunk.picture, replace(shrunk.tag, quality=quality)).tagged(compact=True)

    def restore(self, data: bytes, *, tile: int | None = None, progress: ProgressCallback | None = None) -> Picture:
        """Bring a picture back, at exactly its original size.

        Args:
            data: what :meth:`code` returned.
            tile: see :func:`twinscale.engine.run`.
            progress: see :func:`twinscale.engine.run`.
        """
        picture = _read(data)
        shrunk = Shrunk.find(picture)
        if self.model is None or shrunk is None:
            return picture
        unsealed = Shrunk(shrunk.picture, replace(shrunk.tag, pixels=None))
        return unsealed.restore(self.model, tile=tile, progress=progress)


def ways(format: str, runtime: Runtime | None = None) -> Iterator[Way]:
    """Yield the ways into a format: the codec alone, and what the models that there are make possible.

    Args:
        format: a format's name or one of its extensions.
        runtime: what runs the networks.

    Raises:
        UsageError: there is no such format.
    """
    codec = codec_named(format)
    cards = list_models()
    yield Way(codec.name)
    for scale in SCALES:
        if card := _upscaler(codec, scale, cards):
            yield Way(codec.name, scale, load(card, runtime))
    for card in cards:
        if card.kind == "pair" and _goes_through(card, codec):
            yield Way(codec.name, Fraction(card.scale), load(card, runtime))


def _upscaler(codec: Codec, scale: Fraction, cards: list[Card]) -> Card | None:
    """Choose what enlarges a reduced picture: of JPEGs a model that is told how they were compressed."""
    upscalers = (card for card in cards if card.kind == "upscaler")
    fitting = [card for card in upscalers if card.scale == scale or card.scale >= scale > 1]
    told = [card for card in fitting if card.conditions == codec.name.lower()]
    plain = [card for card in fitting if card.name == f"{DEFAULT_FAMILIES['upscaler']}-x{card.scale}"]
    return min(told or plain, key=lambda card: card.scale, default=None)


def _goes_through(pair: Card, codec: Codec) -> bool:
    """Return whether a pair's small pictures were trained to go through such a file."""
    channel = create_channel(pair.channel, pair.channel_parameters, ModelError)
    if isinstance(channel, Lossy):
        return codec is codec_named(channel.format if isinstance(channel, File) else "JPEG")
    return codec.quality is None and pair.name in (f"{family}-x{pair.scale}" for family in default_pairs())


def _read(data: bytes) -> Picture:
    return Picture.read(data, max_pixels=2**62)  # it was made here


def _continued(picture: Picture, size: tuple[int, int]) -> Picture:
    """Repeat the last row and column of a picture until it has a size, ``(H, W)``."""
    bottom, right = size[0] - picture.height, size[1] - picture.width
    if not (bottom or right):
        return picture
    pixels = np.pad(picture.pixels, ((0, bottom), (0, right), (0, 0)), mode="edge")
    alpha = None if picture.alpha is None else np.pad(picture.alpha, ((0, bottom), (0, right)), mode="edge")
    return replace(picture, pixels=pixels, alpha=alpha)
