"""Runs a model on a picture of any size: a runtime for the networks, and exact tiling around them."""

from twinscale.engine.network import Network
from twinscale.engine.operation import Operation
from twinscale.engine.runtime import Runtime
from twinscale.engine.tiling import run

__all__ = ["Network", "Operation", "Runtime", "run"]
