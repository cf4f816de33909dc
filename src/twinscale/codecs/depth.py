"""Samples of odd depths on the full scale of 8 or 16 bits."""

import numpy as np

_BAND_SAMPLES = 2**20


def fill_scale(pixels: np.ndarray, depth: int) -> np.ndarray:
    """Spread values of 0 to ``2**depth - 1`` over 0 to 255 (depths up to 8) or 0 to 65535 (up to 16), rounded."""
    stored, top = (np.uint8, 255) if depth <= 8 else (np.uint16, 65535)
    high = 2**depth - 1
    if high == top:
        return pixels.astype(stored, copy=False)
    filled = np.empty(pixels.shape, stored)
    rows = max(1, _BAND_SAMPLES * len(pixels) // pixels.size)
    for start in range(0, len(pixels), rows):  # what is computed has 4 bytes a sample
        band = pixels[start : start + rows].astype(np.uint32)
        filled[start : start + rows] = (band * top + high // 2) // high
    return filled
