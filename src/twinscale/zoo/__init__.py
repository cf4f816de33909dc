"""The shipped models and those of one's own: one folder per model, with a card and its ONNX files."""

from twinscale.zoo.card import Card, Part
from twinscale.zoo.catalogue import (
    DEFAULT_FAMILIES,
    DEFAULT_REPAIRER,
    GREY_FAMILY,
    JPEG_FAMILY,
    families,
    find_card,
    list_models,
    load_card,
    model_names,
    resolve,
    scales,
)

__all__ = [
    "DEFAULT_FAMILIES",
    "DEFAULT_REPAIRER",
    "GREY_FAMILY",
    "JPEG_FAMILY",
    "Card",
    "Part",
    "families",
    "find_card",
    "list_models",
    "load_card",
    "model_names",
    "resolve",
    "scales",
]
