"""The processor's cores: which of them this process may use, and which have nothing to do."""

import os
import time
from collections.abc import Collection
from pathlib import Path

_IDLE = 0.8  # a core that rests for this share of the time has nothing else to do


def usable() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def unused(seconds: float = 2.0) -> list[int]:
    """Return the cores that others leave: all that are usable if all of them rest, else the one that rests most.

    Args:
        seconds: how long they are watched; only Linux can tell, elsewhere all cores count as resting.
    """
    cores, before = usable(), _resting()
    if not before:
        return cores
    start = time.monotonic()
    time.sleep(seconds)
    ticks = os.sysconf("SC_CLK_TCK") * (time.monotonic() - start)
    rest = {core: (after - before[core]) / ticks for core, after in _resting().items() if core in cores}
    return cores if min(rest.values()) > _IDLE else [max(cores, key=lambda core: rest[core])]


def shares(jobs: int) -> list[list[int]]:
    """Divide the usable cores among so many processes; there may be fewer cores than processes."""
    cores = usable()
    return [cores[number % len(cores) :: jobs] for number in range(jobs)]


def pin(process: int, cores: Collection[int]) -> None:
    """Let a process run on these cores only, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process, cores)


def _resting() -> dict[int, int]:
    """Return for how many clock ticks each core has had nothing to do; nothing where the system does not say."""
    try:
        lines = Path("/proc/stat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines if line.startswith("cpu") and line[3].isdigit())
    return {int(name[3:]): int(idle) + int(waiting) for name, _, _, _, idle, waiting, *_ in fields}
