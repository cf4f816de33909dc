"""How far a restored picture is from its original, a band of rows at a time: large pictures fit into memory."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from twinscale.images.colour import luminance
from twinscale.images.levels import to_planes
from twinscale.images.metrics import ssim as ssim_of_planes
from twinscale.images.picture import Picture

SMALLEST = 11
"""The shortest side in pixels of a picture that SSIM can compare."""

_BAND = 256  # rows


def psnr(original: Picture, restored: Picture) -> float:
    """Compute the peak signal-to-noise ratio in dB over all pixels and channels; infinite if both are equal.

    Of transparent pictures, opacity counts as a channel, and colours as far as they are seen. A grey picture compares
    with an RGB one as if all its channels were the same.

    Args:
        original: of any depth.
        restored: of the same size.
    """
    error, count = 0.0, 0
    is_transparent = original.alpha is not None and to_planes(original.alpha).min() < 1
    for rows in _bands(original, 0):
        pairs = [(_seen(original, rows), _seen(restored, rows))]
        if is_transparent:
            pairs.append((_opacity(original, rows), _opacity(restored, rows)))
        for one, other in pairs:
            difference = one.astype(np.float64) - other
            error += float(np.vdot(difference, difference))
            count += difference.size
    return math.inf if error == 0 else 10 * math.log10(count / error)


def ssim(original: Picture, restored: Picture) -> float:
    """Compute the structural similarity of the luminance, see :func:`twinscale.images.metrics.ssim`.

    Args:
        original: of any depth, with sides of :data:`SMALLEST` pixels at least.
        restored: of the same size.

    Raises:
        UsageError: a side is shorter.
    """
    overlap = SMALLEST - 1
    total = 0.0
    for rows in _bands(original, overlap):
        one, other = _seen(original, rows).astype(np.float64), _seen(restored, rows).astype(np.float64)
        if original.is_grey != restored.is_grey:  # some formats hold no grey
            one, other = (colours.mean(axis=2, keepdims=True) for colours in (one, other))
        elif not original.is_grey:
            one, other = luminance(one), luminance(other)
        total += ssim_of_planes(one, other, peak=1.0) * (len(one) - overlap)
    return total / (original.height - overlap)


def _bands(picture: Picture, overlap: int) -> Iterator[slice]:
    """Cut a picture into bands of rows that share ``overlap`` rows."""
    for top in range(0, max(picture.height - overlap, 1), _BAND):
        yield slice(top, min(top + _BAND + overlap, picture.height))


def _seen(picture: Picture, rows: slice) -> NDArray[np.float32]:
    """Return the colours of some rows as far as they are seen, ``(H, W, 1 or 3)``."""
    colours = to_planes(picture.pixels[rows])
    return colours if picture.alpha is None else colours * _opacity(picture, rows)


def _opacity(picture: Picture, rows: slice) -> NDArray[np.float32]:
    if picture.alpha is None:
        return np.ones((*picture.pixels[rows].shape[:2], 1), np.float32)
    return to_planes(picture.alpha[rows])[:, :, None]
