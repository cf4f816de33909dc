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

With ``jpeg``, the small picture, rounded to 8 bits, goes through a JPEG of that quality (RGB as 4:2:0, luminance as a
grey picture) before both the baseline and the network, which may be told so. At ``scale`` 1 nothing is made small: the
truth itself goes through JPEG, which then is the baseline.
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
from twinscale.rescale.channel import Jpeg

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
    jpeg: int | None = None
    """Quality at which the small picture goes through JPEG, if it does."""

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
        stored = truth if self.colour == "y" else to_pixels(truth, np.uint8)
        small = stored if self.scale == 1 else downscale(stored, self.scale, method)
        return self.received(small if self.colour == "y" else to_planes(small))

    def received(self, low: NDArray) -> NDArray:
        """Send a small picture through JPEG, if the protocol says so."""
        return low if self.jpeg is None else Jpeg(quality=self.jpeg)(low)

    def conditions(self, channels: int) -> tuple[float, ...] | None:
        """Return what a network is told of a small picture of so many channels, or None if it was not compressed."""
        return None if self.jpeg is None else Jpeg(quality=self.jpeg).conditions(channels)

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
