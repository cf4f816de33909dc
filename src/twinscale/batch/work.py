"""What is done to every picture of a batch, as plain data: it can be compared, pickled and sent to another machine."""

import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, dataclass, fields
from typing import Any, ClassVar, Literal

from twinscale.engine import Runtime
from twinscale.images.downscaling import check
from twinscale.images.picture import Picture
from twinscale.rescale import load, pack, repair, restore, shrink, upscale
from twinscale.rescale.classical import DEFAULT_SCALE
from twinscale.rescale.model import Model, ProgressCallback
from twinscale.rescale.pack import Aim, Packed
from twinscale.rescale.repair import choose_repairer
from twinscale.rescale.restore import Fallback
from twinscale.rescale.shrink import choose_pair, default_pairs
from twinscale.rescale.shrunk import Shrunk
from twinscale.rescale.target import Target
from twinscale.rescale.upscale import default_families, enlargements, passes
from twinscale.zoo import (
    DEFAULT_REPAIRER,
    Card,
    families,
    list_models,
    load_card,
    model_names,
    resolve,
    scales,
)

Process = Callable[[Picture, str, ProgressCallback | None], Picture | Packed]
"""Works on one picture, which will be written in a format, and reports the number of finished and of all tiles
meanwhile."""

Formats = Literal["any", "lossless", "lossy"]
"""Formats by what they do to pixels; some that are lossless unless a quality is given are both of the others."""


class Work(typing.Protocol):
    """What a batch does to every picture; a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def runtime(self) -> Runtime:
        """What runs the networks."""

    @property
    def kind(self) -> str:
        """The kind of work, in a word."""

    @property
    def suffix(self) -> str:
        """What goes between the name and the extension of an output that is not named.

        It names the model if that was chosen, so that results of several models do not meet.

        Raises:
            UsageError, ModelError: it depends on the model, and there is no such model.
        """

    @property
    def placeholders(self) -> Mapping[str, str]:
        """What a template of output names may say about the work; see :attr:`suffix` for errors."""

    @property
    def identity(self) -> dict[str, Any]:
        """What decides a result besides the picture, as JSON can hold it: the kind, the weights' digests and options.

        Results that differ in the last digits only, by backend or tile, are the same; see :attr:`suffix` for errors.
        """

    @property
    def carries_tag(self) -> bool:
        """Whether a result must keep its XMP packet and its exact pixels, as a shrunk picture must."""

    @property
    def formats(self) -> Formats:
        """Which formats an input's own must be among for a result to be written in it, if none is asked for."""

    def size(self, picture: Picture) -> tuple[int, int]:
        """Return ``(height, width)`` of the result before any network runs.

        Raises:
            UsageError: the model cannot do what is asked of it.
            ModelError: there is no such model, or its card is damaged.
        """

    def load(self) -> Process:
        """Find the model, once per process; its networks are loaded with the first picture.

        Raises:
            UsageError: the model cannot do what is asked of it.
            ModelError: there is no such model, or its card is damaged.
        """


@dataclass(frozen=True, slots=True)
class Upscale:
    """Enlarge pictures, as :func:`twinscale.upscale` does.

    Attributes:
        model: name of a model or of a family, or a folder; by default each picture chooses among the default families.
        scale: see :func:`twinscale.upscale`; so are ``width``, ``height`` and ``fit``.
        ensemble: see :func:`twinscale.upscale`.
        tile: see :func:`twinscale.upscale`.
        runtime: what runs the network.
    """

    kind: ClassVar[str] = "upscale"
    carries_tag: ClassVar[bool] = False
    formats: ClassVar[Formats] = "any"

    model: str | None = None
    scale: float | None = None
    ensemble: bool = False
    tile: int | None = None
    runtime: Runtime = Runtime()
    width: int | None = None
    height: int | None = None
    fit: tuple[int, int] | None = None

    @property
    def suffix(self) -> str:
        """``_x2``, or ``_1920w`` and the like to a size; of a model that is named ``_best-x2`` or ``_best-x2_x1.5``."""
        if self.model is None:
            return f"_{self._target}"
        at_its_own = [card.scale for card in self._cards] == [self._target.scale]
        return f"_{self._name}" + ("" if at_its_own else f"_{self._target}")

    @property
    def placeholders(self) -> Mapping[str, str]:
        """See :attr:`Work.placeholders`; the model may depend on the picture, and to a size the scale does."""
        model = {"model": self._name} if len(self._families) == 1 else {}
        scale = self._target.scale
        return model | ({} if scale is None else {"scale": f"{scale:g}"})

    @property
    def identity(self) -> dict[str, Any]:
        """See :attr:`Work.identity`."""
        weights = [card.digest for card in self._cards]
        return _identity(self, weights=weights, scale=self._target.scale, fit=self.fit and list(self.fit))

    @property
    def _families(self) -> list[str]:
        """The model or the family that is named, or those among which each picture chooses."""
        return default_families() if self.model is None else [self.model]

    @property
    def _target(self) -> Target:
        return Target(self.scale, self.width, self.height, self.fit).or_times(enlargements(self._families[0])[0])

    @property
    def _cards(self) -> list[Card]:
        """The models that work on pictures, each once; to a size, each picture chooses among those of a family."""
        cards = []
        for family in self._families:
            steps = available = enlargements(family)
            if self._target.scale is not None:
                steps = list(passes(self._target.scale, available))
            cards += [load_card(family, step) for step in dict.fromkeys(steps)]
        return cards

    @property
    def _name(self) -> str:
        """The name of the only model, or else of the only family."""
        cards = self._cards
        return _word(cards[0].name) if len(cards) == 1 else self._families[0]

    def size(self, picture: Picture) -> tuple[int, int]:
        """See :meth:`Work.size`."""
        return self._target.size(picture)

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        target = self._target
        model = None if self.model is None else _fixed(self.model, self.runtime)
        return lambda picture, _, progress: upscale(
            picture,
            target.scale,
            width=target.width,
            height=target.height,
            fit=target.fit,
            model=model,
            ensemble=self.ensemble,
            tile=self.tile,
            runtime=None if isinstance(model, Model) else self.runtime,
            progress=progress,
        )


@dataclass(frozen=True, slots=True)
class Shrink:
    """Make pictures smaller so that they can be brought back, as :func:`twinscale.shrink` does.

    Attributes:
        model: name of a pair or of a family of pairs, or a folder; by default each picture chooses among the default
            families.
        scale: 2, 3 or 4; by default that of the model.
        tile: see :func:`twinscale.shrink`.
        runtime: what runs the network.
    """

    kind: ClassVar[str] = "shrink"
    carries_tag: ClassVar[bool] = True
    formats: ClassVar[Formats] = "lossless"

    model: str | None = None
    scale: int | None = None
    tile: int | None = None
    runtime: Runtime = Runtime()

    @property
    def suffix(self) -> str:
        """``_shrunk``, or ``_shrunk_dsn-x2`` by a pair that is named."""
        return "_shrunk" if self.model is None else f"_shrunk_{_word(self._cards[0].name)}"

    @property
    def placeholders(self) -> Mapping[str, str]:
        """See :attr:`Work.placeholders`; by default the model depends on the picture."""
        cards = self._cards
        model = {"model": _word(cards[0].name)} if len(cards) == 1 else {}
        return model | {"scale": f"{cards[0].scale}"}

    @property
    def identity(self) -> dict[str, Any]:
        """See :attr:`Work.identity`."""
        cards = self._cards
        return _identity(self, weights=[card.digest for card in cards], scale=cards[0].scale)

    @property
    def _cards(self) -> list[Card]:
        """The pair that is named, or those among which each picture chooses, all of one scale."""
        return [load_card(pair, self.scale) for pair in (default_pairs() if self.model is None else [self.model])]

    def size(self, picture: Picture) -> tuple[int, int]:
        """See :meth:`Work.size`."""
        scale = self._cards[0].scale
        return -(-picture.height // scale), -(-picture.width // scale)

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        model = None if self.model is None else choose_pair(self.scale, self.model, runtime=self.runtime)
        return lambda picture, _, progress: shrink(
            picture,
            self.scale,
            model=model,
            tile=self.tile,
            runtime=self.runtime if model is None else None,
            progress=progress,
        )


@dataclass(frozen=True, slots=True)
class Downscale:
    """Make pictures smaller by a classical method, as :func:`twinscale.shrink` does with ``method``.

    Attributes:
        method: see :func:`twinscale.shrink`.
        scale: 2 to 16.
        tile: see :func:`twinscale.shrink`.
        runtime: of no use, since no network runs.
    """

    kind: ClassVar[str] = Shrink.kind
    carries_tag: ClassVar[bool] = False
    formats: ClassVar[Formats] = "any"

    method: str
    scale: int = DEFAULT_SCALE
    tile: int | None = None
    runtime: Runtime = Runtime()

    def __post_init__(self) -> None:
        check(self.scale, self.method)

    @property
    def suffix(self) -> str:
        """``_shrunk_dpid-x2``."""
        return f"_shrunk_{self.method}-x{self.scale}"

    @property
    def placeholders(self) -> Mapping[str, str]:
        """See :attr:`Work.placeholders`."""
        return {"model": self.method, "scale": f"{self.scale}"}

    @property
    def identity(self) -> dict[str, Any]:
        """See :attr:`Work.identity`."""
        return {"kind": self.kind, "method": self.method, "scale": self.scale}

    def size(self, picture: Picture) -> tuple[int, int]:
        """See :meth:`Work.size`."""
        return -(-picture.height // self.scale), -(-picture.width // self.scale)

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        return lambda picture, _, progress: shrink(
            picture, self.scale, method=self.method, tile=self.tile, progress=progress
        )


@dataclass(frozen=True, slots=True)
class Repair:
    """Remove what JPEG did to pictures, as :func:`twinscale.repair` does.

    Results are written losslessly unless asked otherwise: saved as JPEGs again, they would lose much of what they have
    gained (``docs/jpeg.md``).

    Attributes:
        model: name of a model of scale 1, or a folder; by default the default one.
        saved_at: see :func:`twinscale.repair`.
        tile: see :func:`twinscale.repair`.
        runtime: what runs the network.
    """

    kind: ClassVar[str] = "repair"
    carries_tag: ClassVar[bool] = False
    formats: ClassVar[Formats] = "lossless"

    model: str | None = None
    saved_at: int | None = None
    tile: int | None = None
    runtime: Runtime = Runtime()

    @property
    def suffix(self) -> str:
        """``_repaired``, or ``_repaired_own-x1`` by a model that is named."""
        return "_repaired" if self.model is None else f"_repaired_{_word(self._card.name)}"

    @property
    def placeholders(self) -> Mapping[str, str]:
        """See :attr:`Work.placeholders`."""
        return {"model": _word(self._card.name)}

    @property
    def identity(self) -> dict[str, Any]:
        """See :attr:`Work.identity`."""
        return _identity(self, weights=[self._card.digest])

    @property
    def _card(self) -> Card:
        return load_card(DEFAULT_REPAIRER if self.model is None else self.model)

    def size(self, picture: Picture) -> tuple[int, int]:
        """See :meth:`Work.size`."""
        return picture.height, picture.width

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        model = choose_repairer(self.model, self.runtime)
        return lambda picture, _, progress: repair(
            picture, model=model, saved_at=self.saved_at, tile=self.tile, progress=progress
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """Make small files of pictures, as :func:`twinscale.pack` does.

    Attributes:
        aim: what each is to reach.
        compare: see :func:`twinscale.pack`.
        tile: see :func:`twinscale.pack`.
        runtime: what runs the networks.
    """

    kind: ClassVar[str] = "pack"
    carries_tag: ClassVar[bool] = True
    formats: ClassVar[Formats] = "lossy"
    suffix: ClassVar[str] = "_packed"
    placeholders: ClassVar[Mapping[str, str]] = {}  # each picture chooses its model and its scale

    aim: Aim = Aim()
    compare: tuple[str, ...] = ()
    tile: int | None = None
    runtime: Runtime = Runtime()

    @property
    def identity(self) -> dict[str, Any]:
        """See :attr:`Work.identity`. Any model may be chosen, and what is compared changes no file."""
        weights = [card.digest for card in list_models()]
        return {"kind": self.kind, **asdict(self.aim), "precision": self.runtime.precision, "weights": weights}

    def size(self, picture: Picture) -> tuple[int, int]:
        """Return the largest size that the picture may have in its file: its own."""
        return picture.height, picture.width

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        return lambda picture, format, progress: pack(
            picture,
            format,
            **asdict(self.aim),
            compare=self.compare,
            tile=self.tile,
            runtime=self.runtime,
            progress=progress,
        )


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring shrunk pictures back, as :func:`twinscale.restore` does.

    Attributes:
        model: name of a pair or of a family of pairs, or a folder; by default the pair that each picture's tag names.
        fallback: what to do with a picture that carries no tag.
        scale: factor of a picture that carries no tag.
        tile: see :func:`twinscale.restore`.
        runtime: what runs the networks.
    """

    kind: ClassVar[str] = "restore"
    carries_tag: ClassVar[bool] = False
    formats: ClassVar[Formats] = "any"

    model: str | None = None
    fallback: Fallback | None = None
    scale: int | None = None
    tile: int | None = None
    runtime: Runtime = Runtime()

    @property
    def suffix(self) -> str:
        """``_restored``, or ``_restored_dsn-x2`` by a pair that is named, or ``_restored_dsn`` by a family."""
        return "_restored" if self.model is None else f"_restored_{self._name}"

    @property
    def placeholders(self) -> Mapping[str, str]:
        """See :attr:`Work.placeholders`; by default each picture's tag chooses the model."""
        return {} if self.model is None else {"model": self._name}

    @property
    def identity(self) -> dict[str, Any]:
        """See :attr:`Work.identity`. A picture's tag names the weights of its pair."""
        cards = []
        if self.model is not None:
            cards = [load_card(self.model, scale) for scale in scales(self.model)]
        elif self.fallback == "upscale":
            return _identity(self, weights=Upscale(scale=self.scale).identity["weights"])
        return _identity(self, weights=[card.digest for card in cards])

    @property
    def _name(self) -> str:
        assert self.model is not None
        return self.model if self.model in families() else _word(load_card(self.model).name)

    def size(self, picture: Picture) -> tuple[int, int]:
        """See :meth:`Work.size`."""
        if shrunk := Shrunk.find(picture):
            return shrunk.tag.height, shrunk.tag.width
        if self.model is None:
            scale = 1 if self.fallback == "keep" else self.scale or 2
        else:
            scale = choose_pair(self.scale, self.model, runtime=self.runtime).card.scale
        return picture.height * scale, picture.width * scale

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        model = None if self.model is None else _fixed(self.model, self.runtime)
        return lambda picture, _, progress: restore(
            picture,
            model=model,
            fallback=self.fallback,
            scale=self.scale,
            tile=self.tile,
            runtime=None if isinstance(model, Model) else self.runtime,
            progress=progress,
        )


def _fixed(model: str, runtime: Runtime) -> Model | str:
    """Load one's own model once, because its folder may change meanwhile; of a family, each picture chooses its own."""
    return model if resolve(model) in model_names() else load(model, runtime)


def _identity(work: Work, **resolved: Any) -> dict[str, Any]:
    """Return the fields of a work that decide its results; those that stand for others are given ``resolved``."""
    options = {field.name: getattr(work, field.name) for field in fields(work)}
    for name in ("model", "tile", "runtime"):
        del options[name]
    return {"kind": work.kind, **options, "precision": work.runtime.precision, **resolved}


def _word(name: str) -> str:
    """Return a model's name as part of a file's name; the name on a card may hold spaces and brackets."""
    return re.sub(r"[^\w.+-]", "-", name)
