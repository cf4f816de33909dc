"""Which models there are, and which one serves when none is named."""

import difflib
import os
from pathlib import Path
from typing import Literal

from twinscale.errors import ModelError, UsageError
from twinscale.zoo.card import CARD_FILE, Card

_SHIPPED = Path(__file__).parent / "models"

# Scale to model; what users get by default may be used freely (see the licence on the cards).
_DEFAULTS: dict[str, dict[int, str]] = {
    "pair": {scale: f"twin-x{scale}" for scale in (2, 3, 4)},
    "upscaler": {scale: f"srcnn-x{scale}" for scale in (2, 3, 4)},
}


def model_names() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.parent.name for path in _SHIPPED.glob(f"*/{CARD_FILE}"))


def load_card(name_or_folder: str | os.PathLike[str]) -> Card:
    """Find a model by its name, or by the folder that :mod:`twinscale.training` exported it to.

    Raises:
        ModelError: there is no such model, or its card is damaged.
    """
    name = os.fspath(name_or_folder)
    if name in model_names():
        return Card.load(_SHIPPED / name)
    folder = Path(name)
    if folder.is_dir():
        return Card.load(folder)
    near = difflib.get_close_matches(name, model_names(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "'twinscale models list' shows the names"
    raise ModelError(f"no model {name!r}, and no folder of that name: {hint}")


def default_model(kind: Literal["pair", "upscaler"], scale: int) -> str:
    """The model that serves a scale when none is named.

    Raises:
        UsageError: no model has this scale.
    """
    models = _DEFAULTS[kind]
    if scale not in models:
        raise UsageError(f"no {kind} of scale {scale}: use one of {', '.join(map(str, models))}")
    return models[scale]
