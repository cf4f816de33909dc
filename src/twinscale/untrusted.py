"""Files that may come from anywhere: read only if they are ordinary ones, and no larger than they need to be."""

import errno
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# What tomllib takes for a dotted key grows with the square of its length, and a key cannot go on in the next line.
_MOST_TOML_BYTES = 64 * 2**10
_LONGEST_LINE = 2000
_DEEPEST = 10
_TOO_DEEP = f"it is nested more than {_DEEPEST} deep"
_CONTROL = re.compile(r"[\x80-\x9f]")  # those that TOML allows; terminals do what they say
_INTEGERS = range(-(2**63), 2**63)


def read_ordinary(path: Path, most: int) -> bytes:
    """Read a whole file that must be an ordinary one: a pipe could let the reader wait, a device go on without end.

    Args:
        path: the file, or a link to it.
        most: how many bytes it may have.

    Raises:
        OSError: the file cannot be opened or read, is no ordinary file, or has more bytes.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "not an ordinary file")
        data = file.read(most + 1) if about.st_size <= most else None
        if data is None or len(data) > most:
            raise OSError(errno.EFBIG, f"more than {most} bytes")
    return data


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a small TOML file.

    Raises:
        OSError: see :func:`read_ordinary`.
        ValueError: it is no TOML, is longer in a line or nested deeper than anybody writes it, has control characters,
            or a number of more than 64 bits, which TOML forbids. The message is short, in one line.
    """
    text = read_ordinary(path, _MOST_TOML_BYTES).decode()
    if any(len(line) > _LONGEST_LINE for line in text.split("\n")):
        raise ValueError(f"a line has more than {_LONGEST_LINE} characters")
    if _CONTROL.search(text):
        raise ValueError("it has a control character")
    try:
        mapping = tomllib.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError as error:
        raise ValueError(f"{error!s:.200}") from None
    for value, depth in _values(mapping):
        if depth > _DEEPEST:
            raise ValueError(_TOO_DEEP)
        if isinstance(value, int) and value not in _INTEGERS:
            raise ValueError("a number has more than 64 bits")
    return mapping


def _values(value: Any) -> Iterator[tuple[Any, int]]:
    """Yield a value and all that it holds, and how deep each is nested."""
    waiting = [(value, 0)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        if isinstance(value, dict | list):
            inside = value.values() if isinstance(value, dict) else value
            waiting.extend((item, depth + 1) for item in inside)
