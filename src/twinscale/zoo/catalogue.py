"""Which models there are, and which one serves when none is named."""

import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from twinscale.errors import ModelError, UsageError
from twinscale.zoo.card import CARD_FILE, Card

OWN_MODELS = "TWINSCALE_MODELS"
"""The environment variable that names folders with models of one's own, separated as in ``PATH``. Each is a model's
folder, a run's, or one that holds several of these."""

_SHIPPED = Path(__file__).parent / "models"

DEFAULT_FAMILIES: dict[Literal["pair", "upscaler"], str] = {"pair": "twin", "upscaler": "fast"}
"""The families used when no model is named; they may be used freely (see the licences on the cards)."""

GREY_FAMILY = "twin-grey"
"""The family that shrinks grey pictures, if no model is named."""

JPEG_FAMILY = "jpeg"
"""The family that repairs JPEGs as it enlarges them, if no model is named."""

DEFAULT_REPAIRER = "jpeg-x1"
"""The model that repairs JPEGs if none is named."""


def model_names() -> list[str]:
    """List the names of the models that come with the package."""
    return sorted(path.parent.name for path in _SHIPPED.glob(f"*/{CARD_FILE}"))


def list_models(kind: Literal["pair", "upscaler"] | None = None, *, scale: int | None = None) -> list[Card]:
    """List the cards of all models that can be named: the shipped ones, then those of :data:`OWN_MODELS`.

    Args:
        kind: pairs or upscalers only.
        scale: models of this scale only.

    Raises:
        ModelError: the card of a model of one's own is damaged.
    """
    cards = (*(Card.load(_SHIPPED / name) for name in model_names()), *_own_cards())
    return [card for card in cards if kind in (None, card.kind) and scale in (None, card.scale)]


def families() -> dict[str, list[int]]:
    """Return the scales of every family, rising; ``twin`` is the family of ``twin-x2``, ``twin-x3`` and ``twin-x4``.

    A model of scale 1 only repairs; it belongs to no family, because no scale chooses it.
    """
    found: dict[str, list[int]] = {}
    for name in model_names():
        if (match := re.fullmatch(r"(.+)-x(\d+)", name)) and int(match[2]) > 1:
            found.setdefault(match[1], []).append(int(match[2]))
    return {family: sorted(scales) for family, scales in found.items()}


def resolve(name_or_folder: str | os.PathLike[str], scale: float | None = None) -> str:
    """Choose the model of a family for a scale; the name of a model, or a folder, is returned as it is.

    Args:
        name_or_folder: name of a shipped model, else of a family, else a folder.
        scale: of a family, the model of this scale or of the next larger one is chosen; by default the smallest.

    Raises:
        UsageError: the family has no model for this scale.
    """
    name = os.fspath(name_or_folder)
    if name in model_names() or name not in families():
        return name
    scales = families()[name]
    if scale is None:
        return f"{name}-x{scales[0]}"
    enough = [s for s in scales if 1 < scale <= s]
    if not enough:
        raise UsageError(
            f"no model of {name!r} is for scale {scale}: it must be above 1 and at most {scales[-1]}, since there are "
            f"{', '.join(f'{name}-x{s}' for s in scales)}; go further in several steps"
        )
    return f"{name}-x{enough[0]}"


def scales(name_or_folder: str | os.PathLike[str]) -> list[int]:
    """Return the scales of a family, rising, or the one of a single model.

    Raises:
        ModelError: there is no such model, or its card is damaged.
    """
    if resolve(name_or_folder) == os.fspath(name_or_folder):
        return [load_card(name_or_folder).scale]
    return families()[os.fspath(name_or_folder)]


def load_card(name_or_folder: str | os.PathLike[str], scale: float | None = None) -> Card:
    """Find a model by name, family or folder; :func:`resolve` says how.

    Models of one's own are found by the names on their cards. A folder may also be a run's, or any other that holds
    one model.

    Raises:
        UsageError: the family has no model for this scale.
        ModelError: there is no such model, there are several, or its card is damaged.
    """
    name = resolve(name_or_folder, scale)
    folder = Path(name)
    if name in model_names():
        return Card.load(_SHIPPED / name)
    found = [card for card in _own_cards() if card.name == name]
    if not found and _is_folder(folder):
        found = [Card.load(inside) for inside in _model_folders(folder) or [folder]]
    if len({card.digest for card in found}) > 1:
        folders = ", ".join(str(card.folder) for card in found)
        raise ModelError(f"{name} may be any of {folders}: name one of these folders")
    if found:
        return found[0]
    near = difflib.get_close_matches(name, [*model_names(), *families(), *(card.name for card in _own_cards())], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "'twinscale models list' shows the names"
    raise ModelError(f"no model {name!r}, and no folder of that name: {hint}")


def find_card(name: str, digest: str) -> Card | None:
    """Find the model of this name that has these weights, shipped or one's own; never by a folder.

    Args:
        name: as on its card.
        digest: of its weights, see :attr:`Card.digest`, or the first digits.
    """
    shipped = [Card.load(_SHIPPED / name)] if name in model_names() else []
    named = (card for card in (*shipped, *_own_cards()) if card.name == name)
    return next((card for card in named if card.digest.startswith(digest)), None)


def _own_cards() -> Iterator[Card]:
    for given in os.environ.get(OWN_MODELS, "").split(os.pathsep):
        if given and _is_folder(Path(given)):
            yield from map(Card.load, _model_folders(Path(given)))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long for the system, or in a folder that may not be read
        return False


def _model_folders(folder: Path) -> list[Path]:
    """Return the folders of all models in a folder: itself, or what it holds, be it models or runs."""
    if os.path.lexists(folder / CARD_FILE):  # whatever it is: reading it says what is wrong
        return [folder]
    inside = (f"*/{CARD_FILE}", f"models/*/{CARD_FILE}", f"*/models/*/{CARD_FILE}")
    return [path.parent for pattern in inside for path in sorted(folder.glob(pattern))]
