"""The targets of the fuzzer: what they begin with is right, and what is wrong is an error of twinscale's own."""

import pytest

from tests.fuzz.__main__ import NAMES
from tests.fuzz.targets import TARGETS
from twinscale.errors import TwinscaleError


def test_every_target_is_fuzzed() -> None:
    assert list(TARGETS) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_taken(name: str) -> None:
    for seed in TARGETS[name].seeds():
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"metadata", "tags"}))  # these two take everything
def test_damage_is_an_error(name: str) -> None:
    seed = next(iter(TARGETS[name].seeds()))
    for damaged in (b"", seed[: len(seed) // 2], b"\xff" * 100):
        with pytest.raises(TwinscaleError):
            TARGETS[name].run(damaged)
