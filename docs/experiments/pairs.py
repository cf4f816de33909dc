"""What pairs make of colours, grey pictures and drawings: ``python docs/experiments/pairs.py PAIR ...``.

Prints a table of ``docs/experiments/dsn.md``: PSNR over all channels of what is restored, and the colour difference
between small pictures and bicubic ones, on the validation pictures of the default pair, on the same in grey, and
on drawings that no pair has seen (``training/synthetic.py``); then PSNR of the photographs' outermost pixels, and the
largest error on pictures of one colour. The first row is bicubic reduction, enlarged by ``fast``. Draws
``colours-xN.png``, what false colours buy. Needs the papers extra, the training pictures (``TWINSCALE_DATA``) and
pairs of one scale, by their names or folders.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinscale.drawings import TradeOff
from twinscale.evaluation.looks import Looks
from twinscale.images.colour import LUMA
from twinscale.images.downscaling import downscale
from twinscale.images.levels import to_pixels
from twinscale.images.metrics import psnr
from twinscale.images.picture import Picture
from twinscale.rescale import load
from twinscale.training.data import validation_examples
from twinscale.training.recipe import Recipe
from twinscale.training.split import split_pictures
from twinscale.training.synthetic import draw

HERE = Path(__file__).parent
KINDS = ("text", "flats", "lines", "gradients")
DRAWINGS, SEED = 10, 1  # of each kind; recipes draw with seed 0
BORDER = 8  # pixels
PLAIN = [(r, g, b) for r in (0, 128, 255) for g in (0, 128, 255) for b in (0, 128, 255)]
MULTIPLE = 12  # sides are multiples of every scale

Pixels = NDArray[np.uint8]


def as_grey(pixels: Pixels) -> Pixels:
    """Return the luma of RGB, ``(H, W, 1)``."""
    return np.round(pixels @ np.array(LUMA))[:, :, None].astype(np.uint8)


def mean_psnr(truths: list[Pixels], results: list[Pixels]) -> float:
    """Return the mean over pictures, in dB."""
    return float(np.mean([psnr(truth, result) for truth, result in zip(truths, results, strict=True)]))


def photographs(scale: int) -> list[Pixels]:
    """Return the validation pictures of the default pair."""
    paths = split_pictures(Recipe.load(f"twin-x{scale}").data)[1]
    pictures = [to_pixels(planes, np.uint8) for planes in validation_examples(paths)]
    return [
        pixels[: len(pixels) // MULTIPLE * MULTIPLE, : pixels.shape[1] // MULTIPLE * MULTIPLE] for pixels in pictures
    ]


def border(pixels: Pixels) -> Pixels:
    """Return the outermost pixels, one after another."""
    inside = np.zeros(pixels.shape[:2], bool)
    inside[BORDER:-BORDER, BORDER:-BORDER] = True
    outermost: Pixels = pixels[~inside][None]
    return outermost


def main() -> None:
    """Measure, print, draw."""
    models = [load(name) for name in sys.argv[1:]]
    scale = int(models[0].card.scale)
    fast = load(f"fast-x{scale}")
    drawings = draw(DRAWINGS * len(KINDS), SEED)
    photos = photographs(scale)
    sets = {"photographs": photos, "grey": [as_grey(pixels) for pixels in photos]}
    sets |= {kind: [each[:252, :252] for each in drawings[number :: len(KINDS)]] for number, kind in enumerate(KINDS)}

    def bicubic(pixels: Pixels) -> Picture:
        return Picture(downscale(pixels, scale, "bicubic"))

    def row(
        name: str, shrink: Callable[[Pixels], Picture], enlarge: Callable[[Picture], Picture]
    ) -> tuple[float, float]:
        """Print a row; return the colour difference and the PSNR of photographs."""
        restored = {kind: [enlarge(shrink(each)).pixels for each in pixels] for kind, pixels in sets.items()}
        scores = {kind: mean_psnr(sets[kind], pixels) for kind, pixels in restored.items()}
        at_border = mean_psnr([border(each) for each in photos], [border(each) for each in restored["photographs"]])
        plain = [np.full((96, 96, 3), colour, np.uint8) for colour in PLAIN]
        worst = max(int(np.abs(enlarge(shrink(each)).pixels - each.astype(int)).max()) for each in plain)
        looks = Looks.mean([Looks.beside(shrink(each).pixels, bicubic(each).pixels) for each in photos])
        columns = [f"{db:.2f} |" for db in (*scores.values(), at_border)]
        print(f"| {name} | {looks.ciede2000:.1f} / {looks.ciede2000_p99:.1f} |", *columns, f"{worst} |")
        return looks.ciede2000_p99, scores["photographs"]

    print("| | ΔE mean / 99 % |", *(f"{name} |" for name in (*sets, "border", "flats, levels")))
    print("| --- |" + " ---: |" * (len(sets) + 3))
    row(f"bicubic, `fast-x{scale}`", bicubic, fast.enlarge)
    points = {
        Path(name).name: row(f"`{name}`", lambda pixels, model=model: model.shrink(Picture(pixels)), model.enlarge)
        for name, model in zip(sys.argv[1:], models, strict=True)
    }
    x = "colour difference to bicubic, CIEDE2000, 99th percentile"
    TradeOff(points, x, "photographs, restored (dB)").save(HERE / f"colours-x{scale}.png")


if __name__ == "__main__":
    main()
