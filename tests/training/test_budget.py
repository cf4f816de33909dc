"""Runs that are limited by time."""

import itertools
import json
from dataclasses import replace

import pytest
import torch

from tests.training.sittings import Clock, assert_same_weights, log_of, stopped
from tests.training.tiny import Tiny, batches, parameters
from twinscale.training import budget, keeper
from twinscale.training.budget import Pace, fit_into_minutes
from twinscale.training.checkpoint import RunState
from twinscale.training.loop import train
from twinscale.training.optimisation import learning_rate
from twinscale.training.recipe import OptimisationSpec, Recipe, shortened
from twinscale.training.runs import Run
from twinscale.training.validation import validate


class Same:
    """Crops that are always the same."""

    def batch(self, step):
        return batches(1)[0]


@pytest.mark.parametrize(
    ("minutes", "seconds", "steps", "trial"),
    [
        (4.0, 0.5, 480, 6),  # the trial takes three seconds
        (8.0, 0.5, 960, 6),
        (8.0, 0.25, 1920, 12),
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


def paced(fabric, spec, state, seconds_of, validation=0.0, until=None):
    """Take the steps of a run whose n-th step takes ``seconds_of(n)``, and each of ten validations ``validation``.

    Returns the positions of the steps on the recipe's schedule.
    """
    pace, positions, validating, start = Pace(spec, state, fabric), [], 0.0, state.seconds
    now = start
    while not state.is_finished(spec.steps) and state.step != until:
        pace.keep(now, validating)
        positions.append(state.position)
        now += seconds_of(state.step)
        state.advance(spec.steps)
        state.seconds = now
        is_due = int(10 * state.position / spec.steps) > int(10 * positions[-1] / spec.steps)
        if is_due and (validating <= (now - start) / 4 or state.is_finished(spec.steps)):
            state.validation_seconds = validation
            validating, now = validating + validation, now + validation
    state.seconds = now
    return positions


SPEC = OptimisationSpec(steps=600, validate_every=60)


def test_on_a_steady_machine_every_step_is_one_of_the_recipe(fabric):
    state = RunState(minutes=5.0)
    assert paced(fabric, SPEC, state, lambda step: 0.5) == list(range(600))
    assert (state.step, state.ahead, state.stride) == (600, 0.0, 1.0)


@pytest.mark.parametrize(
    ("seconds_of", "steps"),
    [
        (lambda step: 2.0, 150),  # the trial was wrong: the machine had been idle just then
        (lambda step: 0.1, 3000),  # or busy
        (lambda step: 2.5 if step < 24 else 0.1, 24 + 2400),  # busy for a minute
        (lambda step: 0.1 if step < 2400 else 2.5, 2400 + 24),
        (lambda step: 0.2 + 0.6 * (step % 2), 600),  # uneven
        (lambda step: 40.0, 8),
        (lambda step: 400.0, 1),
    ],
)
@pytest.mark.parametrize("decay", ["cosine", "step"])
def test_whatever_the_machine_does_the_schedule_ends_with_the_time(fabric, seconds_of, steps, decay):
    spec = replace(SPEC, decay=decay, decay_every=60, warmup=6)
    state = RunState(minutes=5.0)
    positions = paced(fabric, spec, state, seconds_of)
    assert state.step == state.planned(spec.steps) == pytest.approx(steps, rel=0.05, abs=1)
    assert state.seconds == pytest.approx(300, rel=0.05, abs=2 * seconds_of(0) if steps < 10 else 0)
    assert state.position == 600
    assert positions == sorted(positions)
    if steps > 10:
        assert learning_rate(positions[-1], spec) < 3e-3 * spec.learning_rate
        leaps = [after - before for before, after in itertools.pairwise(positions)]
        assert max(leaps) < 0.05 * 600  # no part of the schedule is left out


@pytest.mark.parametrize(("validation", "enough"), [(3.0, 0.89), (12.0, 0.7), (40.0, 0.6)])
def test_validations_get_their_time_but_steps_the_most_of_it(fabric, validation, enough):
    state = RunState(minutes=5.0, validation_seconds=3.0)
    positions = paced(fabric, SPEC, state, lambda step: 0.1, validation)
    assert state.seconds == pytest.approx(300, abs=1 if validation < 40 else 20)
    assert state.step > enough * 3000
    assert max(after - before for before, after in itertools.pairwise(positions)) < 2  # nor is the end cut short


def test_a_run_of_limited_time_leaves_out_validations_that_take_too_long(recipe, tmp_path, monkeypatch):
    clock = Clock(monkeypatch, 0.5)

    def slow(*arguments):
        clock.now += 6
        return validate(*arguments)

    monkeypatch.setattr(keeper, "validate", slow)
    run = tmp_path / "run"
    outcome = train(recipe(steps=5000, validate_every=1000), run, accelerator="cpu", minutes=1.0)
    validated = [int(row["step"]) for row in log_of(run) if row["validation_psnr_y"]]
    assert 2 <= len(validated) <= 4
    assert validated[-1] == outcome.state.step
    assert outcome.state.seconds == pytest.approx(60, abs=8)
    assert outcome.state.step > 0.6 * 120


def test_a_resumed_run_gets_the_time_that_is_left(fabric):
    state = RunState(minutes=5.0)
    before = paced(fabric, SPEC, state, lambda step: 0.5, until=200)
    after = paced(fabric, SPEC, state, lambda step: 2.0)
    assert len(before) == 200
    assert len(after) == pytest.approx(100, rel=0.05)
    assert state.seconds == pytest.approx(300, rel=0.02)
    assert learning_rate(after[-1], SPEC) < 1e-3 * SPEC.learning_rate


def test_steps_that_are_counted_are_not_timed(fabric):
    state = RunState()
    assert paced(fabric, SPEC, state, lambda step: 1.0 + step) == list(range(600))


def test_another_number_of_steps_shortens_warm_up_and_decay():
    spec = OptimisationSpec(steps=60000, warmup=200, decay="step", decay_every=6000, validate_every=2500)
    found = shortened(spec, 500)
    assert found == replace(spec, steps=500, warmup=50, decay_every=50, validate_every=50)
    assert shortened(spec, 600000) == replace(spec, steps=600000, decay_every=60000)


def test_a_run_that_slows_down_ends_in_time_and_says_how_many_steps_it_took(recipe, tmp_path, monkeypatch):
    clock = Clock(monkeypatch, 0.5)
    monkeypatch.setattr(budget, "VALIDATIONS", 3)
    run = tmp_path / "run"
    monkeypatch.setattr(
        Recipe, "dumps", lambda recipe, dumps=Recipe.dumps: setattr(clock, "seconds", 1.0) or dumps(recipe)
    )
    outcome = train(recipe(steps=5000, validate_every=1000), run, accelerator="cpu", minutes=0.5, snapshots=[2500])
    assert Recipe.load(run / "recipe.toml").optimisation.steps == 60  # as the trial foresaw
    assert outcome.state.step == pytest.approx(30, abs=2)
    assert outcome.state.seconds == pytest.approx(30, abs=2)
    rows, summary = log_of(run), json.loads((run / "run.json").read_text())
    assert summary["steps"] == summary["planned_steps"] == int(rows[-1]["step"]) == outcome.state.step
    assert summary["finished"]
    assert len([row for row in rows if row["validation_psnr_y"]]) == 3
    assert float(rows[-1]["learning_rate"]) < 0.02 * 1e-3
    assert [path.name for path in run.glob("step-*")] == ["step-30.safetensors"]
    assert Run.load(run).facts()["finished"]


def test_a_run_by_the_clock_is_a_run_of_so_many_steps(recipe, tmp_path, monkeypatch):
    Clock(monkeypatch, 0.5)
    monkeypatch.setattr(budget, "VALIDATIONS", 3)
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
