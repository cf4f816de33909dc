"""Which gradient of JPEG's rounding teaches most: ``python docs/experiments/rounding.py PAIR`` prints the table.

``PAIR`` is a pair trained through JPEG, by its name or folder. Its restoring network stays as it is; a new shrinking
network learns for it, from the same crops and qualities each time, and both are then measured on validation crops.
Needs the training pictures (``TWINSCALE_DATA``).
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from twinscale.nets import Pair
from twinscale.nets.layers import jpeg
from twinscale.training.build import build
from twinscale.training.data import Crops, load_examples
from twinscale.training.export import load_weights
from twinscale.training.learner import Learner
from twinscale.training.recipe import Recipe
from twinscale.training.split import split_pictures
from twinscale.zoo import load_card

STEPS, CHECKS = 250, 16


def soft(slope: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return rounding whose gradient is a function of the distance to the nearest whole number, -0.5 to 0.5."""

    class Rounded(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x - x.round())
            return x.round()

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            (distance,) = ctx.saved_tensors
            return gradients[0] * slope(distance)

    return Rounded.apply  # type: ignore[return-value]


ROUNDINGS = {
    "straight through": jpeg._rounded,
    "x - sin(2πx) / 2π": soft(lambda x: 1 - torch.cos(2 * torch.pi * x)),
    "half of each": soft(lambda x: 1 - torch.cos(2 * torch.pi * x) / 2),
    "cube of the distance": soft(lambda x: 3 * x**2),
}


def main() -> None:
    """Train, measure and print."""
    recipe = Recipe.load("pack-jpeg-x2")
    spec = replace(
        recipe.optimisation, steps=STEPS, warmup=20, ema=0.98, fidelity=0.0, precision="32-true", learning_rate=1e-3
    )
    data = replace(recipe.data, crop=48)
    fabric = Fabric(accelerator="cpu", devices=1)
    training, validation = (
        Crops(load_examples(paths, replace(recipe, data=data), build(recipe)), data, recipe.seed, fabric.device)
        for paths in split_pictures(recipe.data)[:2]
    )
    print("| gradient of rounding | squared error | rate | both, weighted |\n| --- | ---: | ---: | ---: |")
    for name, rounding in ROUNDINGS.items():
        jpeg._rounded = rounding
        torch.manual_seed(0)
        pair = build(recipe)
        assert isinstance(pair, Pair)
        trained = load_weights(load_card(sys.argv[1]), pair)
        pair.load_state_dict({key: value for key, value in trained.items() if key.startswith("up.")}, strict=False)
        pair.up.requires_grad_(False)
        learner = Learner(pair, spec, fabric)
        for step in range(STEPS):
            torch.manual_seed(step)
            learner.step(step, *training.batch(step))
        learner.average.train()  # draws qualities
        scores = []
        with torch.no_grad():
            for step in range(CHECKS):
                torch.manual_seed(step)
                picture, _ = validation.batch(step)
                made = learner.average(picture)
                scores.append((((made.restored - picture) ** 2).mean().item(), made.rate.mean().item()))
        error, rate = np.mean(scores, axis=0)
        print(f"| {name} | {error:.6f} | {rate:.5f} | {error + spec.rate * rate:.6f} |", flush=True)


if __name__ == "__main__":
    main()
