"""Tables 1 and 2 and Fig. 4 and 7 to 10: SRCNN beside the other methods."""

import statistics
from collections.abc import Iterator, Mapping

import numpy as np

from twinscale.datasets import find_pictures
from twinscale.drawings import GroupedTradeOff, SideBySide
from twinscale.evaluation.protocol import Protocol
from twinscale.images.colour import rgb_to_ycbcr, ycbcr_to_rgb
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value, table
from twinscale.papers.reproduction import Reproduction
from twinscale.papers.srcnn.methods import (
    MEASURED,
    METHODS,
    Results,
    enlargers,
    lead,
    measured_results,
    published_results,
)


def _per_picture(title: str, published: Results, ours: Results) -> Iterator[Block]:
    """Yield tables of PSNR and time for every picture, theirs beside ours."""
    for quantity, printed, measured in zip(("PSNR (dB)", "seconds"), published, ours, strict=True):
        methods = list(printed["average"])
        both = [method for method in MEASURED if method in methods]
        lines = [["picture", *methods, *(f"{method}, ours" for method in both)]]
        lines.append(["---"] + ["---:"] * (len(lines[0]) - 1))
        for picture, row in printed.items():
            figures = [*row.values(), *(measured[picture][method] for method in both)]
            lines.append([picture, *(f"{figure:.2f}" for figure in figures)])
        yield f"**{title}, {quantity}**\n\n" + table(lines)


def _averages(title: str, tables: Mapping[str, tuple[Results, Results]]) -> Comparison:
    """Compare the last lines of published tables with ours."""
    rows = [
        ComparisonRow((name, method), Value(psnr), Value.or_none(ours.psnr["average"].get(method)))
        for name, (published, ours) in tables.items()
        for method, psnr in published.psnr["average"].items()
    ]
    return Comparison(title, ("", "method"), "dB", rows)


def _highest_average(tables: Mapping[str, tuple[Results, Results]]) -> Claim:
    averages = {name: [ours.psnr["average"][m] for m in MEASURED] for name, (_, ours) in tables.items()}
    return Claim(
        "SRCNN has the highest average, ANR comes next, bicubic enlargement last",
        all(bicubic < anr < srcnn for bicubic, anr, srcnn in averages.values()),
        "; ".join(f"{name}: {', '.join(f'{psnr:.2f}' for psnr in psnrs[::-1])} dB" for name, psnrs in averages.items()),
    )


def _leads(tables: Mapping[str, tuple[Results, Results]]) -> Comparison:
    rows = [
        ComparisonRow((name,), Value(lead(published)), Value(lead(ours))) for name, (published, ours) in tables.items()
    ]
    return Comparison("SRCNN's lead over the next best, average", ("",), "dB", rows)


def table_1(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 1."""
    tables = {
        f"x{scale}": (published_results("table-1", scale), measured_results(reproduction, "Set5", scale))
        for scale in (2, 3, 4)
    }
    yield _averages("Average over Set5", tables)
    yield _highest_average(tables)
    for picture in ("baby", "head"):
        leads = [lead(measured, picture) for _, measured in tables.values()]
        yield Claim(
            f"On *{picture}* SRCNN is not the best",
            max(leads) < 0,
            "its lead over ANR at x2, x3 and x4: " + ", ".join(f"{each:+.2f} dB" for each in leads),
        )
    yield _leads(tables)
    for name, (published, measured) in tables.items():
        yield from _per_picture(f"Set5 {name}", published, measured)
    yield _HOW_MEASURED


def table_2(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 2."""
    published, ours = published_results("table-2", 3), measured_results(reproduction, "Set14", 3)
    tables = {"x3": (published, ours)}
    yield _averages("Average over Set14", tables)
    yield _highest_average(tables)
    yield Claim("SRCNN leads by 0.3 dB or more on average", lead(ours) >= 0.3, f"{lead(ours):+.2f} dB")
    yield _leads(tables)
    yield from _per_picture("Set14 x3", published, ours)
    yield _HOW_MEASURED


_HOW_MEASURED = (
    "SRCNN, ours, is the shipped `srcnn-x2`, `-x3` or `-x4`, whose card states its data and training (`twinscale "
    "models show srcnn-x3`); ANR, ours, learnt from T91 as `twinscale.papers.srcnn.anr` says. Seconds, ours, were "
    "measured on the machine that wrote this page, bicubic enlargement included. The other methods' figures are the "
    "paper's."
)


def figure_4(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 4."""
    published, ours = published_results("table-2", 3), measured_results(reproduction, "Set14", 3)
    groups = {
        machine: {
            method: (time, results.psnr["average"][method]) for method, time in results.seconds["average"].items()
        }
        for machine, results in (("published", published), ("ours", ours))
    }
    yield Figure(
        "srcnn-fig-4.png",
        "Accuracy against time: the paper's machine, and ours.",
        GroupedTradeOff(groups, "seconds per picture", "Set14 x3, PSNR (dB)"),
    )
    theirs, here = published.seconds["average"], ours.seconds["average"]
    rows = [
        ComparisonRow((method,), Value.or_none(theirs.get(method)), Value.or_none(here.get(method)))
        for method in METHODS
    ]
    yield Comparison("Time per picture, average over Set14 x3", ("method",), "s", rows)
    yield Claim(
        "SRCNN is faster than ANR, the fastest of the others",
        here["SRCNN"] < here["ANR"],
        f"ANR takes {here['ANR'] / here['SRCNN']:.1f} times as long; in the paper "
        f"{theirs['ANR'] / theirs['SRCNN']:.1f} times",
    )
    read = {path.stem: Picture.read(path) for path in find_pictures("Set14")}
    sizes = {name: float(picture.height * picture.width) for name, picture in read.items()}
    correlation = statistics.correlation([*sizes.values()], [ours.seconds[picture]["SRCNN"] for picture in sizes])
    yield Claim("SRCNN's time is linear in the picture's size", correlation > 0.95, f"correlation {correlation:.3f}")
    yield (
        "The paper times the others' MATLAB code and its own C++ on a CPU of 3.1 GHz. Here ANR is NumPy, with search "
        "and regressions as products of large matrices, and SRCNN runs in ONNX Runtime; both include the bicubic "
        "enlargement that they start from."
    )


# What is shown of scikit-image's pictures: rows and columns.
_DETAILS = {
    "astronaut": (slice(60, 180), slice(165, 285)),
    "chelsea": (slice(90, 210), slice(120, 240)),
    "coffee": (slice(60, 180), slice(380, 500)),
}


def figures_7_to_10(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 7 to 10."""
    import skimage.data

    protocol, methods = Protocol(3, "y"), enlargers(reproduction, 3)
    shown, reached = [], []
    for name, detail in _DETAILS.items():
        planes = to_planes(getattr(skimage.data, name)())
        height, width = (side // 3 * 3 for side in planes.shape[:2])
        ycbcr = rgb_to_ycbcr(planes[:height, :width].astype(np.float64))
        small = imresize(ycbcr, 1 / 3)
        chroma = imresize(small[:, :, 1:], 3)
        row, psnr = {f"{name}, original": to_pixels(planes, np.uint8)[detail]}, {}
        for method, enlarge in methods.items():
            y = enlarge(small[:, :, :1])
            psnr[method] = protocol.score(ycbcr[:, :, :1], y).psnr_y
            rgb = ycbcr_to_rgb(np.concatenate((y, chroma), axis=2))
            row[f"{method}: {psnr[method]:.2f} dB"] = to_pixels(rgb, np.uint8)[detail]
        shown.append(row)
        reached.append([psnr[method] for method in MEASURED])
    yield Figure(
        "srcnn-fig-7.png",
        "Details of scikit-image's pictures x3, in place of *pepper*, *butterfly*, *bird* and *baby*; each pixel is "
        "shown as 2x2, PSNR is of the whole picture's luminance, chrominance is bicubic.",
        SideBySide(shown, zoom=2),
    )
    yield Claim(
        "SRCNN is closest to the original",
        all(bicubic < anr < srcnn for bicubic, anr, srcnn in reached),
        "its lead over ANR: " + ", ".join(f"{srcnn - anr:+.2f} dB" for _, anr, srcnn in reached),
    )
    yield "SRCNN is the shipped `srcnn-x3`; that its edges are sharper is for the eye to judge."
