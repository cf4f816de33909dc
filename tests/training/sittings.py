"""Runs that are timed, stopped and compared."""

import csv
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from twinscale.training import budget, keeper, loop
from twinscale.training.learner import Learner
from twinscale.training.runs import BEST, CHECKPOINT


def log_of(run):
    with (run / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def tensors_of(run):
    return {file: load_file(run / file) for file in (CHECKPOINT, BEST)}


def assert_same_weights(one, other):
    for file, tensors in tensors_of(one).items():
        others = tensors_of(other)[file]
        assert tensors.keys() == others.keys()
        for name, tensor in tensors.items():
            assert torch.equal(tensor, others[name]), name


@contextmanager
def stopped(monkeypatch, folder, at):
    """Within it, a run dies before step ``at``, with a checkpoint after every logged row."""
    take = Learner.step

    def step(learner, number, *batch):
        if number == at and (folder / "recipe.toml").exists():  # not in the trial
            raise KeyboardInterrupt
        return take(learner, number, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(keeper, "_CHECKPOINT_SECONDS", -1.0)
        patch.setattr(keeper, "_LOG_STEPS", 2)
        patch.setattr(Learner, "step", step)
        with pytest.raises(KeyboardInterrupt):
            yield


class Clock:
    """A clock that only training moves on: the first step takes 30 seconds, every other ``seconds``."""

    def __init__(self, monkeypatch, seconds):
        self.now, self.steps, self.seconds = 1000.0, 0, seconds
        take = Learner.step

        def step(learner, *arguments):
            self.now += self.seconds if self.steps else 30.0
            self.steps += 1
            return take(learner, *arguments)

        monkeypatch.setattr(Learner, "step", step)
        for module in (budget, keeper, loop):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
