"""What JPEG leaves of the gain over bicubic enlargement: ``python docs/experiments/jpeg.py`` (needs the dev extra).

Prints the table of ``docs/upscaling.md``: three of scikit-image's photographs reduced bicubically to half, saved as
JPEG with chrominance at half size, and enlarged; mean PSNR of R, G and B.
"""

import io
import statistics

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

import twinscale
from twinscale.images.metrics import psnr
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize

QUALITIES = (None, 95, 90, 75, 50)
MODELS = ("srcnn", "fast", "best")


def saved(pixels: NDArray, quality: int | None) -> NDArray:
    """What is read again from a JPEG file; None keeps the pixels."""
    if quality is None:
        return pixels
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file))


def main() -> None:
    """Measure and print."""
    photographs = [skimage.data.astronaut(), skimage.data.chelsea()[:300, :450], skimage.data.coffee()]
    print("| JPEG quality | bicubic | " + " | ".join(f"`{model}`" for model in MODELS) + " |")
    print("| ---: |" + " ---: |" * (1 + len(MODELS)))
    for quality in QUALITIES:
        small = [saved(imresize(photograph, 1 / 2), quality) for photograph in photographs]
        enlarged = {"bicubic": [imresize(pixels, 2) for pixels in small]}
        for model in MODELS:
            enlarged[model] = [twinscale.upscale(Picture(pixels), 2, model=model).pixels for pixels in small]
        bicubic, *others = (statistics.mean(map(psnr, photographs, pictures)) for pictures in enlarged.values())
        gains = " | ".join(f"{each - bicubic:+.2f}" for each in others)
        print(f"| {quality or 'not saved'} | {bicubic:.2f} | {gains} |")


if __name__ == "__main__":
    main()
