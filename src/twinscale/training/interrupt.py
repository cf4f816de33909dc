"""Ctrl-C, a request to end and a terminal that is closed, noticed at a moment that suits the program."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def noticing_interrupts() -> Iterator[Callable[[], bool]]:
    """Within it, the first Ctrl-C, SIGTERM or SIGHUP is only noticed; another one acts as it does elsewhere.

    Signals that the process ignores stay ignored. Outside the main thread, which alone gets signals, nothing changes.

    Yields:
        Whether an interrupt was noticed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    noticed = []

    def notice(number: int, _: FrameType | None) -> None:
        noticed.append(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, notice)
    try:
        yield lambda: bool(noticed)
    finally:
        restore()
