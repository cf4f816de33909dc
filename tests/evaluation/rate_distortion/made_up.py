"""Points that nobody measured, whose differences are known."""

from dataclasses import replace

from twinscale.evaluation.rate_distortion.measuring import Point
from twinscale.evaluation.rate_distortion.record import Measured

QUALITIES = (10, 30, 50, 70, 90)


def measured(picture, codec="JPEG", way="alone", factor=1.0, packed=True, gain=0.0) -> Measured:
    """Return points of 3 dB for each doubling of the rate, at ``factor`` times the rates of the codec alone."""
    points = [
        Point(
            quality,
            round(factor * 1e6 * 2**step),
            psnr_rgb=24 + 3 * step,
            psnr_y=25 + 3 * step + gain,
            ssim=1 - 10 ** -(0.8 + 0.3 * step),
            ms_ssim=1 - 10 ** -(1 + 0.3 * step),
        )
        for step, quality in enumerate(QUALITIES)
    ]
    pixels = 80_000_000  # 0.1, 0.2, 0.4, 0.8 and 1.6 bits per pixel
    return Measured("Kodak24", picture, codec, way, packed, pixels, "", tuple(points))


def crossing(picture) -> Measured:
    """Return a way that needs half the bits for 24 dB and twice as many for 36 dB."""
    row = measured(picture, way="x2 pair")
    points = [p._replace(size=round(p.size * 2 ** (step / 2 - 1))) for step, p in enumerate(row.points)]
    return replace(row, points=tuple(points))


ALONE = [measured("one"), measured("two")]
