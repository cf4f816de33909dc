"""The shipped models: one folder per model, with a card and its ONNX files."""

from twinscale.zoo.card import Card, Part
from twinscale.zoo.catalogue import DEFAULT_FAMILIES, families, load_card, model_names, resolve

__all__ = ["DEFAULT_FAMILIES", "Card", "Part", "families", "load_card", "model_names", "resolve"]
