"""Measures all downscalers, and writes ``downscalers.md``: ``python docs/downscalers.py`` (needs the core only).

``downscalers.json`` keeps what was measured. Run again, the script measures what is missing and what has other weights
than then; times are measured anew, since only those of one run can be compared.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from twinscale.benchmark.timing import medians, random_pixels
from twinscale.codecs.rate import coded
from twinscale.datasets import find_pictures
from twinscale.evaluation.evaluate import rescaler_of
from twinscale.evaluation.looks import Looks
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.provenance import REFERENCE
from twinscale.evaluation.trial import Transform
from twinscale.images.downscaling import METHODS, downscale
from twinscale.images.levels import to_pixels
from twinscale.images.picture import Picture
from twinscale.rescale import Model, load
from twinscale.zoo import list_models

DOCS = Path(__file__).parent
KEPT, PAGE = DOCS / "downscalers.json", DOCS / "downscalers.md"
SCALES = (2, 4)
SETS = ("Set5", "Set14", "BSD100", "Kodak24")
SIDE, ROUNDS = 1024, 3  # of the picture that is timed, in pixels, and how often
TABLES = "<!-- tables: written by downscalers.py -->\n", "<!-- end of tables -->"

Means = dict[str, float | None]
"""What was measured of a downscaler, means over pictures."""


@dataclass(frozen=True)
class Downscaler:
    """A classical method, or the first network of a pair."""

    name: str
    scale: int
    pair: Model | None = None

    @property
    def weights(self) -> str | None:
        """What identifies the networks; None for a classical method."""
        return self.pair.card.digest[:16] if self.pair else None

    def reduction(self, protocol: Protocol) -> Transform:
        """What makes the small picture of what the protocol calls the truth."""
        if self.pair:
            return rescaler_of(self.pair, protocol).reduce
        return lambda truth: protocol.reduce(truth, self.name)

    def shrink(self, picture: Picture) -> None:
        """What is timed."""
        if self.pair:
            self.pair.shrink(picture)
        else:
            downscale(picture.pixels, self.scale, self.name)


def downscalers(scale: int) -> list[Downscaler]:
    """All classical methods, and all pairs that can be named and work on RGB."""
    pairs = [card for card in list_models("pair", scale=scale) if card.colour == "rgb"]
    classical = [Downscaler(method, scale) for method in METHODS]
    return [*classical, *(Downscaler(card.name, scale, load(card, REFERENCE)) for card in pairs)]


def measure(downscaler: Downscaler, dataset: str, fast: Model) -> Means:
    """Means over the pictures of a set, by the protocol for RGB networks."""
    protocol = Protocol(downscaler.scale, "rgb")
    enlargements: dict[str, Transform] = {"bicubic": protocol.enlarge, "fast": rescaler_of(fast, protocol).enlarge}
    if downscaler.pair:
        enlargements["partner"] = rescaler_of(downscaler.pair, protocol).enlarge
    reduce = downscaler.reduction(protocol)
    looks, rates, scores = [], [], []
    for path in find_pictures(dataset):
        truth = protocol.truth(Picture.read(path).planes())
        low = reduce(truth)
        small, bicubic = (to_pixels(planes, np.uint8) for planes in (low, protocol.reduce(truth)))
        looks.append(Looks.beside(small, bicubic))
        rates.append([coded(small, name).bits_per_pixel() for name in ("JPEGLS", "PNG")])
        scores.append([protocol.score(truth, enlarge(low)).psnr_y for enlarge in enlargements.values()])
    mean = Looks.mean(looks)
    return {
        **dict(zip(enlargements, np.mean(scores, axis=0).tolist(), strict=True)),
        "fidelity": mean.fidelity if np.isfinite(mean.fidelity) else None,
        "ciede2000": mean.ciede2000,
        "ciede2000_p99": mean.ciede2000_p99,
        **dict(zip(("jpegls", "png"), np.mean(rates, axis=0).tolist(), strict=True)),
    }


def times(candidates: Sequence[Downscaler]) -> dict[str, float]:
    """Milliseconds of processor time per megapixel of a full-size RGB picture of 8 bits; beside Pillow's reductions."""
    pixels = random_pixels(SIDE, SIDE)
    picture, image, scale = Picture(pixels), Image.fromarray(pixels), candidates[0].scale
    functions: dict[str, Callable[[], object]] = {
        candidate.name: lambda candidate=candidate: candidate.shrink(picture) for candidate in candidates
    }
    functions["Pillow, bicubic"] = lambda: image.resize((SIDE // scale, SIDE // scale), Image.Resampling.BICUBIC)
    functions["Pillow, area"] = lambda: image.reduce(scale)
    per = SIDE**2 / 1e6
    return dict(zip(functions, medians(ROUNDS, *functions.values(), per=per, clock=time.process_time), strict=True))


COLUMNS = {  # heading, decimals
    "bicubic": ("bicubic", 2),
    "fast": ("`fast`", 2),
    "partner": ("its partner", 2),
    "fidelity": ("fidelity", 1),
    "ciede2000": ("ΔE mean", 2),
    "ciede2000_p99": ("ΔE 99 %", 2),
    "jpegls": ("JPEG-LS", 2),
    "png": ("PNG", 2),
    "milliseconds": ("ms/MP", 0),
}


def table(rows: dict[str, Means]) -> list[str]:
    """One row for every downscaler."""
    columns = {key: column for key, column in COLUMNS.items() if any(key in row for row in rows.values())}
    heads = [heading for heading, _ in columns.values()]
    lines = ["| downscaler | " + " | ".join(heads) + " |", "| --- " + "| ---: " * len(heads) + "|"]
    for name, row in rows.items():
        cells = ["–" if row.get(key) is None else f"{row[key]:.{digits}f}" for key, (_, digits) in columns.items()]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines


def mean_over(sets: Sequence[Means]) -> Means:
    """The mean of what was measured on several sets, each counting as much; None where one has none."""
    values = {key: [means[key] for means in sets] for key in sets[0]}
    return {key: None if None in column else float(np.mean(column)) for key, column in values.items()}


def page(kept: dict[str, Any], sets: Sequence[str], speeds: dict[int, dict[str, float]]) -> str:
    """The tables of all scales: the mean over the sets, with times, then each set."""
    lines: list[str] = []
    for scale, milliseconds in speeds.items():
        names = [name for name in milliseconds if not name.startswith("Pillow")]
        rows = {dataset: {name: kept[f"{name} x{scale} {dataset}"]["means"] for name in names} for dataset in sets}
        over_all = {
            name: mean_over([rows[dataset][name] for dataset in sets]) | {"milliseconds": milliseconds[name]}
            for name in names
        }
        pillow = ", ".join(f"{name} {ms:.0f}" for name, ms in milliseconds.items() if name.startswith("Pillow"))
        lines += [f"## x{scale}", "", f"Mean over {', '.join(sets)}. Beside them: {pillow} ms/MP.", ""]
        lines += [*table(over_all), ""]
        for dataset in sets:
            lines += [f"### {dataset}, x{scale}", "", *table(rows[dataset]), ""]
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS, help="sets of pictures")
    parser.add_argument("--again", nargs="*", default=(), metavar="NAME", help="downscalers to measure anew")
    arguments = parser.parse_args()
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    speeds = {}
    for scale in SCALES:
        fast = load(f"fast-x{scale}", REFERENCE)
        candidates = downscalers(scale)
        speeds[scale] = times(candidates)
        for candidate in candidates:
            weights = [candidate.weights, fast.card.digest[:16]]
            for dataset in arguments.sets:
                key = f"{candidate.name} x{scale} {dataset}"
                if kept.get(key, {}).get("weights") == weights and candidate.name not in arguments.again:
                    continue
                print(f"measuring {key}", file=sys.stderr)
                kept[key] = {"weights": weights, "means": measure(candidate, dataset, fast)}
                KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    start, end = TABLES
    before, rest = PAGE.read_text().split(start)
    PAGE.write_text(f"{before}{start}{page(kept, arguments.sets, speeds)}{end}{rest.split(end)[1]}")


if __name__ == "__main__":
    main()
