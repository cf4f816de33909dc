"""Measures what is gained on JPEGs, and writes the tables of ``jpeg.md``: ``python docs/jpeg.py``; needs the core only.

Pictures go through the library as they do for its users: as the bytes of a JPEG file. ``jpeg.json`` keeps what was
measured; run again, the script measures what is missing and what was made by other weights. ``--sets`` and ``--first``
make it quicker, for a look.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinscale import Picture, Runtime, repair, upscale
from twinscale.codecs.codec import Options, Subsampling
from twinscale.codecs.rate import coded
from twinscale.datasets import find_pictures
from twinscale.errors import TwinscaleError
from twinscale.images.colour import luminance
from twinscale.images.metrics import psnr
from twinscale.images.resize import imresize
from twinscale.rescale.upscale import resized
from twinscale.zoo import DEFAULT_REPAIRER, families, load_card

DOCS = Path(__file__).parent
KEPT, PAGE = DOCS / "jpeg.json", DOCS / "jpeg.md"
TABLES = "<!-- tables: written by jpeg.py -->\n", "<!-- end of tables -->"
RUNTIME = Runtime(backend="onnxruntime", device="cpu")
USUAL, FINE, COARSE = (30, 50, 75, 90, 95), (80, 85, 90, 95, 98), (10, 20, 30, 50, 75, 90, 95, 98)
SEPARATE, AGAIN = f"{DEFAULT_REPAIRER}, fast", f"{DEFAULT_REPAIRER}, saved again"
WAYS = {  # the networks of each
    "as it is": (),
    "bicubic": (),
    "fast": ("fast",),
    "best": ("best",),
    "jpeg": ("jpeg",),
    SEPARATE: (DEFAULT_REPAIRER, "fast"),
    DEFAULT_REPAIRER: (DEFAULT_REPAIRER,),
    AGAIN: (DEFAULT_REPAIRER,),
}

Scores = dict[str, float]
"""PSNR in dB, ``rgb`` and ``y``, means over the pictures of a set."""


@dataclass(frozen=True)
class Case:
    """One way to treat JPEGs of one kind: pictures of a set are reduced by the scale, saved, and treated."""

    way: str
    scale: int
    dataset: str
    quality: int
    subsampling: Subsampling = "4:2:0"

    @property
    def key(self) -> str:
        """What the result is kept under."""
        return f"{self.way} | x{self.scale} | {self.dataset} | {self.quality} {self.subsampling}"

    @property
    def weights(self) -> list[str] | None:
        """What identifies the networks; None if one is not installed."""
        try:
            return [load_card(name, self.scale).digest[:16] for name in WAYS[self.way]]
        except TwinscaleError:
            return None

    def treated(self, data: bytes) -> Picture:
        """Return what becomes of the bytes of a JPEG."""
        picture = Picture.read(data)
        if self.way == "as it is":
            return picture
        if self.way == "bicubic":
            return resized(picture, (picture.height * self.scale, picture.width * self.scale))
        if self.way in families():
            return upscale(picture, self.scale, model=self.way, runtime=RUNTIME)
        repaired = repair(picture, runtime=RUNTIME)
        if self.way == SEPARATE:
            return upscale(repaired, self.scale, model="fast", runtime=RUNTIME)
        return Picture.read(repaired.encode("JPEG")) if self.way == AGAIN else repaired


def measure(cases: Sequence[Case], first: int | None) -> dict[str, Scores]:
    """Measure cases that differ only in the way, so that each JPEG is made once."""
    case = cases[0]
    scores: dict[str, list[tuple[float, float]]] = {each.key: [] for each in cases}
    for path in find_pictures(case.dataset)[:first]:
        truth = Picture.read(path).pixels
        if truth.shape[2] == 1:
            continue  # this is about colour
        truth = truth[: len(truth) // case.scale * case.scale, : truth.shape[1] // case.scale * case.scale]
        small = truth if case.scale == 1 else imresize(truth, 1 / case.scale)
        data = coded(small, "JPEG", case.quality, Options(subsampling=case.subsampling)).data
        for each in cases:
            ours = each.treated(data).pixels
            scores[each.key].append((psnr(truth, ours), psnr(*(luminance(p / 255) * 255 for p in (truth, ours)))))
    return {
        key: dict(zip(("rgb", "y"), np.mean(values, axis=0).tolist(), strict=True)) for key, values in scores.items()
    }


Found = Callable[[Case], Scores | None]
"""What was measured of a case; None of one whose network is not installed."""


def _gain(found: Found, case: Case, baseline: Case) -> str:
    ours, theirs = found(case), found(baseline)
    if ours is None or theirs is None:
        return "–"
    return f"{ours['rgb'] - theirs['rgb']:+.2f} / {ours['y'] - theirs['y']:+.2f}"


def _level(found: Found, case: Case) -> str:
    scores = found(case)
    return "–" if scores is None else f"{scores['rgb']:.2f} / {scores['y']:.2f}"


def _table(heads: Sequence[str], rows: Iterator[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(heads) + " |",
        "| ---: " * len(heads) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def enlarged(found: Found, dataset: str, scale: int, ways: Sequence[str], qualities: Sequence[int]) -> list[str]:
    """What each way gains over bicubic enlargement."""

    def rows() -> Iterator[list[str]]:
        for quality in qualities:
            bicubic = Case("bicubic", scale, dataset, quality)
            gains = (_gain(found, Case(way, scale, dataset, quality), bicubic) for way in ways)
            yield [str(quality), _level(found, bicubic), *gains]

    return _table(["quality", "bicubic", *(f"`{way}`" for way in ways)], rows())


def fine(found: Found, dataset: str) -> list[str]:
    """The finest JPEGs: from which quality on the JPEG family does no better than the default one."""

    def rows() -> Iterator[list[str]]:
        for quality in FINE:
            for subsampling in ("4:2:0", "4:4:4"):
                gains = []
                for scale in (2, 4):
                    ways = (Case(way, scale, dataset, quality, subsampling) for way in ("jpeg", "fast"))
                    gains.append(_gain(found, *ways))
                yield [f"{quality}, {subsampling}", *gains]

    return _table(["quality", "x2", "x4"], rows())


def repaired(found: Found, dataset: str) -> list[str]:
    """What repair gains, and what of it is left if the result is saved as a JPEG once more."""

    def rows() -> Iterator[list[str]]:
        for quality in COARSE:
            before = Case("as it is", 1, dataset, quality)
            ways = (DEFAULT_REPAIRER, AGAIN)
            yield [
                str(quality),
                _level(found, before),
                *(_gain(found, Case(w, 1, dataset, quality), before) for w in ways),
            ]

    return _table(["quality", "JPEG", f"`{DEFAULT_REPAIRER}`", "saved as JPEG again"], rows())


def page(found: Found, sets: Sequence[str]) -> str:
    """All tables."""
    large = sets[0]
    lines = []
    for scale in (2, 4):
        lines += [
            f"### Enlarged, x{scale}",
            "",
            f"{large}, reduced to 1/{scale} and saved (4:2:0): bicubic, and gains.",
            "",
        ]
        lines += enlarged(found, large, scale, ("fast", "best", "jpeg"), USUAL)
    lines += ["### Enlarged, x3", "", f"{large}: `jpeg-x4` and a bicubic reduction, beside other ways.", ""]
    lines += enlarged(found, large, 3, ("fast", SEPARATE, "jpeg"), (30, 75, 95))
    lines += ["### The finest JPEGs", "", f"{large}: what `jpeg` gains over `fast`.", "", *fine(found, large)]
    for dataset in sets:
        lines += [f"### Repaired, {dataset}", "", "The JPEG itself (4:2:0), and gains.", "", *repaired(found, dataset)]
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sets", nargs="+", default=("Kodak24", "Set5"), help="sets of pictures; enlarged is the first"
    )
    parser.add_argument("--first", type=int, help="look at so many pictures of each set only; nothing is kept")
    arguments = parser.parse_args()
    kept: dict[str, dict] = json.loads(KEPT.read_text()) if KEPT.exists() and not arguments.first else {}
    asked: dict[str, Case] = {}

    def ask(case: Case) -> None:
        asked[case.key] = case

    page(ask, arguments.sets)  # finds out which cases the tables show
    groups: dict[tuple, list[Case]] = {}
    for case in asked.values():
        if case.weights is not None and kept.get(case.key, {}).get("weights") != case.weights:
            groups.setdefault((case.scale, case.dataset, case.quality, case.subsampling), []).append(case)
    for number, cases in enumerate(groups.values(), start=1):
        print(f"{number} of {len(groups)}: {', '.join(case.key for case in cases)}", file=sys.stderr)
        for case, scores in zip(cases, measure(cases, arguments.first).values(), strict=True):
            kept[case.key] = {"weights": case.weights, **scores}
        if not arguments.first:
            KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    tables = page(lambda case: kept.get(case.key), arguments.sets)
    if arguments.first:
        print(tables)
        return
    start, end = TABLES
    before, rest = PAGE.read_text().split(start)
    PAGE.write_text(f"{before}{start}\n{tables}\n{end}{rest.split(end)[1]}")


if __name__ == "__main__":
    main()
