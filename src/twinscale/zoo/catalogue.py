"""Which models there are, and which one serves when none is named."""

import difflib
import os
import re
from pathlib import Path
from typing import Literal

from twinscale.errors import ModelError, UsageError
from twinscale.zoo.card import CARD_FILE, Card

_SHIPPED = Path(__file__).parent / "models"

DEFAULT_FAMILIES: dict[Literal["pair", "upscaler"], str] = {"pair": "twin", "upscaler": "fast"}
"""The families used when no model is named; they may be used freely (see the licences on the cards)."""


def model_names() -> list[str]:
    """List the names of the models that come with the package."""
    return sorted(path.parent.name for path in _SHIPPED.glob(f"*/{CARD_FILE}"))


def families() -> dict[str, list[int]]:
    """Return the scales of every family, rising; ``twin`` is the family of ``twin-x2``, ``twin-x3`` and ``twin-x4``."""
    found: dict[str, list[int]] = {}
    for name in model_names():
        if match := re.fullmatch(r"(.+)-x(\d+)", name):
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


def load_card(name_or_folder: str | os.PathLike[str], scale: float | None = None) -> Card:
    """Find a model by name, family or folder; :func:`resolve` says how.

    Raises:
        UsageError: the family has no model for this scale.
        ModelError: there is no such model, or its card is damaged.
    """
    name = resolve(name_or_folder, scale)
    if name in model_names():
        return Card.load(_SHIPPED / name)
    folder = Path(name)
    if folder.is_dir():
        return Card.load(folder)
    near = difflib.get_close_matches(name, [*model_names(), *families()], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "'twinscale models list' shows the names"
    raise ModelError(f"no model {name!r}, and no folder of that name: {hint}")
