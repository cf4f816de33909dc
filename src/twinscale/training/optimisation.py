"""How a network learns: its optimiser, and the learning rate of each step."""

import math

import torch

from twinscale.nets import Pair, Upscaler
from twinscale.training.muon import Muon
from twinscale.training.recipe import OptimisationSpec


def make_optimiser(network: Upscaler | Pair, spec: OptimisationSpec) -> torch.optim.Optimizer:
    """Make the recipe's optimiser for the weights that learn, with the output layers at their own rate."""
    outputs = {id(p) for layer in network.output_layers() for p in layer.parameters()}
    learning = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learning if id(p) not in outputs], "rate": 1.0},
        {"params": [p for p in learning if id(p) in outputs], "rate": spec.output_layer_rate},
    ]
    if spec.optimiser == "adam":
        return torch.optim.Adam(groups, lr=spec.learning_rate, eps=spec.epsilon, fused=True)
    if spec.optimiser == "muon":
        return Muon(groups, lr=spec.learning_rate)
    return torch.optim.SGD(groups, lr=spec.learning_rate, momentum=0.9)


def learning_rate(step: float, spec: OptimisationSpec) -> float:
    """Return the learning rate of a step of the recipe, which may lie between two, before a layer's own rate."""
    if step < spec.warmup:
        return spec.learning_rate * min(1.0, (step + 1) / spec.warmup)
    if spec.decay == "cosine":
        turn = (step - spec.warmup) / max(1, spec.steps - spec.warmup)
        span = spec.learning_rate - spec.final_learning_rate
        return spec.final_learning_rate + span * (1 + math.cos(math.pi * turn)) / 2
    if spec.decay == "step":
        reduced = spec.learning_rate * spec.decay_factor ** (int(step) // max(1, spec.decay_every))
        return max(reduced, spec.final_learning_rate)
    return spec.learning_rate
