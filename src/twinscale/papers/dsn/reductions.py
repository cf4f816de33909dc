"""Table 1, Fig. 2 and 5 to 7: what a reduction keeps, and how its small pictures look."""

import statistics
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinscale.datasets import find_pictures
from twinscale.drawings import Curves, SideBySide, Spectra
from twinscale.engine import Operation, run
from twinscale.evaluation.looks import Looks, radial_spectrum, total_variation
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.published import published_table
from twinscale.images.colour import luminance
from twinscale.images.levels import to_pixels, to_planes
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.nets import Pair
from twinscale.papers.dsn import networks
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction, demo_picture, planes_of
from twinscale.rescale import load, shrink
from twinscale.training.recipe import ChannelSpec, Enlargement, Recipe
from twinscale.training.rescaler import exported

KERNELS: tuple[Enlargement, ...] = ("nearest", "bilinear", "bicubic")


def table_1(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 1."""
    published = published_table("dsn", "table-1")
    recipes = {kernel: networks.network("srcnn", kernel) for kernel in KERNELS}
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


def figure_2(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 2."""
    down: dict[str, Recipe] = {kernel: networks.network("srcnn", kernel) for kernel in KERNELS}
    up: dict[str, Recipe] = {kernel: networks.network("srcnn", "bicubic", kernel) for kernel in KERNELS}
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
        + ". Ours start by passing the enlargement through, and so from its PSNR."
    )
    yield reproduction.budget([*down.values(), *(recipe for kernel, recipe in up.items() if kernel != "bicubic")])


def figure_5(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 5."""
    base, protocol = networks.pair(reproduction, 2), Protocol(2, "y")
    with_it = replace(base, name=f"{base.name}-with-qbrelu")
    without = replace(base, name=f"{base.name}-without-qbrelu", channel=ChannelSpec(name="none"))
    truths = [protocol.truth(planes).astype(np.float32) for planes in planes_of("Set5")]
    face = luminance(to_planes(demo_picture("astronaut")))[20:240, 120:340]
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


def _reductions(name: str) -> dict[str, NDArray[np.uint8]]:
    """Reduce a demo picture to a third in four ways."""
    full = demo_picture(name)
    reduced: dict[str, NDArray[np.uint8]] = {kernel: imresize(full, 1 / 3, kernel=kernel) for kernel in KERNELS}
    reduced["Down-SNet"] = shrink(
        Picture(full[: full.shape[0] // 3 * 3, : full.shape[1] // 3 * 3]), model=networks.PAIR
    ).pixels
    return reduced


def figure_6(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 6."""
    reduced = _reductions("chelsea")
    fur = {how: pixels[28:78, 52:102] for how, pixels in reduced.items()}
    yield Figure(
        "dsn-fig-6.png",
        "Fur at a third of its size: Chelsea, by Stefan van der Walt, CC0.",
        SideBySide([fur], zoom=5),
    )
    yield _sharpness("Chelsea", reduced)
    yield _WHOSE


def figure_7(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 7."""
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
    yield _WHOSE


_WHOSE = f"Down-SNet is that of {networks.shipped(networks.PAIR)}."


def _sharpness(name: str, reduced: dict[str, NDArray[np.uint8]]) -> Comparison:
    rows = [ComparisonRow((how,), None, Value(total_variation(pixels))) for how, pixels in reduced.items()]
    return Comparison(f"Total variation of {name}", ("reduced by",), "none in the paper", rows, digits=(1, 0))


def looks(reproduction: Reproduction) -> Iterator[Block]:
    """Measure how the small pictures of the shipped pairs look."""
    pairs = [f"{family}-x{scale}" for scale in (2, 3, 4) for family in ("dsn", "twin")]
    rows = []
    for name in pairs:
        of_pair = reproduction.looks(name, "Kodak24")
        rows.append(ComparisonRow((name, "against bicubic, dB"), None, Value(of_pair.fidelity)))
        rows.append(ComparisonRow((name, "total variation over bicubic's"), None, Value(of_pair.total_variation)))
        rows.append(ComparisonRow((name, "high frequencies over bicubic's"), None, Value(of_pair.high_frequencies)))
        rows.append(ComparisonRow((name, "ΔE00 against bicubic, mean"), None, Value.or_none(of_pair.ciede2000)))
        rows.append(ComparisonRow((name, "99th percentile of ΔE00"), None, Value.or_none(of_pair.ciede2000_p99)))
    yield Comparison("The small picture, Kodak24", ("pair", ""), "none in the paper", rows)
    lines = {"bicubic": _spectrum(None), **{name: _spectrum(name) for name in ("dsn-x2", "twin-x2")}}
    yield Figure(
        "dsn-looks.png", "Radial spectrum of the small picture's luminance, x2, mean over Kodak24.", Spectra(lines)
    )
    yield "These are the shipped pairs, by our own recipes; their cards say how they were trained."


def _spectrum(pair: str | None) -> NDArray:
    model = load(pair) if pair else None
    spectra = []
    for path in find_pictures("Kodak24"):
        full = Picture.read(path).pixels
        small = run(model.reduction, full, dtype=np.uint8) if model else imresize(full, 1 / 2)
        spectra.append(radial_spectrum(luminance(to_planes(small))[:, :, 0] * 255, bins=64))
    mean: NDArray = np.mean(spectra, axis=0)
    return mean
