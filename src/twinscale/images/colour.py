"""Luminance and chrominance after ITU-R BT.601, in MATLAB's studio range and JPEG's full range; CIELAB.

All planes are float arrays with the channel last, and but for CIELAB's in [0, 1]; 1.0 stands for 255.
"""

import numpy as np
from numpy.typing import NDArray

LUMA = (0.299, 0.587, 0.114)
"""The shares of R, G and B in Y of full range, JFIF's."""

# MATLAB's rgb2ycbcr: Y in 16..235, Cb and Cr in 16..240.
_STUDIO = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
_STUDIO_OFFSET = np.array([16.0, 128.0, 128.0]) / 255
# JFIF 1.02: Y, Cb and Cr in 0..255.
_FULL = np.array([LUMA, [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]])
_FULL_OFFSET = np.array([0.0, 128.0, 128.0]) / 255
# Linear RGB to XYZ, IEC 61966-2-1, and the XYZ of D65, for the observer of 2 degrees.
_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
_D65 = np.array([0.95047, 1.0, 1.08883])
_LAB = np.array([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])
_LAB_OFFSET = np.array([-16.0, 0.0, 0.0])
_LAB_KNEE = 6 / 29


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


def srgb_to_lab(rgb: NDArray) -> NDArray:
    """Convert sRGB to CIELAB (CIE 15:2004) under D65.

    Args:
        rgb: ``(..., 3)`` float in [0, 1].

    Returns:
        ``(..., 3)`` of the same type: L* from 0 to 100, a* and b* about -110 to 110.
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    t = _affine(linear, _XYZ / _D65[:, None], np.zeros(3))
    root = np.where(t > _LAB_KNEE**3, np.cbrt(t), t / (3 * _LAB_KNEE**2) + 4 / 29)
    return _affine(root, _LAB, _LAB_OFFSET)


def _affine(pixels: NDArray, matrix: NDArray, offset: NDArray) -> NDArray:
    """Compute ``matrix @ pixel + offset`` for every pixel, in the pixels' own type."""
    result: NDArray = pixels @ matrix.T.astype(pixels.dtype) + offset.astype(pixels.dtype)
    return result
