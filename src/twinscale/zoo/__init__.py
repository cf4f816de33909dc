"""The shipped models: one folder a model, with a card and its ONNX files."""

from twinscale.zoo.card import Card, Part
from twinscale.zoo.catalogue import default_model, load_card, model_names

__all__ = ["Card", "Part", "default_model", "load_card", "model_names"]
