"""Exact tiling: an operation on a picture of any size, in memory that the tile bounds.

Every tile is computed together with a halo as wide as the operation's radius and the halo is thrown
away, so no seam can exist: tiled and untiled results are equal up to the runtime's own rounding.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from twinscale.engine.operation import Operation
from twinscale.errors import OutOfMemoryError
from twinscale.images.levels import to_pixels, to_planes

DEFAULT_TILE = 256
_SMALLEST_TILE = 32


def run(
    operation: Operation,
    pixels: NDArray,
    *,
    dtype: np.dtype | type | None = None,
    tile: int = DEFAULT_TILE,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray:
    """Apply an operation to a whole picture.

    Sides that are no multiple of ``operation.multiple_of`` are padded by repeating the last row or
    column; the result then belongs to the padded picture. A ``mirrored`` operation sees its mirror image beyond it.

    Args:
        operation: what to do.
        pixels: ``(H, W, C)`` uint8, uint16 or float32.
        dtype: type of the result's pixels; by default that of ``pixels``.
        tile: largest side of a tile without its halo, in pixels of the smaller of input and output; 0 for the whole
            picture at once. Halved, and tried again, where memory runs out.
        progress: called with the number of finished tiles and of all tiles.

    Returns:
        ``(H * scale, W * scale, C')`` pixels of ``dtype``.

    Raises:
        OutOfMemoryError: memory runs out even with the smallest tile.
    """
    pixels = _padded(pixels, operation.multiple_of)
    dtype = np.dtype(dtype or pixels.dtype)
    while True:
        try:
            return _run(operation, pixels, dtype, tile or max(pixels.shape), progress)
        except MemoryError:
            smaller = min(tile or max(pixels.shape), max(pixels.shape)) // 2
            if smaller < _SMALLEST_TILE:
                raise OutOfMemoryError(
                    f"memory ran out on a picture of {pixels.shape[1]}x{pixels.shape[0]} with tiles of {tile} pixels: "
                    "close other programs or use a smaller picture"
                ) from None
            tile = smaller


def _run(
    operation: Operation,
    pixels: NDArray,
    dtype: np.dtype,
    tile: int,
    progress: Callable[[int, int], None] | None,
) -> NDArray:
    rows = list(_windows(pixels.shape[0], tile, operation))
    columns = list(_windows(pixels.shape[1], tile, operation))
    height, width = (int(side * operation.scale) for side in pixels.shape[:2])
    margin = _margin(operation)
    if margin:
        pixels = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    out: NDArray | None = None
    for i, (row_in, row_out, row_keep) in enumerate(rows):
        for j, (column_in, column_out, column_keep) in enumerate(columns):
            result = operation(to_planes(pixels[row_in, column_in]))[row_keep, column_keep]
            if out is None:
                out = np.empty((height, width, result.shape[2]), dtype)
            out[row_out, column_out] = to_pixels(result, dtype)
            if progress:
                progress(i * len(columns) + j + 1, len(rows) * len(columns))
    assert out is not None
    return out


def _windows(length: int, tile: int, operation: Operation) -> Iterator[tuple[slice, slice, slice]]:
    """Split one side into tiles.

    Yields:
        What to read of the input, where to write in the output, and which part of the result to keep.
        All windows have the same length, because runtimes work best on one shape.
    """
    multiple = operation.multiple_of
    largest = multiple * max(1, tile * operation.scale.denominator // multiple)
    # Tiles of about one size: a short last one would be computed as long as the others.
    step = multiple * math.ceil(length / math.ceil(length / largest) / multiple)
    halo, margin = _halo(operation), _margin(operation)
    window = min(length + 2 * margin, step + 2 * halo)
    up, down = operation.scale.as_integer_ratio()
    for start in range(0, length, step):
        stop = min(start + step, length)
        low = min(max(-margin, start - halo), length + margin - window)
        offset = low * up // down
        target = slice(start * up // down, stop * up // down)
        source = slice(low + margin, low + margin + window)
        yield source, target, slice(target.start - offset, target.stop - offset)


def _halo(operation: Operation) -> int:
    """Pixels to compute around a tile, and to throw away."""
    return math.ceil(operation.radius / operation.multiple_of) * operation.multiple_of


def _margin(operation: Operation) -> int:
    """Pixels to add around the picture."""
    return _halo(operation) if operation.mirrored else 0


def _padded(pixels: NDArray, multiple: int) -> NDArray:
    bottom, right = (-side % multiple for side in pixels.shape[:2])
    return np.pad(pixels, ((0, bottom), (0, right), (0, 0)), mode="edge") if bottom or right else pixels
