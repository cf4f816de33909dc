"""Dong, Loy, He, Tang, "Learning a Deep Convolutional Network for Image Super-Resolution", beside what it published."""

import functools
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from twinscale import plots
from twinscale.benchmark.timing import medians
from twinscale.datasets import find_pictures
from twinscale.engine import Operation, run
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.trial import Rescaler, Trial
from twinscale.images.colour import rgb_to_ycbcr, ycbcr_to_rgb
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.nets.srcnn import SRCNN
from twinscale.papers.anr import ANR
from twinscale.papers.desk import Desk, Trained, multiply_adds, planes_of, untrained
from twinscale.papers.report import Block, Claim, Comparison, Drawing, Item, Paper, Row, Value, table
from twinscale.rescale import load
from twinscale.training.build import build
from twinscale.training.data import split_pictures, validation_examples
from twinscale.training.export import load_weights
from twinscale.training.recipe import Recipe
from twinscale.training.rescaler import exported
from twinscale.training.runs import in_proportion
from twinscale.training.validation import validate
from twinscale.zoo import load_card

Table = dict[str, dict[str, float]]
"""By picture, ``average`` the last, and by method."""

METHODS = ("bicubic", "SC", "K-SVD", "NE+NNLS", "NE+LLE", "ANR", "SRCNN")
MEASURED = ("bicubic", "ANR", "SRCNN")


class Results(NamedTuple):
    """What methods reached on the pictures of a set; a method that was not measured is missing."""

    psnr: Table
    """dB on luminance."""
    seconds: Table


def _as_printed(table: str) -> Results:
    """A published table: a line has the picture, then PSNR and time of every method, ``-`` where there is none."""
    results = Results({}, {})
    for line in table.strip().splitlines():
        picture, *cells = line.split()
        for quantity, figures in zip(results, (cells[::2], cells[1::2]), strict=True):
            quantity[picture] = {m: float(f) for m, f in zip(METHODS, figures, strict=True) if f != "-"}
    return results


# Table 1: Set5, PSNR in dB and seconds, by scale.
TABLE_1: dict[int, Results] = {
    2: _as_printed("""
        baby       37.07 -   - -   38.25 7.0   38.00 68.6   38.33 13.6   38.44 2.1   38.30 0.38
        bird       36.81 -   - -   39.93 2.2   39.41 22.5   40.00 4.2   40.04 0.62   40.64 0.14
        butterfly  27.43 -   - -   30.65 1.8   30.03 16.6   30.38 3.3   30.48 0.50   32.20 0.10
        head       34.86 -   - -   35.59 2.1   35.48 19.2   35.63 3.8   35.66 0.57   35.64 0.13
        woman      32.14 -   - -   34.49 2.1   34.24 19.3   34.52 3.8   34.55 0.57   34.94 0.13
        average    33.66 -   - -   35.78 3.03   35.43 29.23   35.77 5.74   35.83 0.87   36.34 0.18
    """),
    3: _as_printed("""
        baby       33.91 -   34.29 76.0   35.08 3.3   34.77 28.3   35.06 6.0   35.13 1.3   35.01 0.38
        bird       32.58 -   34.11 30.4   34.57 1.0   34.26 8.9   34.56 1.9   34.60 0.39   34.91 0.14
        butterfly  24.04 -   25.58 26.8   25.94 0.81   25.61 7.0   25.75 1.4   25.90 0.31   27.58 0.10
        head       32.88 -   33.17 21.3   33.56 1.0   33.45 8.2   33.60 1.7   33.63 0.35   33.55 0.13
        woman      28.56 -   29.94 25.1   30.37 1.0   29.89 8.7   30.22 1.9   30.33 0.37   30.92 0.13
        average    30.39 -   31.42 35.92   31.90 1.42   31.60 12.21   31.84 2.58   31.92 0.54   32.39 0.18
    """),
    4: _as_printed("""
        baby       31.78 -   - -   33.06 2.4   32.81 16.2   32.99 3.6   33.03 0.85   32.98 0.38
        bird       30.18 -   - -   31.71 0.68   31.51 4.7   31.72 1.1   31.82 0.27   31.98 0.14
        butterfly  22.10 -   - -   23.57 0.50   23.30 3.8   23.38 0.90   23.52 0.24   25.07 0.10
        head       31.59 -   - -   32.21 0.68   32.10 4.5   32.24 1.1   32.27 0.27   32.19 0.13
        woman      26.46 -   - -   27.89 0.66   27.61 4.3   27.72 1.1   27.80 0.28   28.21 0.13
        average    28.42 -   - -   29.69 0.98   29.47 6.71   29.61 1.56   29.69 0.38   30.09 0.18
    """),
}

# Table 2: Set14 x3, likewise.
TABLE_2 = _as_printed("""
    baboon      23.21 -   23.47 126.3   23.52 3.6   23.49 29.0   23.55 5.6   23.56 1.1   23.60 0.40
    barbara     26.25 -   26.39 127.9   26.76 5.5   26.67 47.6   26.74 9.8   26.69 1.7   26.66 0.70
    bridge      24.40 -   24.82 152.7   25.02 3.3   24.86 30.4   24.98 5.9   25.01 1.1   25.07 0.44
    coastguard  26.55 -   27.02 35.6   27.15 1.3   27.00 11.6   27.07 2.6   27.08 0.45   27.20 0.17
    comic       23.12 -   23.90 54.5   23.96 1.2   23.83 11.0   23.98 2.0   24.04 0.42   24.39 0.15
    face        32.82 -   33.11 20.4   33.53 1.1   33.45 8.3   33.56 1.7   33.62 0.34   33.58 0.13
    flowers     27.23 -   28.25 76.4   28.43 2.3   28.21 20.2   28.38 4.0   28.49 0.81   28.97 0.30
    foreman     31.18 -   32.04 25.9   33.19 1.3   32.87 10.8   33.21 2.2   33.23 0.44   33.35 0.17
    lenna       31.68 -   32.64 68.4   33.00 3.3   32.82 29.3   33.01 6.0   33.08 1.1   33.39 0.44
    man         27.01 -   27.76 111.2   27.90 3.4   27.72 29.5   27.87 6.1   27.92 1.1   28.18 0.44
    monarch     29.43 -   30.71 112.1   31.10 4.9   30.76 43.3   30.95 8.8   31.09 1.6   32.39 0.66
    pepper      32.39 -   33.32 66.3   34.07 3.3   33.56 28.9   33.80 6.6   33.82 1.1   34.35 0.44
    ppt3        23.71 -   24.98 96.1   25.23 4.0   24.81 36.0   24.94 7.8   25.03 1.4   26.02 0.58
    zebra       26.63 -   27.95 114.4   28.49 2.9   28.12 26.3   28.31 5.5   28.43 1.0   28.87 0.38
    average     27.54 -   28.31 84.88   28.67 2.95   28.44 25.87   28.60 5.35   28.65 0.97   29.00 0.39
""")

# Table 3: average over Set5 x3 by (n1, n2), in dB and seconds, trained on ImageNet.
TABLE_3: dict[tuple[int, ...], tuple[float, float | None]] = {
    (128, 64): (32.60, 0.60),
    (64, 32): (32.52, 0.18),
    (32, 16): (32.26, 0.05),
}
# Section 5.4: the same by (f1, f2, f3), where the time of the larger is not given.
FILTER_SIZES: dict[tuple[int, ...], tuple[float, float | None]] = {(9, 1, 5): (32.52, 0.18), (11, 1, 7): (32.57, None)}

_PICTURES = {"t91": ["T91"], "all": ["OpenPhotos", "CameraPhotos", "T91", "BSDS200"]}  # all: in place of ImageNet
_SHARES = (1 / 300, 1 / 100, 1 / 30, 1 / 15, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1)  # of a training, where Set5 is measured
_PUBLISHED = TABLE_1[3].psnr["average"]
_BACKPROPAGATIONS = 8e8  # the paper's training


def _recipe(pictures: str, scale: int = 3, **parameters: list[int] | str) -> Recipe:
    """Our recipe on other pictures, ten of T91 set apart as by the paper's recipe, perhaps for another network."""
    base, of_paper = Recipe.load(f"srcnn-x{scale}"), Recipe.load(f"paper-srcnn-x{scale}")
    details = ["-".join(map(str, [given] if isinstance(given, str) else given)) for given in parameters.values()]
    return replace(
        base,
        name="-".join([f"srcnn-x{scale}", pictures, *details]),
        network=replace(base.network, parameters={**base.network.parameters, **parameters}),
        data=replace(base.data, train=_PICTURES[pictures], validation=of_paper.data.validation),
    )


def _paper_recipe() -> Recipe:
    """The paper's recipe for x3 in batches, which it does not name, of as many pixels as ours: a step costs as much."""
    base = Recipe.load("paper-srcnn-x3")
    data = replace(base.data, batch=16)
    return replace(
        base, data=data, optimisation=replace(base.optimisation, steps=round(_BACKPROPAGATIONS / data.batch))
    )


def _measured_at(recipe: Recipe) -> list[int]:
    return [max(1, round(share * recipe.optimisation.steps)) for share in _SHARES]


def _trained(desk: Desk, recipe: Recipe) -> Trained:
    return desk.trained(recipe, snapshots=_measured_at(recipe))


def _network(desk: Desk, recipe: Recipe, at: int | None = None) -> SRCNN:
    network = desk.network(recipe, at)
    assert isinstance(network, SRCNN)
    return network


def _convergence(desk: Desk, recipe: Recipe) -> list[tuple[float, float]]:
    """Backpropagations, that is crops learnt from, and PSNR on Set5 in dB."""
    steps, made, pictures = recipe.optimisation.steps, _trained(desk, recipe), planes_of("Set5")
    points = {
        in_proportion(step, steps, made.steps) * recipe.data.batch: _psnr(
            _network(desk, recipe, step), recipe, pictures
        )
        for step in _measured_at(recipe)
    }
    return list(points.items())


def _psnr(network: SRCNN, recipe: Recipe, pictures: list[NDArray]) -> float:
    """Mean over pictures in dB by the protocol, whatever blur the recipe trains on."""
    return validate(network, pictures, replace(recipe, data=replace(recipe.data, blur=0.0))).psnr_y


def _first_above(points: list[tuple[float, float]], level: float) -> float | None:
    """The first of the points whose value is above a level."""
    return next((x for x, y in points if y > level), None)


def _methods(desk: Desk, scale: int) -> dict[str, Callable[[NDArray], NDArray]]:
    """What enlarges luminance ``(H, W, 1)`` here, by name."""
    network, anr = load(f"srcnn-x{scale}").enlargement, _anr(desk, scale)
    return {
        "bicubic": lambda low: imresize(low, scale),
        "ANR": anr,
        "SRCNN": lambda low: run(network, low.astype(np.float32), dtype=np.float32),
    }


def _anr(desk: Desk, scale: int) -> ANR:
    """ANR of T91, learnt once for the folder of the runs."""
    path = desk.folder.parent / "runs" / f"anr-x{scale}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        protocol = Protocol(scale, "y")
        ANR.fit((protocol.truth(planes) for planes in planes_of("T91")), scale).save(path)
    return ANR.load(path)


@functools.cache
def _measured(desk: Desk, dataset: str, scale: int) -> Results:
    """What runs here, on the small pictures of the protocol."""
    protocol, methods = Protocol(scale, "y"), _methods(desk, scale)
    results = Results({}, {})
    for path in find_pictures(dataset):
        planes = Picture.read(path).planes()
        psnr, seconds = (quantity.setdefault(path.stem.removesuffix("_GT"), {}) for quantity in results)
        for name, enlarge in methods.items():
            trial = Trial.of(Rescaler(protocol.reduce, enlarge), protocol, planes)
            psnr[name], seconds[name] = trial.scores(protocol).psnr_y, trial.seconds
    for quantity in results:
        rows = list(quantity.values())
        quantity["average"] = {name: statistics.mean(row[name] for row in rows) for name in methods}
    return results


def _per_picture(title: str, published: Results, ours: Results) -> Iterator[Block]:
    """PSNR and time of every picture, theirs beside ours."""
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
    """The last lines of published tables beside ours."""
    rows = [
        Row((name, method), Value(psnr), _value(ours.psnr["average"].get(method)))
        for name, (published, ours) in tables.items()
        for method, psnr in published.psnr["average"].items()
    ]
    return Comparison(title, ("", "method"), "dB", rows)


def _value(figure: float | None) -> Value | None:
    return None if figure is None else Value(figure)


def _highest_average(tables: Mapping[str, tuple[Results, Results]]) -> Claim:
    averages = {name: [ours.psnr["average"][m] for m in MEASURED] for name, (_, ours) in tables.items()}
    return Claim(
        "SRCNN has the highest average, ANR comes next, bicubic enlargement last",
        all(bicubic < anr < srcnn for bicubic, anr, srcnn in averages.values()),
        "; ".join(f"{name}: {', '.join(f'{psnr:.2f}' for psnr in psnrs[::-1])} dB" for name, psnrs in averages.items()),
    )


def lead(results: Results, picture: str = "average") -> float:
    """By how many dB SRCNN is ahead of the best other method."""
    others = [psnr for method, psnr in results.psnr[picture].items() if method != "SRCNN"]
    return results.psnr[picture]["SRCNN"] - max(others)


def _leads(tables: Mapping[str, tuple[Results, Results]]) -> Comparison:
    rows = [Row((name,), Value(lead(published)), Value(lead(ours))) for name, (published, ours) in tables.items()]
    return Comparison("SRCNN's lead over the next best, average", ("",), "dB", rows)


def _table_1(desk: Desk) -> Iterator[Block]:
    ours = {scale: _measured(desk, "Set5", scale) for scale in TABLE_1}
    tables = {f"x{scale}": (TABLE_1[scale], ours[scale]) for scale in TABLE_1}
    yield _averages("Average over Set5", tables)
    yield _highest_average(tables)
    for picture in ("baby", "head"):
        leads = [lead(measured, picture) for measured in ours.values()]
        yield Claim(
            f"On *{picture}* SRCNN is not the best",
            max(leads) < 0,
            "its lead over ANR at x2, x3 and x4: " + ", ".join(f"{each:+.2f} dB" for each in leads),
        )
    yield _leads(tables)
    for name, (published, measured) in tables.items():
        yield from _per_picture(f"Set5 {name}", published, measured)
    yield _HOW_MEASURED


def _table_2(desk: Desk) -> Iterator[Block]:
    ours = _measured(desk, "Set14", 3)
    tables = {"x3": (TABLE_2, ours)}
    yield _averages("Average over Set14", tables)
    yield _highest_average(tables)
    yield Claim("SRCNN leads by 0.3 dB and more on average", lead(ours) >= 0.3, f"{lead(ours):+.2f} dB")
    yield _leads(tables)
    yield from _per_picture("Set14 x3", TABLE_2, ours)
    yield _HOW_MEASURED


_HOW_MEASURED = (
    "SRCNN, ours, is the shipped `srcnn-x2`, `-x3` or `-x4`, whose data and training its card tells (`twinscale "
    "models show srcnn-x3`); ANR, ours, learnt from T91 as `twinscale.papers.anr` says. Seconds, ours, are of the "
    "machine that wrote this page, bicubic enlargement included. The other methods' figures are the paper's."
)


def _figure_1(desk: Desk) -> Iterator[Block]:
    ours, from_zero = _recipe("t91"), _recipe("t91", init="paper")
    lines = {
        "from bicubic enlargement": _convergence(desk, ours),
        "from the paper's small random weights": _convergence(desk, from_zero),
    }
    levels = {method: _PUBLISHED[method] for method in ("SC", "bicubic")}
    yield _drawn(desk, "srcnn-fig-1.png", lines, levels, "Set5 x3 while SRCNN learns from T91.")
    for method, text in (
        ("bicubic", "SRCNN surpasses bicubic enlargement with just a few training iterations"),
        ("SC", "SRCNN outperforms SC with moderate training"),
    ):
        passed = {name: _first_above(points, levels[method]) for name, points in lines.items()}
        yield Claim(
            text,
            all(passed.values()),
            "; ".join(f"{name}: {_reached(at)}" for name, at in passed.items())
            + f"; the paper trains for {_BACKPROPAGATIONS:.0e}",
        )
    yield (
        "Our recipe starts from a network that hands the enlargement through, and so cannot be below it for long. The "
        "second line starts as the paper's does, from black, but learns by our optimiser; what the paper's own recipe "
        "does in this time stands at the end of this page."
    )
    yield desk.budget([ours, from_zero])


def _reached(at: float | None) -> str:
    return "not reached" if at is None else f"by {at:.0f} backpropagations"


def _drawn(
    desk: Desk, file: str, lines: dict[str, list[tuple[float, float]]], levels: Mapping[str, float], caption: str
) -> Drawing:
    plots.convergence(desk.folder / file, lines, levels, "backpropagations", "Set5 x3, PSNR (dB)")
    return Drawing(file, caption)


def _figure_4(desk: Desk) -> Iterator[Block]:
    ours = _measured(desk, "Set14", 3)
    groups = {
        machine: {
            method: (seconds, results.psnr["average"][method]) for method, seconds in results.seconds["average"].items()
        }
        for machine, results in (("published", TABLE_2), ("ours", ours))
    }
    plots.trade_offs(desk.folder / "srcnn-fig-4.png", groups, "seconds per picture", "Set14 x3, PSNR (dB)")
    yield Drawing("srcnn-fig-4.png", "Accuracy against time: the paper's machine, and ours.")
    theirs, seconds = TABLE_2.seconds["average"], ours.seconds["average"]
    rows = [Row((method,), _value(theirs.get(method)), _value(seconds.get(method))) for method in METHODS]
    yield Comparison("Time per picture, average over Set14 x3", ("method",), "s", rows)
    yield Claim(
        "SRCNN is faster than ANR, the fastest of the others",
        seconds["SRCNN"] < seconds["ANR"],
        f"ANR takes {seconds['ANR'] / seconds['SRCNN']:.1f} times as long; in the paper "
        f"{theirs['ANR'] / theirs['SRCNN']:.1f} times",
    )
    sizes = {path.stem: float(np.prod(Picture.read(path).size)) for path in find_pictures("Set14")}
    correlation = statistics.correlation([*sizes.values()], [ours.seconds[picture]["SRCNN"] for picture in sizes])
    yield Claim("SRCNN's time is linear in the picture's size", correlation > 0.95, f"correlation {correlation:.3f}")
    yield (
        "The paper times the others' MATLAB code and its own C++ on a CPU of 3.1 GHz. Here ANR is NumPy, search and "
        "regressions products of large matrices, and SRCNN runs in ONNX Runtime, both with the bicubic enlargement "
        "they start from."
    )


def _figure_5(desk: Desk) -> Iterator[Block]:
    recipe = _recipe("t91", scale=2, init="paper")
    shipped = build(Recipe.load("srcnn-x2"))
    assert isinstance(shipped, SRCNN)
    shipped.load_state_dict(load_weights(load_card("srcnn-x2"), shipped))
    networks = {"trained here on T91": _network(desk, recipe), "the shipped srcnn-x2": shipped.eval()}
    rows, dead = [], {}
    for (name, network), file in zip(networks.items(), ("srcnn-fig-5.png", "srcnn-fig-5-shipped.png"), strict=True):
        weights = _first_layer(network).weight.detach()[:, 0].numpy()
        plots.filters(desk.folder / file, weights[np.argsort(-weights.var(axis=(1, 2)))])
        yield Drawing(file, f"First-layer filters x2 by variance, {name}; zero is grey.")
        largest = np.abs(weights).max(axis=(1, 2))
        dead[name] = int((largest < largest.max() / 10).sum())
        rows.append(Row((name, "no weight above a tenth of all filters' largest"), None, Value(dead[name])))
        rows.append(Row((name, "no response above zero on Set5"), None, Value(_silent(network))))
    yield Comparison("Dead filters among the 64", ("network", ""), "the paper sees some", rows, digits=(0, 0))
    of_t91, of_shipped = dead.values()
    yield Claim("Some filters are dead, all their weights nearly zero", of_t91 > 0, f"{of_t91}; {of_shipped} shipped")
    yield (
        "The network trained here starts from the paper's weights, N(0, 0.001²): what its filters show, they have "
        "learnt. The shipped one, trained longer on photographs, starts from weights that keep the variance, much of "
        'which stays as noise, and from one filter, `init = "identity"`, that hands the enlargement through: the one '
        "with a single bright pixel."
    )
    yield desk.budget([recipe])


def _first_layer(network: SRCNN) -> torch.nn.Conv2d:
    layer = network.convs[0]
    assert isinstance(layer, torch.nn.Conv2d)
    return layer


@torch.no_grad()
def _silent(network: SRCNN) -> int:
    """How many maps of the first layer are zero on all of Set5 after their ReLU."""
    protocol, layer = Protocol(network.scale, "y"), _first_layer(network)
    highest = torch.full((layer.out_channels,), -torch.inf)
    for planes in planes_of("Set5"):
        enlarged = protocol.enlarge(protocol.reduce(protocol.truth(planes))).astype(np.float32)
        maps: Tensor = layer(torch.from_numpy(enlarged).permute(2, 0, 1)[None])
        highest = torch.maximum(highest, maps.amax(dim=(0, 2, 3)))
    return int((highest <= 0).sum())


def _figure_6(desk: Desk) -> Iterator[Block]:
    few, many = _recipe("t91"), _recipe("all")
    lines = {"SRCNN, T91": _convergence(desk, few), "SRCNN, all pictures": _convergence(desk, many)}
    others = {method: psnr for method, psnr in _PUBLISHED.items() if method != "SRCNN"}
    levels = dict(sorted(others.items(), key=lambda level: -level[1]))
    yield _drawn(desk, "srcnn-fig-6.png", lines, levels, "Set5 x3 by what SRCNN learns from, and other methods.")
    last = {name: points[-1][1] for name, points in lines.items()}
    shipped = desk.shipped("srcnn-x3", "Set5").psnr_y
    yield Comparison(
        "Set5 x3 after equally many backpropagations",
        ("trained on, in the paper", "here"),
        "dB",
        [
            Row(("91 pictures", "T91"), Value(_PUBLISHED["SRCNN"]), Value(last["SRCNN, T91"])),
            Row(
                ("ImageNet", ", ".join(_PICTURES["all"])), Value(TABLE_3[64, 32][0]), Value(last["SRCNN, all pictures"])
            ),
            Row(("", "the shipped srcnn-x3, trained longer"), None, Value(shipped)),
        ],
    )
    first = {name: _first_above(points, levels["bicubic"]) for name, points in lines.items()}
    yield Claim(
        "SRCNN surpasses bicubic enlargement at the very beginning of the learning",
        all(
            at is not None and at <= points[-1][0] / 10
            for at, points in zip(first.values(), lines.values(), strict=True)
        ),
        "; ".join(f"{name}: {_reached(at)}" for name, at in first.items()),
    )
    best = max(levels, key=levels.__getitem__)
    yield Claim(
        "With moderate training SRCNN outperforms the other methods",
        min(last.values()) > levels[best],
        f"{', '.join(f'{psnr:.2f}' for psnr in last.values())} dB against the {levels[best]} dB of {best}; the shipped "
        f"network {shipped:.2f} dB",
    )
    yield Claim(
        "The larger training set gives the better network",
        last["SRCNN, all pictures"] > last["SRCNN, T91"],
        f"{last['SRCNN, all pictures'] - last['SRCNN, T91']:+.2f} dB; in the paper +0.13 dB",
    )
    yield (
        "The paper's networks differ after 8e8 backpropagations, of which these have taken few: the pictures of T91, "
        "small and full of edges, then teach more than the same number of crops of large photographs. The shipped "
        "network learned longer, and from photographs alone."
    )
    yield desk.budget([few, many])


def _table_3(desk: Desk) -> Iterator[Block]:
    default = (64, 32)
    recipes = {each: _recipe("all") if each == default else _recipe("all", filters=list(each)) for each in TABLE_3}
    psnr, seconds = _compared(desk, recipes, default)
    yield from _sizes("n1, n2", recipes, default, TABLE_3, psnr, seconds)
    order = [psnr[each] for each in TABLE_3]
    yield Claim(
        "The more filters, the better",
        order == sorted(order, reverse=True),
        ", ".join(f"{each:.2f} dB" for each in order),
    )
    yield Claim("The fewer filters, the faster", [*seconds.values()] == sorted(seconds.values(), reverse=True))
    yield Claim(
        "Even the small network is better than the other methods",
        psnr[32, 16] > _PUBLISHED["ANR"],
        f"{psnr[32, 16]:.2f} dB against the {_PUBLISHED['ANR']} dB of ANR",
    )
    yield _EQUAL_STEPS
    yield desk.budget(recipes.values())


def _section_5_4(desk: Desk) -> Iterator[Block]:
    small, large = FILTER_SIZES
    recipes = {small: _recipe("all"), large: _recipe("all", kernels=list(large))}
    psnr, seconds = _compared(desk, recipes, small)
    yield from _sizes("f1, f2, f3", recipes, small, FILTER_SIZES, psnr, seconds)
    gain = psnr[large] - psnr[small]
    yield Claim("Larger filters are slightly better", gain > 0, f"{gain:+.2f} dB; in the paper +0.05 dB")
    yield Claim("They are slower", seconds[large] > seconds[small])
    yield _EQUAL_STEPS
    yield desk.budget(recipes.values())


_EQUAL_STEPS = (
    "All take equally many steps: as many as the network of the main evaluations (9-1-5; 64, 32) takes in the time "
    "given, so that larger ones train longer."
)

_Sizes = tuple[int, ...]


def _compared(
    desk: Desk, recipes: Mapping[_Sizes, Recipe], default: _Sizes
) -> tuple[dict[_Sizes, float], dict[_Sizes, float]]:
    """PSNR on Set5 in dB and seconds per picture; the default trains first and so sets the steps of all."""
    for recipe in (recipes[default], *recipes.values()):
        _trained(desk, recipe)
    psnr = {sizes: desk.score(recipe, "Set5").psnr_y for sizes, recipe in recipes.items()}
    return psnr, dict(zip(recipes, _seconds(list(recipes.values())), strict=True))


def _sizes(
    what: str,
    recipes: Mapping[_Sizes, Recipe],
    default: _Sizes,
    published: Mapping[_Sizes, tuple[float, float | None]],
    psnr: Mapping[_Sizes, float],
    seconds: Mapping[_Sizes, float],
) -> Iterator[Block]:
    """PSNR and time of networks that differ in their sizes, and the time as a multiple of the default's."""
    rows, times = [], []
    reference = published[default][1]
    for sizes, recipe in recipes.items():
        network, name = untrained(recipe), ", ".join(map(str, sizes))
        thousands = (sum(p.numel() for p in network.parameters()) / 1e3, multiply_adds(network) / 1e3)
        given, its_time = published[sizes]
        rows.append(Row((name, *(f"{each:.1f}" for each in thousands)), Value(given), Value(psnr[sizes])))
        ratio = its_time / reference if its_time and reference else None
        times.append(Row((name, "seconds"), _value(its_time), Value(seconds[sizes])))
        times.append(Row((name, "multiple"), _value(ratio), Value(seconds[sizes] / seconds[default])))
    labels = (what, "thousand parameters", "thousand multiply-adds per pixel")
    yield Comparison("Set5 x3", labels, "dB", rows)
    yield Comparison("Time per picture, average over Set5", (what, ""), "the paper's machine", times)


def _seconds(recipes: list[Recipe]) -> list[float]:
    """Time per picture of Set5 x3 in the network, the median of three rounds in turns."""
    protocol = Protocol(3, "y")
    truths = [protocol.truth(planes) for planes in planes_of("Set5")]
    enlarged = [protocol.enlarge(protocol.reduce(truth)).astype(np.float32) for truth in truths]

    def all_of(operation: Operation) -> None:
        for planes in enlarged:
            run(operation, planes, dtype=np.float32)

    turns = [functools.partial(all_of, exported(network)) for network in map(untrained, recipes)]
    return [milliseconds / 1000 for milliseconds in medians(3, *turns, per=len(enlarged))]


# What is shown of scikit-image's pictures: rows and columns.
_DETAILS = {
    "astronaut": (slice(60, 180), slice(165, 285)),
    "chelsea": (slice(90, 210), slice(120, 240)),
    "coffee": (slice(60, 180), slice(380, 500)),
}


def _figures_7_to_10(desk: Desk) -> Iterator[Block]:
    import skimage.data

    protocol, methods = Protocol(3, "y"), _methods(desk, 3)
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
    plots.side_by_side(desk.folder / "srcnn-fig-7.png", shown, zoom=2)
    yield Drawing(
        "srcnn-fig-7.png",
        "Details of scikit-image's pictures x3, in place of *pepper*, *butterfly*, *bird* and *baby*; each pixel is "
        "shown as 2x2, PSNR is of the whole picture's luminance, chrominance is bicubic.",
    )
    yield Claim(
        "SRCNN is closest to the original",
        all(bicubic < anr < srcnn for bicubic, anr, srcnn in reached),
        "its lead over ANR: " + ", ".join(f"{srcnn - anr:+.2f} dB" for _, anr, srcnn in reached),
    )
    yield "SRCNN is the shipped `srcnn-x3`; that its edges are sharper is for the eye to judge."


_DIFFERENCES: dict[str, Callable[[Recipe], str]] = {
    "training pictures": lambda recipe: ", ".join(recipe.data.train),
    "sub-images": lambda recipe: (
        f"{recipe.data.crop}x{recipe.data.crop}, "
        + (f"stride {recipe.data.stride}" if recipe.data.stride else "drawn at random")
    ),
    "turned and mirrored": lambda recipe: {"none": "no", "all": "yes"}.get(recipe.data.augment, recipe.data.augment),
    "small pictures": lambda recipe: (
        f"Gaussian blur of {recipe.data.blur} pixels, subsampled"
        if recipe.data.blur
        else f"{recipe.data.reduced_by}, as they are tested"
    ),
    "initial weights": lambda recipe: (
        "one path hands the enlargement through, the rest keeps the variance"
        if recipe.network.parameters.get("init") == "identity"
        else "N(0, 0.001²), biases 0"
    ),
    "loss": lambda recipe: recipe.optimisation.loss,
    "optimiser": lambda recipe: recipe.optimisation.optimiser,
    "learning rate": lambda recipe: (
        f"{recipe.optimisation.learning_rate:g}, decay {recipe.optimisation.decay}, "
        f"last layer {recipe.optimisation.learning_rate * recipe.optimisation.output_layer_rate:g}"
    ),
    "gradient norm": lambda recipe: (
        f"at most {recipe.optimisation.clip_norm:g}" if recipe.optimisation.clip_norm else "not limited"
    ),
    "averaged weights": lambda recipe: f"decay {recipe.optimisation.ema:g}" if recipe.optimisation.ema else "no",
    "border in use": lambda recipe: str(recipe.network.parameters.get("border")),
    "batch": lambda recipe: str(recipe.data.batch),
    "backpropagations": lambda recipe: f"{recipe.optimisation.steps * recipe.data.batch:.1e}",
}


def _two_recipes(desk: Desk) -> Iterator[Block]:
    ours, of_paper = _recipe("t91"), _paper_recipe()
    names = {"the paper's": of_paper, "ours": ours}
    lines = [["", *(f"{name}, `{recipe.name}`" for name, recipe in names.items())], ["---"] * 3]
    lines += [[what, *(describe(recipe) for recipe in names.values())] for what, describe in _DIFFERENCES.items()]
    yield table(lines)
    curves = {name: _convergence(desk, recipe) for name, recipe in reversed(names.items())}
    levels = {"bicubic": _PUBLISHED["bicubic"]}
    yield _drawn(desk, "srcnn-recipe.png", curves, levels, "Set5 x3 in the same time; both learn from T91.")
    published = _PUBLISHED["SRCNN"]
    rows = []
    for name, recipe in names.items():
        network = _network(desk, recipe)
        pictures = validation_examples(split_pictures(recipe.data)[1])
        rows.append(Row((name, "validation"), None, Value(_psnr(network, recipe, pictures))))
        of_it = Value(published) if name == "the paper's" else None
        rows.append(Row((name, "Set5"), of_it, Value(_psnr(network, recipe, planes_of("Set5")))))
    yield Comparison("x3 by the protocol", ("recipe", ""), f"dB, after {_BACKPROPAGATIONS:.0e} backpropagations", rows)
    taken = _trained(desk, of_paper).steps * of_paper.data.batch
    yield (
        f"Neither pads while it trains. The paper's recipe took {taken:.1e} of its {_BACKPROPAGATIONS:.0e} "
        f"backpropagations, one in {_BACKPROPAGATIONS / taken:.0f}: it starts from weights so small that every layer "
        "dampens the gradient of the one in front of it. It names neither batch nor blur; the batch here makes a step "
        "cost as much as one of ours."
    )
    yield desk.budget([of_paper, ours])


PAPER = Paper(
    name="srcnn",
    citation='Dong, Loy, He, Tang: "Learning a Deep Convolutional Network for Image Super-Resolution"',
    introduction=(
        "PSNR on luminance, borders of the scale's width removed, by docs/protocol.md. Tables 1 and 2 measure the "
        "shipped networks; what else is trained learns by our recipe from T91, the paper's 91 pictures, or, in place "
        "of ImageNet, from all training pictures, ten of T91 set apart, for as long as stands below each item. The "
        "paper's 8e8 backpropagations took three days on a GPU."
    ),
    items=[
        Item("fig-1", "Fig. 1: the first iterations", _figure_1),
        Item("table-1", "Table 1: Set5", _table_1),
        Item("table-2", "Table 2: Set14", _table_2),
        Item("fig-4", "Fig. 4: accuracy against time", _figure_4),
        Item("fig-5", "Fig. 5: first-layer filters", _figure_5),
        Item("fig-6", "Fig. 6: more training pictures", _figure_6),
        Item("table-3", "Table 3: the number of filters", _table_3),
        Item("sec-5-4", "Section 5.4: the size of the filters", _section_5_4),
        Item("fig-7-10", "Fig. 7 to 10: for the eye", _figures_7_to_10),
        Item("recipe", "Section 4: the paper's recipe and ours", _two_recipes),
    ],
)
