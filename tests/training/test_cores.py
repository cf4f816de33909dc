"""Which cores rest, and who gets which."""

import os
from itertools import chain

import pytest

from twinscale.training import cores


def test_cores_are_divided_among_processes(monkeypatch):
    monkeypatch.setattr(cores, "usable", lambda: [0, 1, 2, 5, 6])
    assert sorted(chain(*cores.shares(2))) == [0, 1, 2, 5, 6]
    assert sorted(map(len, cores.shares(2))) == [2, 3]
    assert cores.shares(7) == [[0], [1], [2], [5], [6], [0], [1]]


@pytest.mark.parametrize(
    ("resting", "expected"),
    [({0: 95, 1: 99}, [0, 1]), ({0: 95, 1: 40}, [0]), ({0: 2, 1: 40}, [1]), ({0: 30, 1: 2, 7: 99}, [0])],
)
def test_a_busy_machine_leaves_its_quietest_core(monkeypatch, resting, expected):
    """A second of 100 clock ticks, of which each core rests for so many; core 7 is not ours."""
    seen = iter([dict.fromkeys(resting, 500), {core: 500 + ticks for core, ticks in resting.items()}])
    monkeypatch.setattr(cores, "usable", lambda: [0, 1])
    monkeypatch.setattr(cores, "_resting", lambda: next(seen))
    monkeypatch.setattr(cores.os, "sysconf", lambda name: 100)
    clock = iter([10.0, 11.0])
    monkeypatch.setattr(cores.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(cores.time, "sleep", lambda seconds: None)
    assert cores.unused(1.0) == expected


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="only Linux tells")  # noqa: PTH110
def test_this_machine_tells_how_its_cores_rest():
    assert set(cores.usable()) <= cores._resting().keys()
    assert set(cores.unused(0.05)) <= set(cores.usable())
