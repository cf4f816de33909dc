"""Learning rates, against the schedules worked out by hand."""

import math

import pytest

from twinscale.training.optimisation import learning_rate
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
