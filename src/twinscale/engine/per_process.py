"""What every process makes for itself: a fork inherits the memory of native libraries, but none of their threads."""

import ctypes
import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Something that is made when it is first asked for, in whatever thread, and again in every forked process.

    What a forked process inherits is neither used nor freed there, not even as it ends: the library would wait for
    threads that only the parent has.

    Args:
        make: makes it; what it raises is raised to whoever asks.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: T | None = None
        self._making = threading.Lock()
        _everything.add(self)

    def __call__(self) -> T:
        """Return it."""
        with self._making:
            if self._made is None:
                self._made = self._make()
            return self._made

    def forget(self) -> None:
        """Begin anew in a forked process, whose only thread this is."""
        if self._made is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._made))  # a reference that nobody gives up
        self._made = None
        self._making = threading.Lock()  # another thread of the parent may have held it


_everything: WeakSet[PerProcess] = WeakSet()


def _forget_everything() -> None:
    for each in list(_everything):
        each.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_everything)
