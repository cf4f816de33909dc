"""Runs a model on a picture of any size: a backend for the networks, and exact tiling around it."""

from twinscale.engine.onnx import OnnxNetwork
from twinscale.engine.operation import Operation
from twinscale.engine.tiling import run

__all__ = ["OnnxNetwork", "Operation", "run"]
