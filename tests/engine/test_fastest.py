"""Which backend is chosen, and what is kept of it."""

from pathlib import Path

import numpy as np
import pytest

from twinscale.engine import fastest
from twinscale.engine.fastest import Fastest
from twinscale.errors import ModelError

LARGE = np.zeros((1, 512, 512, 1), np.float32)
SMALL = np.zeros((1, 511, 512, 1), np.float32)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWINSCALE_CACHE", str(tmp_path))
    monkeypatch.setattr(fastest, "_version", lambda name: "1.0")
    return tmp_path / "fastest"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, float]]:
    """Times to be found, the next one first; an unexpected measurement is an IndexError."""
    times: list[dict[str, float]] = []
    monkeypatch.setattr(fastest, "_seconds", lambda networks, channels: times.pop(0))
    return times


def network(value: int):
    return lambda batch: np.full(batch.shape, value, np.float32)


def choice(key: bytes = b"network") -> Fastest:
    """One that answers 1 on the first backend and 2 on the second."""
    return Fastest(network(1), "one", {"two": lambda: network(2)}, key=key)


def test_small_batches_do_not_ask(measured: list[dict[str, float]], cache: Path) -> None:
    assert choice()(SMALL).max() == 1
    assert not cache.exists()


@pytest.mark.parametrize(("second", "expected"), [(0.5, 2), (0.95, 1), (2.0, 1)])
def test_the_clearly_faster_one_runs_and_is_kept(
    measured: list[dict[str, float]], second: float, expected: int
) -> None:
    measured.append({"one": 1.0, "two": second})
    chosen = choice()
    assert chosen(LARGE).max() == expected
    assert chosen(SMALL).max() == expected  # one choice for the rest of the process
    assert choice()(LARGE).max() == expected  # another process does not measure
    measured.append({"one": 1.0, "two": 0.1})
    assert choice(b"another network")(LARGE).max() == 2
    assert not measured


@pytest.mark.parametrize("text", ["", "{", "[]", '{"fastest": "three"}', '{"fastest": 2}', "\xff"])
def test_damaged_cache_is_measured_again(measured: list[dict[str, float]], cache: Path, text: str) -> None:
    measured += [{"one": 1.0, "two": 0.1}, {"one": 1.0, "two": 2.0}]
    assert choice()(LARGE).max() == 2
    (kept,) = cache.iterdir()
    kept.write_text(text, encoding="latin-1")
    assert choice()(LARGE).max() == 1
    assert choice()(LARGE).max() == 1
    assert not measured


def test_cache_that_cannot_be_written(measured: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSCALE_CACHE", "/dev/null")
    measured += [{"one": 1.0, "two": 0.1}] * 2
    assert choice()(LARGE).max() == 2
    assert choice()(LARGE).max() == 2


def test_a_new_version_is_measured_again(measured: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch) -> None:
    measured += [{"one": 1.0, "two": 0.1}, {"one": 1.0, "two": 2.0}]
    assert choice()(LARGE).max() == 2
    monkeypatch.setattr(fastest, "_version", lambda name: "1.1")
    assert choice()(LARGE).max() == 1


def test_a_backend_that_fails_is_not_chosen() -> None:
    def cannot_load() -> None:
        raise ModelError("no")

    def cannot_run(batch: np.ndarray) -> np.ndarray:
        raise ModelError("no")

    others = {"two": cannot_load, "three": lambda: cannot_run}
    assert Fastest(network(1), "one", others, key=b"")(LARGE).max() == 1  # really measured


def test_kept_backend_that_no_longer_loads(measured: list[dict[str, float]]) -> None:
    def cannot_load() -> None:
        raise ModelError("no")

    measured += [{"one": 1.0, "two": 0.1}, {"one": 1.0}]
    assert choice()(LARGE).max() == 2
    assert Fastest(network(1), "one", {"two": cannot_load}, key=b"network")(LARGE).max() == 1
