"""Exact tiling: an operation on a picture of any size, in tiles as large as a memory budget allows.

Every tile is computed together with a halo as wide as the operation's radius, and the halo is thrown
away, so no seam can exist: tiled and untiled results are equal up to the runtime's own rounding.
"""

import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinscale import spill
from twinscale.engine.operation import Operation, halo
from twinscale.errors import OutOfMemoryError, UsageError
from twinscale.images.levels import to_pixels, to_planes

GIBIBYTE = 2**30
MEMORY = GIBIBYTE // 4
"""What a network may hold while it works on a tile. What NumPy holds in addition is mostly less."""
WHOLE_PICTURE_MEMORY = 8 * GIBIBYTE
"""The same for a network that looks at the whole picture and therefore cannot be tiled."""

_SMALLEST_TILE = 32
_REMEDY = "close other programs or use a smaller picture"
_UNDER_WAY = 2  # tiles: one is in the network while the other is prepared or stored


def run(
    operation: Operation,
    pixels: NDArray,
    *,
    dtype: np.dtype | type | None = None,
    tile: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray:
    """Apply an operation to a whole picture.

    Sides that are not a multiple of ``operation.multiple_of`` are completed by repeating the last row or column; what
    that adds to the result is cut off. Beyond these sides, a ``mirrored`` operation sees the mirror image.

    Args:
        operation: what to do; several threads may call it at the same time.
        pixels: ``(H, W, C)`` uint8, uint16 or float32.
        dtype: type of the result's pixels; by default that of ``pixels``.
        tile: largest side of a tile without its halo, in pixels of the smaller of input and output; 0 for the whole
            picture at once. By default there are as few tiles as ``MEMORY`` allows, perhaps one. If memory runs out,
            it is halved and tried again. An operation of infinite radius always has the whole picture at once.
        progress: called with the number of finished tiles and of all tiles, in the calling thread.

    Returns:
        ``(ceil(H * scale), ceil(W * scale), C')`` pixels of ``dtype``.

    Raises:
        UsageError: the tile is negative.
        OutOfMemoryError: memory runs out even with the smallest tile, or the operation needs the whole picture at
            once and more than ``WHOLE_PICTURE_MEMORY`` for it.
    """
    if tile is not None and tile < 0:
        raise UsageError(f"tile {tile} must be at least 1, or 0 for the whole picture at once")
    dtype = np.dtype(dtype or pixels.dtype)
    if math.isinf(operation.radius):
        return _run_whole(operation, pixels, dtype, progress)
    height, width = (_completed(side, operation) for side in pixels.shape[:2])
    if tile is None:
        counts = _fewest_tiles(operation, height, width)
        side = max(_step(height, counts[0], operation), _step(width, counts[1], operation))
        tile = math.ceil(side / operation.scale.denominator)
    else:
        tile = min(tile or max(height, width), max(height, width))
        counts = (_count(height, tile, operation), _count(width, tile, operation))
    while True:
        try:
            return _run(operation, pixels, dtype, counts, progress)
        except MemoryError:
            if tile // 2 < _SMALLEST_TILE:
                size = f"{pixels.shape[1]}x{pixels.shape[0]}"
                raise OutOfMemoryError(
                    f"memory ran out on a picture of {size} with tiles of {tile} pixels: {_REMEDY}"
                ) from None
            tile //= 2
            counts = (_count(height, tile, operation), _count(width, tile, operation))


def _run_whole(
    operation: Operation, pixels: NDArray, dtype: np.dtype, progress: Callable[[int, int], None] | None
) -> NDArray:
    height, width = (_completed(side, operation) for side in pixels.shape[:2])
    needed = height * width * operation.activation_bytes
    about = (
        f"the network looks at the whole picture, and one of {width}x{height} takes about {needed / GIBIBYTE:.1f} GiB"
    )
    remedy = "use a smaller picture, or another model"
    if needed > WHOLE_PICTURE_MEMORY:
        raise OutOfMemoryError(f"{about}, more than the {WHOLE_PICTURE_MEMORY / GIBIBYTE:g} GiB allowed: {remedy}")
    try:
        return _run(operation, pixels, dtype, (1, 1), progress)
    except MemoryError:
        raise OutOfMemoryError(f"{about}, more than is free: close other programs, {remedy}") from None


@dataclass(frozen=True, slots=True)
class _Window:
    """One tile along one side of the picture."""

    read: slice
    """What to read of the input, with the halo."""
    write: slice
    """Where to write in the output."""
    keep: slice
    """What to keep of the result."""


def _run(
    operation: Operation,
    pixels: NDArray,
    dtype: np.dtype,
    counts: tuple[int, int],
    progress: Callable[[int, int], None] | None,
) -> NDArray:
    height, width = pixels.shape[:2]
    rows, columns = _windows(height, counts[0], operation), _windows(width, counts[1], operation)
    down, across = _sources(height, operation), _sources(width, operation)
    tiles = list(itertools.product(rows, columns))

    def work(tile: tuple[_Window, _Window]) -> NDArray:
        row, column = tile
        read = _taken(pixels, down[row.read], across[column.read])
        return to_pixels(operation(to_planes(read))[row.keep, column.keep], dtype)

    workers = ThreadPoolExecutor(_UNDER_WAY)
    try:
        results = workers.map(work, tiles) if len(tiles) > 1 else map(work, tiles)
        out: NDArray | None = None
        for done, ((row, column), result) in enumerate(zip(tiles, results, strict=True), start=1):
            if out is None:
                sides = (math.ceil(side * operation.scale) for side in (height, width))
                out = spill.empty((*sides, result.shape[2]), dtype)
            for channel in range(result.shape[2]):  # most results hold each channel in one piece, so this copies faster
                out[row.write, column.write, channel] = result[:, :, channel]
            spill.release(pixels, out)
            if progress:
                progress(done, len(tiles))
    finally:
        workers.shutdown(cancel_futures=True)  # waits for the tiles that are under way
    assert out is not None
    return out


def _sources(length: int, operation: Operation) -> NDArray[np.intp]:
    """Return where each pixel of a side comes from, with what completes the side and the margin around it."""
    completed, margin = _completed(length, operation), _margin(operation)
    positions = np.arange(-margin, completed + margin) % (2 * completed)
    mirrored = np.minimum(positions, 2 * completed - 1 - positions)
    return np.minimum(mirrored, length - 1)


def _taken(pixels: NDArray, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray:
    """Return the pixels at some rows and columns; a view if they lie side by side, as they do inside the picture."""
    top, left = rows.min(), columns.min()
    near = pixels[top : rows.max() + 1, left : columns.max() + 1]
    for axis, positions in enumerate((rows - top, columns - left)):
        if (np.diff(positions) != 1).any():
            near = near.take(positions, axis)
    return near


def _fewest_tiles(operation: Operation, height: int, width: int) -> tuple[int, int]:
    """Choose the numbers of rows and columns of tiles that take the least work within ``MEMORY``."""
    rows, columns = (np.arange(1, math.ceil(side / _SMALLEST_TILE) + 1) for side in (height, width))
    tall = np.array([_window(height, int(count), operation) for count in rows], dtype=np.float64)
    wide = np.array([_window(width, int(count), operation) for count in columns], dtype=np.float64)
    fits = np.outer(tall, wide) * operation.activation_bytes <= MEMORY
    fits[-1, -1] = True  # there are no smaller tiles
    work = np.where(fits, np.outer(rows * tall, columns * wide), np.inf)
    row, column = np.unravel_index(np.argmin(work), work.shape)
    return int(rows[row]), int(columns[column])


def _windows(length: int, count: int, operation: Operation) -> list[_Window]:
    """Split one side into ``count`` tiles; all are read with one length, because runtimes work best on one shape."""
    completed, end = _completed(length, operation), math.ceil(length * operation.scale)
    step, window = _step(completed, count, operation), _window(completed, count, operation)
    around, margin = _halo(operation), _margin(operation)
    numerator, denominator = operation.scale.as_integer_ratio()
    windows = []
    for start in range(0, completed, step):
        stop = min(start + step, completed)
        low = min(max(-margin, start - around), completed + margin - window)
        offset = low * numerator // denominator
        write = slice(start * numerator // denominator, min(stop * numerator // denominator, end))
        read = slice(low + margin, low + margin + window)
        windows.append(_Window(read, write, slice(write.start - offset, write.stop - offset)))
    return windows


def _completed(length: int, operation: Operation) -> int:
    """Return a side that is long enough for the operation, a multiple of what it wants."""
    return length + -length % operation.multiple_of


def _count(length: int, tile: int, operation: Operation) -> int:
    """Return how many tiles of at most this side are needed, in pixels of the smaller of input and output."""
    multiple = operation.multiple_of
    return math.ceil(length / (multiple * max(1, tile * operation.scale.denominator // multiple)))


def _step(length: int, count: int, operation: Operation) -> int:
    """Return the side of a tile in input pixels: all are about equal, since a short last one would cost as much."""
    return operation.multiple_of * math.ceil(length / count / operation.multiple_of)


def _window(length: int, count: int, operation: Operation) -> int:
    """Return the side of a tile with its halo, if a side is split into ``count``."""
    return min(length + 2 * _margin(operation), _step(length, count, operation) + 2 * _halo(operation))


def _halo(operation: Operation) -> int:
    """Return the pixels to compute around a tile and throw away; around the whole picture there is only the margin."""
    return halo(operation.radius, operation.multiple_of)


def _margin(operation: Operation) -> int:
    """Return the pixels to add around the picture."""
    return _halo(operation) if operation.mirrored else 0
