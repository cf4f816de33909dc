"""The evaluation protocol: the one place that decides channel, border and rounding.

=========== ============================================ ============================================
step        luminance networks (``colour = "y"``)        RGB networks (``colour = "rgb"``)
=========== ============================================ ============================================
truth       Y of BT.601, float, cropped to ``scale``     8-bit RGB, cropped to ``scale``
bicubic LR  float Y, not rounded                         rounded to 8 bits, as a file would hold it
learned LR  rounded to 8 bits                            rounded to 8 bits
comparison  both Y rounded to integers                   result rounded to 8 bits; Y not rounded, and RGB
=========== ============================================ ============================================

``scale`` pixels are removed on every side; PSNR has peak 255, SSIM its 11x11 Gaussian window over
the valid region. Grey pictures are measured as grey under both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twinscale.errors import UsageError
from twinscale.images.colour import luminance
from twinscale.images.downscaling import downscale
from twinscale.images.levels import to_levels, to_pixels, to_planes
from twinscale.images.metrics import psnr, ssim
from twinscale.images.resize import Kernel, imresize

Colour = Literal["y", "rgb"]

VERSION = 1
"""Increased whenever the protocol changes what it measures, so that kept results are measured again."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one picture, or their mean over a set."""

    psnr_y: float
    """dB on luminance."""
    ssim_y: float
    psnr_rgb: float | None = None
    """dB over R, G and B; None for luminance networks and grey pictures."""

    @classmethod
    def mean(cls, scores: "Sequence[Scores]") -> "Scores":
        """Average over pictures; RGB only over those that have it."""
        rgb = [score.psnr_rgb for score in scores if score.psnr_rgb is not None]
        return cls(
            psnr_y=float(np.mean([score.psnr_y for score in scores])),
            ssim_y=float(np.mean([score.ssim_y for score in scores])),
            psnr_rgb=float(np.mean(rgb)) if rgb else None,
        )

    def __str__(self) -> str:
        """Format PSNR and SSIM on luminance as tables show them: ``36.38 / 0.9520``."""
        return f"{self.psnr_y:.2f} / {self.ssim_y:.4f}"


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a network of one scale and colour is measured.

    All planes are ``(H, W, C)`` float32 in [0, 1].
    """

    scale: int
    colour: Colour

    def truth(self, planes: NDArray) -> NDArray:
        """Crop a picture's planes to multiples of ``scale`` and keep what the network works on.

        Raises:
            UsageError: the picture is smaller than ``2 * scale + 11`` pixels, too small to measure.
        """
        height, width = (side // self.scale * self.scale for side in planes.shape[:2])
        if min(height, width) < 2 * self.scale + 11:
            raise UsageError(
                f"a picture of {planes.shape[1]}x{planes.shape[0]} is too small to measure at x{self.scale}: "
                f"at least {2 * self.scale + 11} pixels per side are needed"
            )
        planes = planes[:height, :width]
        if self.colour == "y" and planes.shape[2] == 3:
            # In float64: a float32 sum can fall on the other side of a rounding boundary.
            return luminance(planes.astype(np.float64))
        return planes

    def reduce(self, truth: NDArray, method: str = "bicubic") -> NDArray:
        """Make the classical low-resolution picture that super-resolution starts from.

        Args:
            truth: what :meth:`truth` returns.
            method: one of :data:`twinscale.images.downscaling.METHODS`.
        """
        if self.colour == "y":
            return downscale(truth, self.scale, method)
        return to_planes(downscale(to_pixels(truth, np.uint8), self.scale, method))

    def enlarge(self, low: NDArray, kernel: Kernel = "bicubic") -> NDArray:
        """Make the classical enlargement: the baseline of every table."""
        if self.colour == "y":
            return imresize(low, self.scale, kernel=kernel)
        return to_planes(imresize(to_pixels(low, np.uint8), self.scale, kernel=kernel))

    def score(self, truth: NDArray, result: NDArray) -> Scores:
        """Compare a result with the truth, both ``(H, W, C)`` as :meth:`truth` returns them.

        Raises:
            UsageError: the shapes differ.
        """
        inner = (slice(self.scale, -self.scale),) * 2
        x, y = to_levels(truth)[inner], to_levels(result)[inner]
        if x.shape[-1] == 1 or self.colour == "y":
            return Scores(psnr(x, y), ssim(x, y))
        x_y, y_y = luminance(x / 255) * 255, luminance(y / 255) * 255
        return Scores(psnr(x_y, y_y), ssim(x_y, y_y), psnr(x, y))
