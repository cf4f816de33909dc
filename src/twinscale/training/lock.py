"""One process at a time: a folder that one works in is refused to another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twinscale.errors import UsageError

try:
    import fcntl
except ImportError:  # on Windows, nobody watches
    fcntl = None  # type: ignore[assignment]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file within it, which is released even if the process is killed.

    Args:
        path: the file, made if it is missing; its folder exists.

    Raises:
        UsageError: another process holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"{path.parent}: another process trains in it: wait for it, or end it") from None
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Return whether some process holds a file."""
    if not path.exists():
        return False
    try:
        with held(path):
            return False
    except UsageError:
        return True
