"""Luminance and chrominance after ITU-R BT.601, in MATLAB's studio range and JPEG's full range.

All planes are float arrays in [0, 1] with the channel last; 1.0 stands for 255.
"""

import numpy as np
from numpy.typing import NDArray

# MATLAB's rgb2ycbcr: Y in 16..235, Cb and Cr in 16..240.
_STUDIO = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
_STUDIO_OFFSET = np.array([16.0, 128.0, 128.0]) / 255
# JFIF 1.02: Y, Cb and Cr in 0..255.
_FULL = np.array([[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]])
_FULL_OFFSET = np.array([0.0, 128.0, 128.0]) / 255


def luminance(rgb: NDArray) -> NDArray:
    """Compute studio-range Y of RGB planes: ``(16 + 65.481 R + 128.553 G + 24.966 B) / 255``.

    Args:
        rgb: ``(..., 3)`` float in [0, 1].

    Returns:
        ``(..., 1)`` of the same type, in [16/255, 235/255].
    """
    return _affine(rgb, _STUDIO[:1], _STUDIO_OFFSET[:1])


def rgb_to_ycbcr(rgb: NDArray, *, full_range: bool = False) -> NDArray:
    """Convert RGB to YCbCr: MATLAB's ``rgb2ycbcr``, or JPEG's variant with ``full_range``.

    Args:
        rgb: ``(..., 3)`` float in [0, 1].
        full_range: JPEG's range instead of studio range.

    Returns:
        ``(..., 3)`` of the same type, not rounded and not clipped.
    """
    matrix, offset = (_FULL, _FULL_OFFSET) if full_range else (_STUDIO, _STUDIO_OFFSET)
    return _affine(rgb, matrix, offset)


def ycbcr_to_rgb(ycbcr: NDArray, *, full_range: bool = False) -> NDArray:
    """Invert :func:`rgb_to_ycbcr`; the result is not clipped."""
    matrix, offset = (_FULL, _FULL_OFFSET) if full_range else (_STUDIO, _STUDIO_OFFSET)
    inverse = np.linalg.inv(matrix)
    return _affine(ycbcr, inverse, -inverse @ offset)


def _affine(pixels: NDArray, matrix: NDArray, offset: NDArray) -> NDArray:
    """Compute ``matrix @ pixel + offset`` for every pixel, in the pixels' own type."""
    result: NDArray = pixels @ matrix.T.astype(pixels.dtype) + offset.astype(pixels.dtype)
    return result
