"""What holds for all tests."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: the tests themselves run side by side

from twinscale.rescale import model
from twinscale.zoo import catalogue


@pytest.fixture(scope="session", autouse=True)
def _interrupts_arrive() -> None:
    """Take signals as a program in the foreground does: shells start those in the background with some ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def shipped(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only the models in the folder ``shelf`` of a test's module are shipped, and none is remembered from before."""
    monkeypatch.setattr(catalogue, "_SHIPPED", shelf)
    model._latest.clear()
    yield
    model._latest.clear()
