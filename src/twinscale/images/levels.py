"""Between stored pixels and planes in [0, 1]: the one place where 8 and 16 bits are rounded."""

import numpy as np
from numpy.typing import DTypeLike, NDArray


def to_planes(pixels: NDArray) -> NDArray[np.float32]:
    """Convert uint8 or uint16 levels to float32 in [0, 1]; float32 pixels stay as they are."""
    if np.issubdtype(pixels.dtype, np.integer):
        planes: NDArray[np.float32] = np.divide(pixels, np.iinfo(pixels.dtype).max, dtype=np.float32)
        return planes
    return pixels


def to_pixels(planes: NDArray, dtype: DTypeLike) -> NDArray:
    """Clip float planes to [0, 1] and store them as uint8 or uint16, rounded half up, or as float32."""
    clipped: NDArray = np.clip(planes, 0, 1, dtype=np.float32)
    dtype = np.dtype(dtype)
    if np.issubdtype(dtype, np.integer):
        clipped *= np.iinfo(dtype).max
        clipped += 0.5  # never negative, so truncation rounds half up
    return clipped.astype(dtype, copy=False)


def to_levels(planes: NDArray) -> NDArray[np.float64]:
    """Round planes in [0, 1] half up to whole levels 0..255, as float64."""
    return np.floor(np.clip(planes.astype(np.float64), 0, 1) * 255 + 0.5)
