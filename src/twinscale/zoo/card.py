"""A model's card: what it is, what it was trained on, how good it is, and its files.

A model's folder may come from anywhere, so every field has bounds, and the card names files of this folder only.
"""

import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from twinscale.errors import ModelError
from twinscale.strict import Between, Matching, from_mapping

CARD_FILE = "card.toml"

_BARE = r"\w[\w .,;+=@#%!~'&()\[\]{}-]{0,99}(?<![ .])"
BARE_NAME = Matching(_BARE, "a bare name")
"""What models are called: a name that is no path, on any system."""

Conditions = Literal["none", "jpeg", "quality"]
"""What a network is told of how its picture was compressed: nothing,
:meth:`twinscale.codecs.quantisation.Quantisation.conditions`, or by how much of 100 the quality falls short of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One ONNX file: a network that maps a picture to a picture."""

    file: Annotated[str, Matching(_BARE, "the bare name of a file")]
    """File name inside the model's folder."""
    sha256: Annotated[str, Matching("[0-9a-f]{64}", "64 hexadecimal digits")]
    radius: Annotated[int | float, Between(0, 1024, or_infinite=True)]
    """Receptive-field radius in pixels of the network's input; infinity if it looks at the whole picture."""
    multiple_of: Annotated[int, Between(1, 256)]
    """Sides of the input must be multiples of this."""
    parameters: Annotated[int, Between(0, 1e12)]
    """Number of trained values."""
    multiply_adds: Annotated[float, Between(0, 1e12)]
    """Multiply-adds per pixel of the full-size picture."""
    activation_bytes: Annotated[float, Between(0, 1e7)]
    """What the network holds at its peak, in bytes per pixel of its input, as float32."""


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """The card of one model; :meth:`load` reads and checks ``card.toml``."""

    folder: Path
    name: Annotated[str, BARE_NAME]
    kind: Literal["pair", "upscaler"]
    architecture: str
    scale: Annotated[int, Between(1, 16)]
    """How many times ``up`` enlarges; 1 for an upscaler that only repairs."""
    colour: Literal["y", "rgb"]
    """Luminance (chrominance is resized bicubically beside it) or RGB."""
    input: Literal["small", "interpolated"]
    """Whether ``up`` takes the small picture or its bicubic enlargement."""
    description: str
    licence: str
    up: Part
    down: Part | None = None
    """The shrinking partner of a pair."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """The architecture's hyper-parameters."""
    conditions: Conditions = "none"
    """What ``up`` is told of how its picture was compressed, in constant planes after the picture's."""
    channel: str = "8-bit"
    """What a pair's small picture goes through before it is restored: a key of
    ``twinscale.rescale.channel.CHANNELS``."""
    channel_parameters: dict[str, Any] = field(default_factory=dict)
    """The channel's own arguments."""
    training: dict[str, Any] = field(default_factory=dict)
    """Data, recipe and its hash, and every run with its steps, minutes, machine and validation score."""
    looks: dict[str, Any] = field(default_factory=dict)
    """How a pair's small pictures look on the validation pictures: what
    :class:`twinscale.evaluation.looks.Looks` knew of them when the model was exported."""

    def __repr__(self) -> str:
        return f"<Card {self.name}: {self.kind} x{self.scale}, {'luminance' if self.colour == 'y' else 'RGB'}>"

    @property
    def digest(self) -> str:
        """SHA-256 over the files' hashes: what identifies the weights."""
        parts = [part.sha256 for part in (self.down, self.up) if part]
        return hashlib.sha256("".join(parts).encode()).hexdigest()

    @classmethod
    def load(cls, folder: Path) -> "Card":
        """Read the card of a model folder.

        Raises:
            ModelError: there is no card, or a field is unknown, missing, of a wrong type or out of bounds.
        """
        path = folder / CARD_FILE
        try:
            mapping = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(f"{folder} holds no model: a model folder has a {CARD_FILE}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} is not a model card ({error}): export the model again") from None
        where = f"{path} is not a model card"
        card = from_mapping(cls, {"folder": folder, **mapping}, where, ModelError)
        if (card.kind == "pair") != (card.down is not None):
            raise ModelError(f"{where}: kind = {card.kind!r}, but it {'has a' if card.down else 'has no'} table down")
        if card.kind == "pair" and card.scale < 2:
            raise ModelError(f"{where}: scale = {card.scale} must be at least 2 for a pair")
        if card.down and card.down.multiple_of % card.scale:
            raise ModelError(f"{where}: down: multiple_of = {card.down.multiple_of} must be a multiple of the scale")
        return card

    def read(self, part: Part) -> bytes:
        """Read one of the card's files and check it against its SHA-256.

        Raises:
            ModelError: the file is missing or was changed.
        """
        path = self.folder / part.file
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"model {self.name}: cannot read {path} ({error.strerror}): install it again") from None
        if hashlib.sha256(data).hexdigest() != part.sha256:
            raise ModelError(f"model {self.name}: {path} does not match the SHA-256 of its card: install it again")
        return data
