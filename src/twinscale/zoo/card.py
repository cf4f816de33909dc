"""A model's card: what it is, what it was trained on, how good it is, and its files.

A model's folder may come from anywhere, so every field has bounds, and the card names files of this folder only.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from twinscale.errors import ModelError
from twinscale.strict import Between, Matching, from_mapping
from twinscale.untrusted import read_ordinary, read_toml

CARD_FILE = "card.toml"

_BARE = r"\w[\w .,;+=@#%!~'&()\[\]{}-]{0,99}(?<![ .])"
BARE_NAME = Matching(_BARE, "a bare name")
"""What models are called: a name that is no path, on any system."""

TEXT = Matching(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,1000}", "one line of at most 1000 characters")
"""What is printed of a model; control characters could make a terminal do what nobody asked for."""

_Name = Annotated[str, BARE_NAME]
_MOST_BYTES = 2**30  # of a network: a hundred times those of the largest that papers publish for pictures

Conditions = Literal["none", "jpeg", "quality"]
"""What a network is told of how its picture was compressed: nothing,
:meth:`twinscale.codecs.quantisation.Quantisation.conditions`, or by how much of 100 the quality falls short of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One ONNX file: a network that maps a picture to a picture."""

    file: Annotated[str, Matching(_BARE, "the bare name of a file")]
    """File name inside the model's folder."""
    sha256: Annotated[str, Matching("[0-9a-f]{64}", "64 hexadecimal digits")]
    radius: Annotated[int | float, Between(0, 512, or_infinite=True)]
    """Receptive-field radius in pixels of the network's input; infinity if it looks at the whole picture."""
    multiple_of: Annotated[int, Between(1, 64)]
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
    name: _Name
    kind: Literal["pair", "upscaler"]
    architecture: _Name
    scale: Annotated[int, Between(1, 16)]
    """How many times ``up`` enlarges; 1 for an upscaler that only repairs."""
    colour: Literal["y", "rgb"]
    """Luminance (chrominance is resized bicubically beside it) or RGB."""
    input: Literal["small", "interpolated"]
    """Whether ``up`` takes the small picture or its bicubic enlargement."""
    description: Annotated[str, TEXT]
    licence: Annotated[str, TEXT]
    up: Part
    down: Part | None = None
    """The shrinking partner of a pair."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """The architecture's hyper-parameters."""
    conditions: Conditions = "none"
    """What ``up`` is told of how its picture was compressed, in constant planes after the picture's."""
    mirrored: bool = False
    """Whether both networks of a pair see pictures continued by their mirror image; an upscaler of small pictures
    always does."""
    channel: _Name = "8-bit"
    """What a pair's small picture goes through before it is restored: a key of
    ``twinscale.rescale.channel.CHANNELS``."""
    channel_parameters: dict[str, Any] = field(default_factory=dict)
    """The channel's own arguments."""
    training: dict[str, Any] = field(default_factory=dict)
    """Data, recipe and its hash, and every run with its steps, minutes, machine and validation score."""
    looks: dict[str, float] = field(default_factory=dict)
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
            ModelError: there is no card, it is no small TOML file, a field is unknown, missing, of a wrong type or out
                of bounds, or two of them contradict each other.
        """
        path = folder / CARD_FILE
        where = f"{path} is not a model card"
        try:
            mapping = read_toml(path)
        except FileNotFoundError:
            raise ModelError(f"{folder} holds no model: a model folder has a {CARD_FILE}") from None
        except OSError as error:
            raise ModelError(f"cannot read {path} ({error.strerror}): install the model again") from None
        except ValueError as error:
            raise ModelError(f"{where} ({error}): export the model again") from None
        card = from_mapping(cls, {"folder": folder, **mapping}, where, ModelError)
        for problem in card._contradictions():
            raise ModelError(f"{where}: {problem}")
        return card

    def _contradictions(self) -> Iterator[str]:
        """Yield what is wrong about fields that are right each by itself."""
        if (self.kind == "pair") != (self.down is not None):
            yield f"kind = {self.kind!r}, but it {'has a' if self.down else 'has no'} table down"
        if self.kind == "pair" and self.scale < 2:
            yield f"scale = {self.scale} must be at least 2 for a pair"
        if self.kind == "pair" and self.input != "small":
            yield f"input = {self.input!r} must be small for a pair"
        if self.kind != "pair" and self.mirrored:
            yield f"mirrored = true is for pairs, but kind = {self.kind!r}"
        if self.down and self.down.multiple_of % self.scale:
            yield f"down: multiple_of = {self.down.multiple_of} must be a multiple of the scale"
        if self.input == "interpolated" and self.scale % self.up.multiple_of:
            yield f"up: multiple_of = {self.up.multiple_of} must divide the scale if its input is interpolated"

    def read(self, part: Part) -> bytes:
        """Read one of the card's files and check it against its SHA-256.

        Raises:
            ModelError: the file is missing, not an ordinary one, larger than any network, or was changed.
        """
        path = self.folder / part.file
        try:
            data = read_ordinary(path, _MOST_BYTES)
        except OSError as error:
            raise ModelError(f"model {self.name}: cannot read {path} ({error.strerror}): install it again") from None
        if hashlib.sha256(data).hexdigest() != part.sha256:
            raise ModelError(f"model {self.name}: {path} does not match the SHA-256 of its card: install it again")
        return data
