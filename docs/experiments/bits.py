"""What a JPEG's bits depend on, and what one is worth: ``python docs/experiments/bits.py``.

Prints the constants and the table of ``docs/experiments/pack.md``, from training and validation pictures of the recipe
``pack-jpeg-x2`` (``TWINSCALE_DATA``), made half as large bicubically and saved as JPEG (4:2:0, tables of their own).
"""

import itertools

import numpy as np
import torch
from numpy.typing import NDArray

from twinscale.codecs.quantisation import Quantisation
from twinscale.engine import run
from twinscale.images.resize import imresize
from twinscale.nets.layers.jpeg import JPEG
from twinscale.rescale import load
from twinscale.rescale.channel import Jpeg
from twinscale.training.data import validation_examples
from twinscale.training.recipe import Recipe
from twinscale.training.split import split_pictures

QUALITIES = (10, 15, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95)


def terms(small: NDArray, quality: int) -> list[float]:
    """Return what bits are made of: AC coefficients, their digits, blocks, and digits of the steps between means."""
    tables = Quantisation.standard(quality)
    luma, chroma = (torch.from_numpy(table)[None] for table in (tables.luma, tables.chroma))
    picture = torch.from_numpy(small).permute(2, 0, 1)[None]
    stored = [planes.flatten(-2).abs() for planes in JPEG()(picture, luma, chroma, (2, 2)).coefficients]
    means = [planes.flatten(-2)[..., 0].diff(dim=3) for planes in JPEG()(picture, luma, chroma, (2, 2)).coefficients]
    return [
        sum(float((planes[..., 1:] > 0).sum()) for planes in stored),
        sum(float(torch.log2(1 + planes[..., 1:]).sum()) for planes in stored),
        sum(planes[..., 0].numel() for planes in stored),
        sum(float(torch.log2(1 + steps.abs()).sum()) for steps in means),
    ]


def main() -> None:
    """Measure and print."""
    training, validation, _ = split_pictures(Recipe.load("pack-jpeg-x2").data)
    made, sizes = [], []
    for planes in validation_examples(training[::6]):
        small = imresize(planes[: len(planes) // 2 * 2, : planes.shape[1] // 2 * 2], 0.5).clip(0, 1).astype(np.float32)
        for quality in QUALITIES:
            made.append(terms(small, quality))
            sizes.append(8 * len(Jpeg(quality=quality).file(small).data))
    matrix = np.array(made) / np.array(sizes)[:, None]  # so that every file counts alike
    constants, *_ = np.linalg.lstsq(matrix, np.ones(len(matrix)), rcond=None)
    error = np.sqrt(np.mean((matrix @ constants - 1) ** 2))
    print("bits per AC coefficient, digit, block, digit of a mean's step:", constants.round(2), f"to {error:.1%}\n")

    model, errors, rates = load("fast-x2"), np.zeros(len(QUALITIES)), np.zeros(len(QUALITIES))
    for planes in validation_examples(validation):
        small = imresize(planes, 0.5).clip(0, 1)
        for index, quality in enumerate(QUALITIES):
            file = Jpeg(quality=quality).file(small)
            result = run(model.enlargement, file.pixels / np.float32(255)).clip(0, 1)
            errors[index] += np.mean((result - planes) ** 2) / len(validation)
            rates[index] += file.bits_per_pixel(planes.shape[:2]) / len(validation)
    print("| from quality to quality | squared error saved per bit | the same by the mean step |")
    print("| --- | ---: | ---: |")
    for (before, after), price in zip(itertools.pairwise(QUALITIES), -np.diff(errors) / np.diff(rates), strict=True):
        step = np.mean([Quantisation.standard(quality).luma.mean() / 255 for quality in (before, after)])
        print(f"| {before}–{after} | {price:.4f} | {price / step:.3f} |")


if __name__ == "__main__":
    main()
