"""The pixels of the full-size picture in blocks, one for every pixel of the small picture."""

import numpy as np
from numpy.typing import NDArray


def padded(image: NDArray, scale: int) -> NDArray:
    """Repeat the last row and column of ``(H, W, C)`` until both sides are multiples of the scale."""
    bottom, right = (-side % scale for side in image.shape[:2])
    return np.pad(image, ((0, bottom), (0, right), (0, 0)), mode="edge") if bottom or right else image


def to_blocks(image: NDArray, scale: int) -> NDArray:
    """Sort the pixels of a picture by block.

    Args:
        image: ``(H, W, C)`` of any size; :func:`padded` completes the last blocks.
        scale: side of a block.

    Returns:
        ``(C, scale * scale, h, w)`` with ``h = ceil(H / scale)``: float32 of 0 to 1 of integers, else of the same type.
    """
    image = padded(image, scale)
    height, width, channels = image.shape[0] // scale, image.shape[1] // scale, image.shape[2]
    blocks = image.reshape(height, scale, width, scale, channels).transpose(4, 1, 3, 0, 2)
    if np.issubdtype(image.dtype, np.integer):
        blocks = blocks.astype(np.float32) / np.float32(np.iinfo(image.dtype).max)
    return blocks.reshape(channels, scale**2, height, width)
