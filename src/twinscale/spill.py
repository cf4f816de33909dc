"""Arrays and files too large for memory: they live in temporary files, and memory holds what is being worked on.

What :func:`empty` and :func:`join` return beyond :data:`LIMIT` is a mapping of a file that has no name: the system
reads its pages when they are touched, and :func:`release` drops them again without losing what was written. The file is
gone with the array, however the process ends. Everything below the limit is ordinary memory, so code need not care.
"""

import contextlib
import itertools
import math
import mmap
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from twinscale.errors import OutOfMemoryError

LIMIT = 128 * 2**20
"""Bytes from which on data goes into a file: 44 megapixels of RGB in 8 bits."""

Data = bytes | mmap.mmap
"""The contents of a file, in memory or mapped."""

_BAND = 4 * 2**20  # bytes of rows, or of a file, that are worked on at a time
_PAUSE = 0.02  # seconds; in them, the fastest decoder fills about 20 MiB


def empty(shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> NDArray:
    """Return an array whose contents have yet to be written; in memory after all if there is no room on the disk."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size >= LIMIT:
        with contextlib.suppress(OSError), tempfile.TemporaryFile() as file:
            _reserve(file, size)
            return np.ndarray(shape, dtype, mmap.mmap(file.fileno(), size))
    return np.empty(shape, dtype)


def is_spilled(array: NDArray) -> bool:
    """Return whether an array lives in a file."""
    return _mapping(array) is not None


def release(*data: NDArray | Data | memoryview) -> None:
    """Drop the pages that arrays and files hold in memory; what was written stays."""
    for one in data:
        mapping = _mapping(one)
        if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):  # elsewhere the system does it by itself
            mapping.madvise(mmap.MADV_DONTNEED)


def bands(array: NDArray, step: int | None = None) -> Iterator[slice]:
    """Cut an array into bands of a few rows each, and release what is behind.

    Args:
        array: ``(H, ...)``.
        step: rows of a band; by default some megabytes.
    """
    height = array.shape[0]
    step = step or max(1, _BAND * height // max(array.size * array.itemsize, 1))
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))
        release(array)


def map_rows(function: Callable[..., NDArray], *arrays: NDArray) -> NDArray:
    """Apply a function that treats every row by itself, a band of rows at a time.

    Args:
        function: takes the same rows of every array, and returns as many rows.
        arrays: of the same height.
    """
    out: NDArray | None = None
    for rows in bands(arrays[0]):
        band = function(*(array[rows] for array in arrays))
        if out is None:
            out = empty((arrays[0].shape[0], *band.shape[1:]), band.dtype)
        out[rows] = band
        release(out, *arrays)
    assert out is not None
    return out


def contiguous(array: NDArray) -> NDArray:
    """Return an array as it is if its rows lie one after the other, else a copy."""
    return array if array.flags.c_contiguous else map_rows(lambda rows: rows, array)


def decoded(decode: Callable[..., object], data: Data, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """Return an array that a decoder of imagecodecs fills."""
    array = empty(shape, dtype)
    with sparing(data, array):
        decode(data, out=array)
    return array


@contextlib.contextmanager
def sparing(*data: NDArray | Data) -> Iterator[None]:
    """Release arrays and files again and again while others work on them, who know nothing of pages."""
    if all(_mapping(one) is None for one in data):
        yield
        return
    done = threading.Event()

    def spare() -> None:
        while not done.wait(_PAUSE):
            release(*data)

    thread = threading.Thread(target=spare, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        release(*data)


def join(pieces: Iterable[Data | memoryview]) -> Data:
    """Return pieces of a file as one, mapped if it is large.

    Raises:
        OutOfMemoryError: there is no room for it on the disk.
    """
    held: list[Data | memoryview] = []
    size = 0
    remaining = iter(pieces)
    for piece in remaining:
        held.append(piece)
        size += len(piece)
        if size >= LIMIT:
            break
    else:
        return b"".join(held)
    try:
        with tempfile.TemporaryFile() as file:
            for chunk in (held, remaining):
                for piece in chunk:
                    for part in parts(piece):
                        file.write(part)
            file.flush()
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise OutOfMemoryError(
            f"the folder of temporary files, {tempfile.gettempdir()}, takes no large file ({error.strerror}): free "
            "some space, or name another folder in TMPDIR"
        ) from error


def read(file: BinaryIO) -> Data:
    """Read all of a file, into another if it is large: the original may be cut short by others meanwhile."""
    beginning = file.read(LIMIT)
    if len(beginning) < LIMIT:
        return beginning
    return join(itertools.chain((beginning,), iter(lambda: file.read(_BAND), b"")))


def parts(data: Data | memoryview) -> Iterator[memoryview]:
    """Cut a file into parts of some megabytes each, and release what is behind."""
    view = memoryview(data)
    for start in range(0, len(view), _BAND):
        yield view[start : start + _BAND]
        if start:  # small pieces come in great numbers
            release(data)


def _mapping(data: NDArray | Data | memoryview) -> mmap.mmap | None:
    """Return the mapping that holds an array or a file, or None if that is in memory."""
    base: object = data
    while isinstance(base, (np.ndarray, memoryview)):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base if isinstance(base, mmap.mmap) else None


def _reserve(file: BinaryIO, size: int) -> None:
    """Give a file a size; raise ``OSError`` if the disk has no room for it, which later would end the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    import shutil

    if shutil.disk_usage(tempfile.gettempdir()).free < 2 * size:
        raise OSError("no room")
    file.truncate(size)
