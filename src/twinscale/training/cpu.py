"""Settings that make torch train several times as fast on a CPU."""

import ctypes
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinscale.training.recipe import Precision

_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8


def tune_malloc() -> bool:
    """Make glibc keep freed memory instead of unmapping it at every tensor operation.

    By default each large activation is mapped, faulted in page by page and unmapped again, which
    costs more than the convolutions of a small network. Call it before ``import torch``; peak memory
    rises by up to half. ``TWINSCALE_MALLOC=0`` in the environment leaves malloc alone.

    Returns:
        Whether the setting took effect; False without glibc, or if the user opted out.
    """
    if sys.platform != "linux" or os.environ.get("TWINSCALE_MALLOC") == "0":
        return False
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:  # musl
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_ARENA_MAX, 1))
    return all(libc.mallopt(parameter, value) == 1 for parameter, value in settings)


def usable_precision(wanted: "Precision", accelerator: str) -> "Precision":
    """Return ``wanted``, or 32 bits on a CPU that only emulates bfloat16, where it would be ten times slower."""
    import torch  # here, because tune_malloc comes before it

    on_cpu = accelerator == "cpu" or (accelerator == "auto" and not torch.cuda.is_available())
    if wanted == "32-true" or not on_cpu:
        return wanted
    has_it = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()  # type: ignore[no-untyped-call]
    return wanted if has_it else "32-true"
