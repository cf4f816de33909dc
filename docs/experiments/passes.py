"""In which order two networks enlarge best: ``python docs/experiments/passes.py``.

Prints the table of ``docs/upscaling.md``: Set5 reduced bicubically and enlarged again by two networks of ``fast``, one
after the other; mean PSNR of R, G and B.
"""

import statistics

import twinscale
from twinscale.datasets import find_pictures
from twinscale.images.metrics import psnr
from twinscale.images.resize import imresize

ORDERS = {6: [(2, 3), (3, 2)], 8: [(2, 4), (4, 2)], 12: [(3, 4), (4, 3)]}


def main() -> None:
    """Measure and print."""
    print("| scale | bicubic | smaller step first | larger step first |")
    print("| ---: | ---: | ---: | ---: |")
    pictures = [twinscale.Picture.read(path).pixels for path in find_pictures("Set5")]
    for scale, orders in ORDERS.items():
        truths = [pixels[: len(pixels) // scale * scale, : pixels.shape[1] // scale * scale] for pixels in pictures]
        reached = [statistics.mean(psnr(truth, imresize(imresize(truth, 1 / scale), scale)) for truth in truths)]
        for order in orders:
            scores = []
            for truth in truths:
                enlarged = twinscale.Picture(imresize(truth, 1 / scale))
                for step in order:
                    enlarged = twinscale.upscale(enlarged, step)
                scores.append(psnr(truth, enlarged.pixels))
            reached.append(statistics.mean(scores))
        print(f"| {scale} | " + " | ".join(f"{decibels:.2f}" for decibels in reached) + " |")


if __name__ == "__main__":
    main()
