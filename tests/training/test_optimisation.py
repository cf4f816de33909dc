"""Learning rates, against the schedules worked out by hand."""

import math

import pytest
import torch

from tests.training.tiny import Tiny, parameters
from twinscale.training.optimisation import learning_rate, make_optimiser
from twinscale.training.recipe import OptimisationSpec


def test_warmup_rises_to_the_full_rate_and_cosine_falls_from_there():
    spec = OptimisationSpec(steps=1010, learning_rate=0.5, final_learning_rate=0.1, warmup=10)
    assert [learning_rate(step, spec) for step in range(10)] == pytest.approx([0.05 * i for i in range(1, 11)])
    assert learning_rate(10, spec) == 0.5
    assert learning_rate(9.5, spec) == 0.5  # no higher between the warm-up's last step and the next
    assert learning_rate(510, spec) == pytest.approx(0.3)
    assert learning_rate(260, spec) == pytest.approx(0.1 + 0.4 * (1 + math.sqrt(0.5)) / 2)
    assert learning_rate(1010, spec) == pytest.approx(0.1)
    rates = [learning_rate(step, spec) for step in range(10, 1010)]
    assert rates == sorted(rates, reverse=True)


def test_steps_halve_down_to_the_floor():
    spec = OptimisationSpec(steps=100, learning_rate=0.8, decay="step", decay_every=10, final_learning_rate=0.15)
    assert [learning_rate(step, spec) for step in (0, 9, 10, 19, 20, 30, 99)] == pytest.approx(
        [0.8, 0.8, 0.4, 0.4, 0.2, 0.15, 0.15]
    )


def test_no_decay():
    spec = OptimisationSpec(steps=100, learning_rate=0.8, decay="none", warmup=2)
    assert [learning_rate(step, spec) for step in (0, 1, 2, 99)] == [0.4, 0.8, 0.8, 0.8]


def test_adams_epsilon_is_the_recipes():
    """With an epsilon far above the gradients, a step is the gradient times the learning rate over epsilon."""
    network = Tiny()
    optimiser = make_optimiser(network, OptimisationSpec(steps=9, learning_rate=1.0, epsilon=1e6))
    before = parameters(network)
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    optimiser.step()
    assert (before - parameters(network)).tolist() == pytest.approx([3e-6] * len(before), rel=0.02)
