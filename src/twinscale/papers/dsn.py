"""Cai, Xu, Guo, Jia, Tao, "Deep Sampling Networks": what it published, reproduced."""

import statistics
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinscale.datasets import find_pictures
from twinscale.drawings import Curves, SideBySide, Spectra, TradeOff
from twinscale.engine import Operation, run
from twinscale.evaluation.looks import Looks, radial_spectrum, total_variation
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.published import published_table
from twinscale.images.colour import luminance
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.nets import Pair
from twinscale.papers.paper import Item, Paper
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction, milliseconds, multiply_adds, planes_of, untrained
from twinscale.rescale import load, shrink
from twinscale.training.recipe import ChannelSpec, Enlargement, Recipe
from twinscale.training.rescaler import exported

KERNELS: tuple[Enlargement, ...] = ("nearest", "bilinear", "bicubic")
_PAIR = "dsn-y-x3"  # the fixed Down-SNet of Table 3, and the co-trained pair

# The paper has two SRCNNs: 9-1-5 in §2, and 9-5-5 of SRCNN's later version wherever it cites that ([32]).
_NAMES = {
    "srcnn": "SRCNN 9-1-5",
    "srcnn-955": "SRCNN 9-5-5",
    "fsrcnn": "FSRCNN",
    "espcn": "ESPCN",
    "vdsr": "VDSR",
    "upsnet": "Up-SNet",
}


def _network(name: str, reduced_by: str = "bicubic", enlarged_by: Enlargement = "bicubic") -> Recipe:
    """Return the x3 recipe of a network on the paper's training pictures (§4.1), all for this one scale."""
    base, of_paper = Recipe.load(f"{name.removesuffix('-955')}-x3"), Recipe.load(_PAIR).data
    network, validation = base.network, of_paper.validation
    if name == "srcnn-955":
        network = replace(network, parameters={**network.parameters, "kernels": [9, 5, 5]})
    if name == "vdsr":  # takes more than a second per picture on a CPU
        validation = validation[::4][:2]
    data = replace(
        base.data,
        train=of_paper.train,
        validation=validation,
        scales=[],
        reduced_by=reduced_by,
        enlarged_by=enlarged_by,
    )
    details = [name, "x3", reduced_by] + [enlarged_by] * (enlarged_by != "bicubic")
    return replace(base, name="-".join(details), network=network, data=data)


def _table_1(reproduction: Reproduction) -> Iterator[Block]:
    published = published_table("dsn", "table-1")
    recipes = {kernel: _network("srcnn", kernel) for kernel in KERNELS}
    ours: dict[str, dict[str, float]] = {
        trained: {tested: reproduction.score(recipe, "Set5", tested).psnr_y for tested in KERNELS}
        for trained, recipe in recipes.items()
    }
    averages = {trained: statistics.mean(row.values()) for trained, row in ours.items()}
    rows = [
        ComparisonRow((trained, tested), Value(published[trained][tested]), Value(ours[trained][tested]))
        for trained in KERNELS
        for tested in KERNELS
    ]
    rows += [
        ComparisonRow((trained, "average"), Value(published[trained]["average"]), Value(average))
        for trained, average in averages.items()
    ]
    yield Comparison("SRCNN x3 on Set5", ("trained on", "tested on"), "dB", rows)
    crossed, baseline = ours["bicubic"]["nearest"], published_table("dsn", "table-1-baseline")["Set5 x3"]["bicubic"]
    yield Claim(
        "Trained for the bicubic reduction and tested on nearest, a network is worse than plain bicubic enlargement of "
        "the bicubic reduction",
        crossed < baseline,
        f"{crossed:.2f} dB against {baseline}",
    )
    best = {tested: max(KERNELS, key=lambda trained: ours[trained][tested]) for tested in KERNELS}
    yield Claim(
        "On each reduction the network trained for it is best",
        all(tested == trained for tested, trained in best.items()),
        ", ".join(f"{tested}: {trained}" for tested, trained in best.items()),
    )
    yield reproduction.budget(recipes.values())


def _figure_2(reproduction: Reproduction) -> Iterator[Block]:
    down: dict[str, Recipe] = {kernel: _network("srcnn", kernel) for kernel in KERNELS}
    up: dict[str, Recipe] = {kernel: _network("srcnn", "bicubic", kernel) for kernel in KERNELS}
    panels = {
        "(a) by down-sampling": {kernel: reproduction.trained(recipe).curve for kernel, recipe in down.items()},
        "(b) by up-sampling": {kernel: reproduction.trained(recipe).curve for kernel, recipe in up.items()},
    }
    yield Figure(
        "dsn-fig-2.png",
        "SRCNN x3: convergence by the kernel that reduces, and by the kernel that enlarges.",
        Curves(panels, "step", "validation PSNR (dB)"),
    )
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
        + ". Our networks start by passing the enlargement through, which puts the better enlargement ahead."
    )
    yield reproduction.budget([*down.values(), *(recipe for kernel, recipe in up.items() if kernel != "bicubic")])


def _figure_5(reproduction: Reproduction) -> Iterator[Block]:
    base, protocol = Recipe.load("dsn-y-x2"), Protocol(2, "y")
    with_it = replace(base, name="dsn-y-x2-with-qbrelu")
    without = replace(base, name="dsn-y-x2-without-qbrelu", channel=ChannelSpec(name="none"))
    truths = [protocol.truth(planes).astype(np.float32) for planes in planes_of("Set5")]
    face = luminance(to_planes(_demo_picture("astronaut")))[20:240, 120:340]
    rows, variation, tiles = [], {}, {"bicubic": to_pixels(imresize(face, 1 / 2), np.uint8)}
    for name, recipe in (("with Q-BReLU", with_it), ("without", without)):
        pair = reproduction.network(recipe)
        assert isinstance(pair, Pair)
        down, up = exported(pair.down), exported(pair.up)
        means = np.mean([_of_pair(down, up, truth, protocol) for truth in truths], axis=0)
        rows += [
            ComparisonRow((name, what), None, Value(float(mean))) for what, mean in zip(_OF_PAIR, means, strict=True)
        ]
        variation[name] = float(means[1])
        tiles[name] = to_pixels(down(face), np.uint8)
    yield Comparison("DSN x2 on Set5", ("", "mean over Set5"), "none in the paper", rows)
    yield Claim(
        "Without Q-BReLU the small picture is noisier",
        variation["without"] > variation["with Q-BReLU"],
        f"total variation {variation['without']:.3f} against {variation['with Q-BReLU']:.3f} times bicubic's",
    )
    yield Figure(
        "dsn-fig-5.png",
        "A detail of the small picture, luminance; scikit-image's astronaut for *baby*.",
        SideBySide([tiles], zoom=3),
    )
    yield reproduction.budget([with_it, without])


_OF_PAIR = (
    "small picture against bicubic, dB",
    "its total variation over bicubic's",
    "values out of range, %",
    "restored from 8 bits, dB",
    "restored from floats, dB",
)


def _of_pair(down: Operation, up: Operation, truth: NDArray, protocol: Protocol) -> tuple[float, ...]:
    """Measure what a pair makes of one picture: the quantities of ``_OF_PAIR``."""
    free: NDArray = down(truth)
    stored = to_pixels(free, np.uint8)
    looks = Looks.beside(stored, to_pixels(protocol.reduce(truth), np.uint8))
    return (
        looks.fidelity,
        looks.total_variation,
        100 * float(np.mean((free < 0) | (free > 1))),
        protocol.score(truth, run(up, to_planes(stored), dtype=np.float32)).psnr_y,
        protocol.score(truth, run(up, free, dtype=np.float32)).psnr_y,
    )


def _demo_picture(name: str) -> NDArray[np.uint8]:
    """Return an RGB picture that comes with scikit-image and may be shown anywhere."""
    import skimage.data

    picture: NDArray[np.uint8] = getattr(skimage.data, name)()
    return picture


def _reductions(name: str) -> dict[str, NDArray[np.uint8]]:
    """Reduce a demo picture to a third in four ways."""
    full = _demo_picture(name)
    reduced: dict[str, NDArray[np.uint8]] = {kernel: imresize(full, 1 / 3, kernel=kernel) for kernel in KERNELS}
    reduced["Down-SNet"] = shrink(Picture(full[: full.shape[0] // 3 * 3, : full.shape[1] // 3 * 3]), model=_PAIR).pixels
    return reduced


def _figure_6(reproduction: Reproduction) -> Iterator[Block]:
    reduced = _reductions("chelsea")
    fur = {how: pixels[28:78, 52:102] for how, pixels in reduced.items()}
    yield Figure(
        "dsn-fig-6.png",
        "Fur at a third of its size: Chelsea, by Stefan van der Walt, CC0.",
        SideBySide([fur], zoom=5),
    )
    yield _sharpness("Chelsea", reduced)


def _figure_7(reproduction: Reproduction) -> Iterator[Block]:
    pictures = {"astronaut": "Astronaut", "chelsea": "Chelsea"}
    rows = {shown: _reductions(name) for name, shown in pictures.items()}
    yield Figure(
        "dsn-fig-7.png",
        "Reduced to a third; two pictures of scikit-image in place of *lena* and *baboon*.",
        SideBySide(list(rows.values()), zoom=1),
    )
    for name, reduced in rows.items():
        yield _sharpness(name, reduced)
        variation = {kernel: total_variation(pixels) for kernel, pixels in reduced.items()}
        yield Claim(
            f"{name}: Down-SNet's result is sharper than the bilinear and the bicubic one",
            variation["Down-SNet"] > max(variation["bilinear"], variation["bicubic"]),
        )


def _sharpness(name: str, reduced: dict[str, NDArray[np.uint8]]) -> Comparison:
    rows = [ComparisonRow((how,), None, Value(total_variation(pixels))) for how, pixels in reduced.items()]
    return Comparison(f"Total variation of {name}", ("reduced by",), "none in the paper", rows, digits=(1, 0))


def _table_3(reproduction: Reproduction) -> Iterator[Block]:
    networks, reductions = ("srcnn-955", "vdsr", "upsnet"), {"bicubic": "bicubic", "Down-SNet": _PAIR}
    recipes = {(name, how): _network(name, by) for name in networks for how, by in reductions.items()}
    rows, helps, best = [], [], []
    for dataset in reproduction.sets:
        published = published_table("dsn", "table-3")[dataset]
        ours = {which: reproduction.score(recipe, dataset).psnr_y for which, recipe in recipes.items()}
        for (name, how), psnr in ours.items():
            theirs = Value(published[f"{_NAMES[name]}, {how}"])
            rows.append(ComparisonRow((dataset, _NAMES[name], how), theirs, Value(psnr)))
        together = reproduction.shipped(_PAIR, dataset).psnr_y
        rows.append(ComparisonRow((dataset, "DSN", "co-trained"), Value(published["DSN, co-trained"]), Value(together)))
        helps += [ours[name, "Down-SNet"] - ours[name, "bicubic"] for name in networks]
        best.append(together - max(ours.values()))
    yield Comparison("x3", ("set", "network", "reduced by"), "dB", rows)
    yield Claim("Down-SNet helps every network on every set", min(helps) > 0, f"gain {_span(helps)} dB")
    yield Claim("The co-trained pair is best on every set", min(best) > 0, f"lead {_span(best)} dB")
    leads = []
    for name in networks:
        bicubic, down = (reproduction.trained(recipes[name, how]).curve for how in reductions)
        first, last = (down[point][1] - bicubic[point][1] for point in (0, -1))
        leads.append(f"{_NAMES[name]} {first:+.2f} and {last:+.2f} dB")
    yield (
        f"Down-SNet's lead over bicubic in validation, at the first and the last point: {'; '.join(leads)}. "
        "The pair's own Up-SNet shows what can be read from its small pictures; learning to read them takes training."
    )
    yield reproduction.budget(recipes.values()) + f" The pair is the shipped `{_PAIR}`."


def _span(values: list[float]) -> str:
    return f"{min(values):+.2f} to {max(values):+.2f}"


def _table_4(reproduction: Reproduction) -> Iterator[Block]:
    psnr, ssim = (published_table("dsn", "table-4", quantity) for quantity in ("PSNR", "SSIM"))
    for scale in (2, 3, 4):
        rows = []
        for dataset in reproduction.sets:
            printed = f"{dataset} x{scale}"
            published = {method: Value(psnr[printed][method], ssim[printed].get(method)) for method in psnr[printed]}
            for method, theirs in published.items():
                ours = Value.of(reproduction.shipped(f"dsn-y-x{scale}", dataset)) if method == "DSN" else None
                rows.append(ComparisonRow((dataset, method), theirs, ours))
            ours = Value.of(reproduction.shipped(f"twin-y-x{scale}", dataset))
            rows.append(ComparisonRow((dataset, "twin, ours"), published["DSN"], ours))
        yield Comparison(f"x{scale}", ("set", "network"), "dB / SSIM", rows)
    yield (
        "*twin* is our pair of the same cost, beside the paper's DSN. Other networks' figures are the paper's, for "
        "orientation. The cards of ours state how long they were trained: `twinscale models show dsn-y-x3`."
    )


def _figure_9(reproduction: Reproduction) -> Iterator[Block]:
    recipes = {name: _network(name) for name in ("srcnn-955", "fsrcnn", "espcn", "vdsr", "upsnet")}
    table_3, table_4 = published_table("dsn", "table-3")["Set5"], published_table("dsn", "table-4")["Set5 x3"]
    published = {name: table_3[f"{_NAMES[name]}, bicubic"] for name in ("srcnn-955", "vdsr", "upsnet")}
    published["fsrcnn"] = table_4["FSRCNN"]
    accuracy, times = [], []
    points = {}
    for name, recipe in recipes.items():
        network = untrained(recipe)
        (time,) = milliseconds([network])
        psnr_y = reproduction.score(recipe, "Set5").psnr_y
        points[_NAMES[name]] = (time, psnr_y)
        of_paper = Value(published[name]) if name in published else None
        accuracy.append(ComparisonRow((_NAMES[name],), of_paper, Value(psnr_y)))
        thousands = multiply_adds(network) / 1e3
        size = f"{sum(p.numel() for p in network.parameters()) / 1e3:.1f}"
        times.append(ComparisonRow((_NAMES[name], size, f"{thousands:.1f}"), None, Value(time)))
    points["DSN (Up-SNet, co-trained)"] = (points["Up-SNet"][0], reproduction.shipped(_PAIR, "Set5").psnr_y)
    yield Figure(
        "dsn-fig-9.png",
        "Accuracy against time of the enlarging network, x3.",
        TradeOff(points, "milliseconds per megapixel, this machine", "Set5 x3, PSNR (dB)"),
    )
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
    yield reproduction.budget(recipes.values())


def _looks(reproduction: Reproduction) -> Iterator[Block]:
    pairs = [f"{family}-x{scale}" for scale in (2, 3, 4) for family in ("dsn", "twin")]
    rows = []
    for name in pairs:
        looks = reproduction.looks(name, "Kodak24")
        rows.append(ComparisonRow((name, "against bicubic, dB"), None, Value(looks.fidelity)))
        rows.append(ComparisonRow((name, "total variation over bicubic's"), None, Value(looks.total_variation)))
        rows.append(ComparisonRow((name, "high frequencies over bicubic's"), None, Value(looks.high_frequencies)))
    yield Comparison("The small picture, Kodak24", ("pair", ""), "none in the paper", rows)
    lines = {"bicubic": _spectrum(None), **{name: _spectrum(name) for name in ("dsn-x2", "twin-x2")}}
    yield Figure(
        "dsn-looks.png", "Radial spectrum of the small picture's luminance, x2, mean over Kodak24.", Spectra(lines)
    )


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
        "BSDS200 as in the paper's §4.1, with ten pictures of BSDS200 (two for VDSR) set apart for validation. Ours "
        "were trained for as long as stated below each table, the paper's for about a day on a GPU."
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
