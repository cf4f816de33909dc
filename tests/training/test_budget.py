"""Runs that are limited by time."""

import json
from dataclasses import replace

import pytest
import torch

from tests.training.sittings import Clock, assert_same_weights, log_of, stopped
from tests.training.tiny import Tiny, batches, parameters
from twinscale.training import budget
from twinscale.training.budget import fit_into_minutes
from twinscale.training.loop import train
from twinscale.training.recipe import OptimisationSpec, Recipe


class Same:
    """Crops that are always the same."""

    def batch(self, step):
        return batches(1)[0]


@pytest.mark.parametrize(
    ("minutes", "seconds", "steps", "trial"),
    [
        (4.0, 0.5, 480, 20),  # the trial takes ten seconds
        (8.0, 0.5, 960, 20),
        (8.0, 0.25, 1920, 40),
        (0.5, 0.25, 120, 6),  # or 5 % of the time
        (1.0, 7.0, 9, 1),  # or one step
        (0.01, 7.0, 1, 1),
    ],
)
def test_as_many_steps_as_fit_into_the_time(fabric, monkeypatch, minutes, seconds, steps, trial):
    clock = Clock(monkeypatch, seconds)
    network = Tiny()
    before = parameters(network)
    spec = OptimisationSpec(steps=10**6, learning_rate=0.01, ema=0.5)
    found = fit_into_minutes(minutes, network, spec, Same(), fabric, lambda network: None)
    assert found == replace(spec, steps=steps, validate_every=found.validate_every)
    assert clock.steps == 2 + trial  # the first step warms up, the second says how long the trial may be
    assert torch.equal(parameters(network), before)


@pytest.mark.parametrize(
    ("minutes", "warmup", "validate_every", "expected"),
    [
        (2.0, 200, 2500, (24, 24)),  # 240 steps: a tenth each
        (2.0, 5, 7, (5, 7)),  # what the recipe says, where that is less
        (0.05, 200, 2500, (0, 1)),  # 6 steps
    ],
)
def test_a_short_run_warms_up_and_validates_within_it(fabric, monkeypatch, minutes, warmup, validate_every, expected):
    Clock(monkeypatch, 0.5)
    spec = OptimisationSpec(steps=60000, warmup=warmup, validate_every=validate_every)
    found = fit_into_minutes(minutes, Tiny(), spec, Same(), fabric, lambda network: None)
    assert (found.warmup, found.validate_every) == expected


@pytest.mark.parametrize(
    ("minutes", "seconds", "validation", "steps", "validate_every"),
    [
        (0.5, 0.25, 3.0, 96, 48),  # two validations in a quarter of the time, 24 seconds of steps
        (0.5, 0.25, 20.0, 40, 40),  # one at least
        (0.1, 0.25, 20.0, 1, 1),
        (10.0, 0.5, 5.0, 1100, 110),  # ten validations
        (100.0, 0.5, 5.0, 11765, 500),  # as often as the recipe says: 0.51 seconds a step
    ],
)
def test_validations_are_part_of_the_time(fabric, monkeypatch, minutes, seconds, validation, steps, validate_every):
    clock = Clock(monkeypatch, seconds)

    def validate(network):
        clock.now += validation

    spec = OptimisationSpec(steps=10**6, validate_every=500)
    found = fit_into_minutes(minutes, Tiny(), spec, Same(), fabric, validate)
    assert (found.steps, found.validate_every) == (steps, validate_every)


def test_a_short_run_decays_as_often(fabric, monkeypatch):
    Clock(monkeypatch, 0.5)
    spec = OptimisationSpec(steps=1000, decay="step", decay_every=100)
    found = fit_into_minutes(2.0, Tiny(), spec, Same(), fabric, lambda network: None)
    assert (found.steps, found.decay_every) == (240, 24)


def test_a_run_by_the_clock_is_a_run_of_so_many_steps(recipe, tmp_path, monkeypatch):
    Clock(monkeypatch, 0.5)
    monkeypatch.setattr(budget, "_VALIDATIONS", 3)
    made = recipe(steps=5000, warmup=100, validate_every=1000, ema=0.9)
    timed = tmp_path / "timed"
    outcome = train(made, timed, accelerator="cpu", minutes=0.1)
    resolved = Recipe.load(timed / "recipe.toml")
    assert outcome.state.step == resolved.optimisation.steps == 12
    assert (resolved.optimisation.warmup, resolved.optimisation.validate_every) == (1, 4)
    assert json.loads((timed / "run.json").read_text())["recipe_sha256"] == resolved.digest()
    # The trial leaves no trace in the weights.
    train(resolved, tmp_path / "counted", accelerator="cpu")
    assert_same_weights(timed, tmp_path / "counted")


def test_a_resumed_run_keeps_the_steps_that_the_clock_decided_on(recipe, tmp_path, monkeypatch):
    Clock(monkeypatch, 0.5)
    run = tmp_path / "run"
    with stopped(monkeypatch, run, at=7):
        train(recipe(steps=5000), run, accelerator="cpu", minutes=0.1)
    written = (run / "recipe.toml").read_bytes()
    outcome = train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu", minutes=50.0)
    assert outcome.state.step == 12
    assert (run / "recipe.toml").read_bytes() == written
    assert [int(row["step"]) for row in log_of(run)][-1] == 12
