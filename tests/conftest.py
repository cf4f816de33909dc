"""What holds for all tests."""

import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def _interrupts_arrive() -> None:
    """Take Ctrl-C as a program in the foreground does: shells start those in the background with it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
