"""How results are printed."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_UNLIMITED = 10_000  # columns, more than any table has


def output() -> "Console":
    """Return the console of standard output, which wraps tables in a terminal only: a pipe gets whole rows."""
    from rich.console import Console

    return Console() if sys.stdout and sys.stdout.isatty() else Console(width=_UNLIMITED)


def readable_size(count: int) -> str:
    """Format a number of bytes in decimal units: ``"12 bytes"``, ``"310 kB"``, ``"1.2 MB"``."""
    if count < 1000:
        return f"{count} bytes"
    size, units = count / 1000, ["kB", "MB", "GB"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.1f} {units[0]}" if size < 9.95 else f"{size:.0f} {units[0]}"
