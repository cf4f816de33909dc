"""Cai, Xu, Guo, Jia, Tao, "Deep Sampling Networks": what of it runs, beside what it published."""

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinscale import plots
from twinscale.datasets import find_pictures
from twinscale.engine import run
from twinscale.evaluation.looks import Looks, radial_spectrum, total_variation
from twinscale.evaluation.protocol import Protocol
from twinscale.images.colour import luminance
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.nets import Pair
from twinscale.papers.desk import Desk, milliseconds, multiply_adds, planes_of, untrained
from twinscale.papers.report import Block, Claim, Comparison, Drawing, Item, Paper, Row, Value
from twinscale.rescale import load, shrink
from twinscale.training.recipe import ChannelSpec, Enlargement, Recipe
from twinscale.training.rescaler import exported

KERNELS: tuple[Enlargement, ...] = ("nearest", "bilinear", "bicubic")
_PAIR = "dsn-y-x3"  # the Down-SNet that stays as it is in Table 3, and the co-trained pair

# Table 1: SRCNN x3 on Set5, PSNR in dB; first what it was trained on, then what it was tested on.
TABLE_1 = {
    "nearest": {"nearest": 30.59, "bilinear": 29.76, "bicubic": 30.56},
    "bilinear": {"nearest": 25.38, "bilinear": 32.17, "bicubic": 31.19},
    "bicubic": {"nearest": 27.59, "bilinear": 31.92, "bicubic": 32.45},
}
TABLE_1_AVERAGE = {"nearest": 30.30, "bilinear": 29.58, "bicubic": 30.70}
TABLE_1_BASELINE = 30.39  # bicubic reduction and enlargement

# Table 3: x3, PSNR in dB; a network on the bicubic reduction and on the fixed Down-SNet's.
TABLE_3: dict[str, dict[str, Any]] = {
    "Set5": {"srcnn": (32.75, 33.24), "vdsr": (33.66, 33.85), "upsnet": (33.67, 33.98), "co-trained": 34.29},
    "Set14": {"srcnn": (29.30, 29.78), "vdsr": (29.77, 29.93), "upsnet": (29.80, 30.19), "co-trained": 30.30},
    "BSD100": {"srcnn": (28.41, 28.67), "vdsr": (28.82, 29.11), "upsnet": (28.58, 28.92), "co-trained": 28.99},
    "Urban100": {"srcnn": (26.24, 26.90), "vdsr": (27.14, 28.02), "upsnet": (26.81, 27.66), "co-trained": 28.03},
}
_NAMES = {"srcnn": "SRCNN", "fsrcnn": "FSRCNN", "espcn": "ESPCN", "vdsr": "VDSR", "upsnet": "Up-SNet"}

# Table 4: PSNR in dB / SSIM by set and scale; DRCN's SSIM on Urban at x2, printed 0.133, is left out.
TABLE_4: dict[str, dict[int, dict[str, tuple[float, float | None]]]] = {
    "Set5": {
        2: {"FSRCNN": (37.00, 0.9558), "VDSR": (37.53, 0.9587), "DRCN": (37.63, 0.9588), "DRRN": (37.74, 0.9591),
            "MemNet": (37.78, 0.9597), "DSN": (37.92, 0.9549)},
        3: {"FSRCNN": (33.16, 0.9140), "VDSR": (33.66, 0.9213), "DRCN": (33.82, 0.9226), "DRRN": (34.03, 0.9244),
            "MemNet": (34.09, 0.9248), "DSN": (34.29, 0.9300)},
        4: {"FSRCNN": (30.71, 0.8657), "VDSR": (31.35, 0.8838), "DRCN": (31.53, 0.8854), "DRRN": (31.68, 0.8888),
            "MemNet": (31.74, 0.8893), "DSN": (31.92, 0.9032)},
    },
    "Set14": {
        2: {"FSRCNN": (32.63, 0.9088), "VDSR": (33.03, 0.9124), "DRCN": (33.04, 0.9118), "DRRN": (33.23, 0.9136),
            "MemNet": (33.28, 0.9142), "DSN": (34.11, 0.9286)},
        3: {"FSRCNN": (29.43, 0.8242), "VDSR": (29.77, 0.8314), "DRCN": (29.76, 0.8311), "DRRN": (29.96, 0.8349),
            "MemNet": (30.00, 0.8350), "DSN": (30.30, 0.8578)},
        4: {"FSRCNN": (27.59, 0.7535), "VDSR": (28.01, 0.7674), "DRCN": (28.02, 0.7670), "DRRN": (28.21, 0.7721),
            "MemNet": (28.26, 0.7723), "DSN": (28.34, 0.7539)},
    },
    "BSD100": {
        2: {"FSRCNN": (31.50, 0.8906), "VDSR": (31.90, 0.8960), "DRCN": (31.85, 0.8942), "DRRN": (32.05, 0.8973),
            "MemNet": (32.08, 0.8978), "DSN": (32.52, 0.9074)},
        3: {"FSRCNN": (28.52, 0.7893), "VDSR": (28.82, 0.7976), "DRCN": (28.80, 0.7963), "DRRN": (28.95, 0.8004),
            "MemNet": (28.96, 0.8001), "DSN": (28.99, 0.7969)},
        4: {"FSRCNN": (26.96, 0.7128), "VDSR": (27.29, 0.7251), "DRCN": (27.23, 0.7233), "DRRN": (27.38, 0.7284),
            "MemNet": (27.40, 0.7281), "DSN": (27.22, 0.7010)},
    },
    "Urban100": {
        2: {"FSRCNN": (29.85, 0.9009), "VDSR": (30.76, 0.9140), "DRCN": (30.75, None), "DRRN": (31.23, 0.9188),
            "MemNet": (31.31, 0.9195), "DSN": (32.27, 0.9305)},
        3: {"FSRCNN": (26.42, 0.8064), "VDSR": (27.14, 0.8279), "DRCN": (27.15, 0.8276), "DRRN": (27.53, 0.8378),
            "MemNet": (27.56, 0.8376), "DSN": (28.03, 0.8346)},
        4: {"FSRCNN": (24.60, 0.7258), "VDSR": (25.18, 0.7524), "DRCN": (25.14, 0.7510), "DRRN": (25.44, 0.7638),
            "MemNet": (25.50, 0.7630), "DSN": (25.66, 0.7145)},
    },
}  # fmt: skip


def _network(architecture: str, reduced_by: str = "bicubic", enlarged_by: Enlargement = "bicubic") -> Recipe:
    """The x3 recipe of an architecture on the paper's training pictures (§4.1)."""
    base = Recipe.load(f"{architecture}-x3")
    data = base.data
    if architecture == "srcnn":  # whose own recipe trains on other pictures
        paper = Recipe.load(_PAIR).data
        data = replace(data, train=paper.train, validation=paper.validation)
    if architecture == "vdsr":  # which takes a second a picture and more on a CPU
        data = replace(data, validation=data.validation[::4][:2])
    if reduced_by == _PAIR:
        data = replace(data, scales=[])  # VDSR's three; a pair has one
    data = replace(data, reduced_by=reduced_by, enlarged_by=enlarged_by)
    name = f"{architecture}-x3-{reduced_by}"
    return replace(base, name=name if enlarged_by == "bicubic" else f"{name}-{enlarged_by}", data=data)


def _table_1(desk: Desk) -> Iterator[Block]:
    recipes = {kernel: _network("srcnn", kernel) for kernel in KERNELS}
    ours = {
        trained: {tested: desk.score(recipe, "Set5", tested) for tested in KERNELS}
        for trained, recipe in recipes.items()
    }
    rows = [
        Row((trained, tested), Value(TABLE_1[trained][tested]), Value(ours[trained][tested].psnr_y))
        for trained in KERNELS
        for tested in KERNELS
    ]
    for trained in KERNELS:
        average = statistics.mean(scores.psnr_y for scores in ours[trained].values())
        rows.append(Row((trained, "average"), Value(TABLE_1_AVERAGE[trained]), Value(average)))
    yield Comparison("SRCNN x3 on Set5", ("trained on", "tested on"), "dB", rows)
    crossed = ours["bicubic"]["nearest"].psnr_y
    yield Claim(
        "Trained for the bicubic reduction and tested on nearest, a network is worse than plain bicubic enlargement of "
        "the bicubic reduction",
        crossed < TABLE_1_BASELINE,
        f"{crossed:.2f} dB against {TABLE_1_BASELINE}",
    )
    best = {tested: max(KERNELS, key=lambda trained: ours[trained][tested].psnr_y) for tested in KERNELS}
    yield Claim(
        "On each reduction the network trained for it is best",
        all(tested == trained for tested, trained in best.items()),
        ", ".join(f"{tested}: {trained}" for tested, trained in best.items()),
    )
    yield desk.budget(recipes.values())


def _figure_2(desk: Desk) -> Iterator[Block]:
    down = {kernel: _network("srcnn", kernel) for kernel in KERNELS}
    up = {kernel: _network("srcnn", "bicubic", kernel) for kernel in KERNELS}
    panels = {
        "(a) by down-sampling": {kernel: desk.trained(recipe).curve for kernel, recipe in down.items()},
        "(b) by up-sampling": {kernel: desk.trained(recipe).curve for kernel, recipe in up.items()},
    }
    plots.curves(desk.folder / "dsn-fig-2.png", panels, "step", "validation PSNR (dB)")
    yield Drawing("dsn-fig-2.png", "SRCNN x3: convergence by what reduces and by what enlarges in front of it.")
    final = {panel: {name: line[-1][1] for name, line in lines.items()} for panel, lines in panels.items()}
    by_down, by_up = final.values()
    figures = ", ".join(f"{name} {value:.2f}" for name, value in by_down.items())
    yield Claim("(a) The bicubic reduction trains best", max(by_down, key=by_down.__getitem__) == "bicubic", figures)
    figures = ", ".join(f"{name} {value:.2f}" for name, value in by_up.items())
    yield Claim("(b) Enlarging by nearest trains best", max(by_up, key=by_up.__getitem__) == "nearest", figures)
    gains = {name: line[-1][1] - line[0][1] for name, line in panels["(b) by up-sampling"].items()}
    yield (
        "From the first point of (b) to the last, "
        + ", ".join(f"{name} gains {gain:.2f} dB" for name, gain in gains.items())
        + ". Our networks start from handing the enlargement through, which puts the better enlargement ahead."
    )
    yield desk.budget([*down.values(), *(recipe for kernel, recipe in up.items() if kernel != "bicubic")])


def _figure_5(desk: Desk) -> Iterator[Block]:
    base, protocol = Recipe.load("dsn-y-x2"), Protocol(2, "y")
    with_it = replace(base, name="dsn-y-x2-with-qbrelu")
    without = replace(base, name="dsn-y-x2-without-qbrelu", channel=ChannelSpec(name="none"))
    truths = [protocol.truth(planes).astype(np.float32) for planes in planes_of("Set5")]
    face = luminance(to_planes(_demo_picture("astronaut")))[20:240, 120:340]
    rows, variation, tiles = [], {}, {"bicubic": to_pixels(imresize(face, 1 / 2), np.uint8)}
    for name, recipe in (("with Q-BReLU", with_it), ("without", without)):
        pair = desk.network(recipe)
        assert isinstance(pair, Pair)
        down, up = exported(pair.down), exported(pair.up)
        figures = []
        for truth in truths:
            free: NDArray = down(truth)
            stored = to_pixels(free, np.uint8)
            looks = Looks.beside(stored, to_pixels(protocol.reduce(truth), np.uint8))
            restored = run(up, to_planes(stored), dtype=np.float32)
            unstored = run(up, free, dtype=np.float32)
            figures.append(
                (
                    looks.fidelity,
                    looks.total_variation,
                    100 * float(np.mean((free < 0) | (free > 1))),
                    protocol.score(truth, restored).psnr_y,
                    protocol.score(truth, unstored).psnr_y,
                )
            )
        means = np.mean(figures, axis=0)
        quantities = ("small picture against bicubic, dB", "its total variation over bicubic's",
                      "values out of range, %", "restored from 8 bits, dB", "restored from floats, dB")  # fmt: skip
        rows += [Row((name, what), None, Value(float(mean))) for what, mean in zip(quantities, means, strict=True)]
        variation[name] = float(means[1])
        tiles[name] = to_pixels(down(face), np.uint8)
    yield Comparison("DSN x2 on Set5", ("", "mean over Set5"), "none in the paper", rows)
    yield Claim(
        "Without Q-BReLU the small picture is noisier",
        variation["without"] > variation["with Q-BReLU"],
        f"total variation {variation['without']:.3f} against {variation['with Q-BReLU']:.3f} times bicubic's",
    )
    plots.side_by_side(desk.folder / "dsn-fig-5.png", [tiles], zoom=3)
    yield Drawing("dsn-fig-5.png", "A detail of the small picture, luminance; scikit-image's astronaut for *baby*.")
    yield desk.budget([with_it, without])


def _demo_picture(name: str) -> NDArray[np.uint8]:
    """An RGB picture that comes with scikit-image and may be shown anywhere."""
    import skimage.data

    picture: NDArray[np.uint8] = getattr(skimage.data, name)()
    return picture


def _reductions(name: str) -> dict[str, NDArray[np.uint8]]:
    """A demo picture reduced to a third in four ways."""
    full = _demo_picture(name)
    reduced: dict[str, NDArray[np.uint8]] = {kernel: imresize(full, 1 / 3, kernel=kernel) for kernel in KERNELS}
    reduced["Down-SNet"] = shrink(Picture(full[: full.shape[0] // 3 * 3, : full.shape[1] // 3 * 3]), model=_PAIR).pixels
    return reduced


def _figure_6(desk: Desk) -> Iterator[Block]:
    reduced = _reductions("chelsea")
    plots.side_by_side(desk.folder / "dsn-fig-6.png", [{n: p[28:78, 52:102] for n, p in reduced.items()}], zoom=5)
    yield Drawing("dsn-fig-6.png", "Fur at a third of its size: Chelsea, by Stefan van der Walt, CC0.")
    yield _sharpness("Chelsea", reduced)


def _figure_7(desk: Desk) -> Iterator[Block]:
    pictures = {"astronaut": "Astronaut", "chelsea": "Chelsea"}
    rows = {shown: _reductions(name) for name, shown in pictures.items()}
    plots.side_by_side(desk.folder / "dsn-fig-7.png", list(rows.values()), zoom=1)
    yield Drawing("dsn-fig-7.png", "Reduced to a third; in place of *lena* and *baboon* two pictures of scikit-image.")
    for name, reduced in rows.items():
        yield _sharpness(name, reduced)
        variation = {kernel: total_variation(pixels) for kernel, pixels in reduced.items()}
        yield Claim(
            f"{name}: Down-SNet's result is sharper than the bilinear and the bicubic one",
            variation["Down-SNet"] > max(variation["bilinear"], variation["bicubic"]),
        )


def _sharpness(name: str, reduced: dict[str, NDArray[np.uint8]]) -> Comparison:
    rows = [Row((how,), None, Value(total_variation(pixels))) for how, pixels in reduced.items()]
    return Comparison(f"Total variation of {name}", ("reduced by",), "none in the paper", rows, digits=(1, 0))


def _table_3(desk: Desk) -> Iterator[Block]:
    networks = ("srcnn", "vdsr", "upsnet")
    recipes = {(name, reduced_by): _network(name, reduced_by) for name in networks for reduced_by in ("bicubic", _PAIR)}
    rows, helps, best = [], [], []
    for dataset in desk.sets:
        published = TABLE_3[dataset]
        ours = {}
        for name in networks:
            for place, reduced_by in enumerate(("bicubic", _PAIR)):
                scores = ours[name, place] = desk.score(recipes[name, reduced_by], dataset)
                reduction = "Down-SNet" if place else "bicubic"
                rows.append(
                    Row((dataset, _NAMES[name], reduction), Value(published[name][place]), Value(scores.psnr_y))
                )
        together = desk.shipped(_PAIR, dataset).psnr_y
        rows.append(Row((dataset, "DSN", "co-trained"), Value(published["co-trained"]), Value(together)))
        helps += [ours[name, 1].psnr_y - ours[name, 0].psnr_y for name in networks]
        best.append(together - max(scores.psnr_y for scores in ours.values()))
    yield Comparison("x3", ("set", "network", "reduced by"), "dB", rows)
    yield Claim("Down-SNet helps every network on every set", min(helps) > 0, f"gain {_span(helps)} dB")
    yield Claim("The co-trained pair is best on every set", min(best) > 0, f"lead {_span(best)} dB")
    leads = []
    for name in networks:
        bicubic, down = (desk.trained(recipes[name, reduced_by]).curve for reduced_by in ("bicubic", _PAIR))
        first, last = (down[place][1] - bicubic[place][1] for place in (0, -1))
        leads.append(f"{_NAMES[name]} {first:+.2f} and {last:+.2f} dB")
    yield (
        f"Down-SNet's lead over bicubic in validation, at the first and the last point: {'; '.join(leads)}. "
        "What can be read from its small pictures, the pair's own Up-SNet shows; learning to read them takes training."
    )
    yield desk.budget(recipes.values()) + f" The pair is the shipped `{_PAIR}`."


def _span(values: list[float]) -> str:
    return f"{min(values):+.2f} to {max(values):+.2f}"


def _table_4(desk: Desk) -> Iterator[Block]:
    for scale in (2, 3, 4):
        rows = []
        for dataset in desk.sets:
            for method, figures in TABLE_4[dataset][scale].items():
                ours = Value.of(desk.shipped(f"dsn-y-x{scale}", dataset)) if method == "DSN" else None
                rows.append(Row((dataset, method), Value(*figures), ours))
            ours = Value.of(desk.shipped(f"twin-y-x{scale}", dataset))
            rows.append(Row((dataset, "twin, ours"), Value(*TABLE_4[dataset][scale]["DSN"]), ours))
        yield Comparison(f"x{scale}", ("set", "network"), "dB / SSIM", rows)
    yield (
        "*twin* is our pair of the same cost, beside the paper's DSN. Other networks' figures are the paper's, for "
        "orientation. How long ours trained is on their cards: `twinscale models show dsn-y-x3`."
    )


def _figure_9(desk: Desk) -> Iterator[Block]:
    recipes = {name: _network(name) for name in ("srcnn", "fsrcnn", "espcn", "vdsr", "upsnet")}
    published = {name: TABLE_3["Set5"][name][0] for name in ("srcnn", "vdsr", "upsnet")}
    published["fsrcnn"] = TABLE_4["Set5"][3]["FSRCNN"][0]
    accuracy, times = [], []
    points = {}
    for name, recipe in recipes.items():
        network = untrained(recipe)
        (time,) = milliseconds([network])
        psnr_y = desk.score(recipe, "Set5").psnr_y
        points[_NAMES[name]] = (time, psnr_y)
        of_paper = Value(published[name]) if name in published else None
        accuracy.append(Row((_NAMES[name],), of_paper, Value(psnr_y)))
        thousands = multiply_adds(network) / 1e3
        size = f"{sum(p.numel() for p in network.parameters()) / 1e3:.1f}"
        times.append(Row((_NAMES[name], size, f"{thousands:.1f}"), None, Value(time)))
    points["DSN (Up-SNet, co-trained)"] = (points["Up-SNet"][0], desk.shipped(_PAIR, "Set5").psnr_y)
    plots.trade_off(
        desk.folder / "dsn-fig-9.png", points, "milliseconds per megapixel, this machine", "Set5 x3, PSNR (dB)"
    )
    yield Drawing("dsn-fig-9.png", "Accuracy against time of the enlarging network, x3.")
    yield Comparison("Set5 x3, on the bicubic reduction", ("network",), "dB", accuracy)
    yield Comparison(
        "Time on the machine that wrote this page",
        ("network", "thousand parameters", "thousand multiply-adds per pixel"),
        "ms per megapixel; the paper only draws it",
        times,
        digits=(0, 0),
    )
    slower = points["VDSR"][0] / points["Up-SNet"][0]
    yield Claim("Up-SNet is faster than VDSR", slower > 1, f"{slower:.0f} times")
    yield desk.budget(recipes.values())


def _looks(desk: Desk) -> Iterator[Block]:
    pairs = [f"{family}-x{scale}" for scale in (2, 3, 4) for family in ("dsn", "twin")]
    rows = []
    for name in pairs:
        looks = desk.looks(name, "Kodak24")
        rows.append(Row((name, "against bicubic, dB"), None, Value(looks.fidelity)))
        rows.append(Row((name, "total variation over bicubic's"), None, Value(looks.total_variation)))
        rows.append(Row((name, "high frequencies over bicubic's"), None, Value(looks.high_frequencies)))
    yield Comparison("The small picture, Kodak24", ("pair", ""), "none in the paper", rows)
    lines = {"bicubic": _spectrum(None), **{name: _spectrum(name) for name in ("dsn-x2", "twin-x2")}}
    plots.spectra(desk.folder / "dsn-looks.png", lines)
    yield Drawing("dsn-looks.png", "Radial spectrum of the small picture's luminance, x2, mean over Kodak24.")


def _spectrum(pair: str | None) -> NDArray:
    model = load(pair) if pair else None
    spectra = []
    for path in find_pictures("Kodak24"):
        full = Picture.read(path).pixels
        small = run(model.reduction, full, dtype=np.uint8) if model else imresize(full, 1 / 2)
        spectra.append(radial_spectrum(luminance(to_planes(small))[:, :, 0] * 255, bins=64))
    mean: NDArray = np.mean(spectra, axis=0)
    return mean


PAPER = Paper(
    name="dsn",
    citation='Cai, Xu, Guo, Jia, Tao: "Deep Sampling Networks"',
    introduction=(
        "PSNR and SSIM on luminance, borders of the scale's width removed, by docs/protocol.md; trained on T91 and "
        "BSDS200 as in the paper's §4.1, ten pictures of BSDS200 (two for VDSR) set apart for validation. Ours trained "
        "as long as stands below each table, the paper's about a day on a GPU."
    ),
    items=[
        Item("table-1", "Table 1: a network trained for one reduction, tested on another", _table_1),
        Item("fig-2", "Fig. 2: convergence by reduction and by enlargement", _figure_2),
        Item("fig-5", "Fig. 5: with and without Q-BReLU", _figure_5),
        Item("fig-6", "Fig. 6: one texture, reduced in four ways", _figure_6),
        Item("fig-7", "Fig. 7: small pictures side by side", _figure_7),
        Item("table-3", "Table 3: Down-SNet in front of other networks", _table_3),
        Item("table-4", "Table 4: x2, x3 and x4 on four sets", _table_4),
        Item("fig-9", "Fig. 9: accuracy against time", _figure_9),
        Item("looks", "Beyond the paper: how the small pictures look", _looks),
    ],
)
