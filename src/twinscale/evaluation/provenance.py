"""What a kept result depends on: if any of it has changed, the result is measured again."""

from dataclasses import dataclass

from twinscale.engine import Runtime
from twinscale.evaluation.protocol import VERSION
from twinscale.rescale.model import Model

REFERENCE = Runtime(backend="onnxruntime", device="cpu")
"""The runtime of networks whose results are kept: the same arithmetic on every machine."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a result."""

    weights: str
    """SHA-256 that identifies the weights."""
    bounds: str = "none"
    """What limits the network's results; see :attr:`twinscale.rescale.model.Model.bounds`."""
    engine: str = REFERENCE.arithmetic
    protocol: int = VERSION

    @classmethod
    def of(cls, model: Model) -> "Provenance":
        """Return what makes the results of a model."""
        return cls(weights=model.card.digest, bounds=model.bounds, engine=model.runtime.arithmetic)
