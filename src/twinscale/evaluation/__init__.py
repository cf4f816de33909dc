"""How good a model is: the protocol, its metrics, and results that are kept."""

from twinscale.evaluation.evaluate import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
