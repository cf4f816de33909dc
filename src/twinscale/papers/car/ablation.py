"""Table 3, Fig. 4 and 5: what CAR's offsets and the losses that hold them bring."""

import statistics
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from twinscale.drawings import Displacements, SideBySide
from twinscale.evaluation.looks import Looks
from twinscale.evaluation.protocol import Protocol, Scores
from twinscale.evaluation.trial import Trial
from twinscale.images.colour import luminance
from twinscale.images.levels import to_pixels, to_planes
from twinscale.nets import Pair
from twinscale.nets.car import ResamplerNet
from twinscale.papers.car import networks
from twinscale.papers.car.accuracy import leads, published, scores_of, span, value_of
from twinscale.papers.car.networks import SCALES
from twinscale.papers.car.small_pictures import enlarged
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction, demo_picture, planes_of
from twinscale.training.recipe import Recipe

FULL, NO_TV, NO_DISTANCE, NO_OFFSETS = "CAR", "without TV loss", "without offset constraint", "without offset"
_ROWS: dict[str, Callable[[Reproduction, Recipe], Recipe]] = {
    FULL: lambda reproduction, recipe: recipe,
    NO_TV: networks.without_variation_loss,
    NO_DISTANCE: networks.without_distance_loss,
    NO_OFFSETS: networks.without_offsets,
}
_SHOWN = "rocket"  # of scikit-image: a plain sky, and a tower with many edges


def table_3(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 3."""
    printed, trained = published(3), []
    ours: dict[int, dict[str, dict[str, Scores]]] = {}
    for scale in SCALES:
        recipes = _ablations(reproduction, scale)
        trained += list(recipes.values())
        ours[scale] = {row: scores_of(reproduction, recipe) for row, recipe in recipes.items()}
        rows = [
            ComparisonRow((dataset, row), theirs, value_of(ours[scale][row], dataset))
            for dataset in printed[f"{FULL} x{scale}"]
            for row in _ROWS
            for theirs in [printed[f"{row} x{scale}"][dataset]]
        ]
        yield Comparison(f"CAR with EDSR, x{scale}", ("set", "model"), "dB / SSIM", rows)
    for text, one, other in (
        ("Offsets help", FULL, NO_OFFSETS),
        ("So does the constraint on their distance", FULL, NO_DISTANCE),
        ("Without the TV loss pictures are restored better", NO_TV, FULL),
    ):
        here = [lead for of_scale in ours.values() for lead in leads(of_scale[one], of_scale[other])]
        theirs = _published_leads(printed, one, other)
        yield Claim(
            text,
            min(here) > 0,
            f"{span(here)}; in the paper {span(theirs)}, better in {sum(lead > 0 for lead in theirs)} of {len(theirs)} "
            "cases",
        )
    more = {scale: statistics.mean(leads(of_scale[FULL], of_scale[NO_OFFSETS])) for scale, of_scale in ours.items()}
    yield Claim(
        "Offsets help more at x4 than at x2",
        more[4] > more[2],
        f"on average {more[4]:+.2f} dB at x4 and {more[2]:+.2f} dB at x2",
    )
    yield (
        "The paper's text says that accuracy rises on all sets with offsets and again with their constraint; in its "
        "table the constraint lowers it on BSD100 x2 and Urban100 x4."
    )
    yield reproduction.budget(trained)


def _ablations(reproduction: Reproduction, scale: int) -> dict[str, Recipe]:
    """Return the recipes of Table 3 by row; all take equally many steps."""
    whole = networks.pair(reproduction, scale)
    recipes = {row: change(reproduction, whole) for row, change in _ROWS.items()}
    networks.keep_pace(reproduction, scale, recipes.values())
    return recipes


def _published_leads(printed: dict[str, dict[str, Value]], one: str, other: str) -> list[float]:
    return [
        value.main - printed[f"{other} x{scale}"][dataset].main
        for scale in SCALES
        for dataset, value in printed[f"{one} x{scale}"].items()
    ]


def figure_4(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 4."""
    recipes = _ablations(reproduction, 4)
    compared = {NO_DISTANCE: _resampler(reproduction, recipes[NO_DISTANCE])}
    compared["with it"] = _resampler(reproduction, recipes[FULL])
    planes, detail = to_planes(demo_picture(_SHOWN)), (slice(120, 216), slice(272, 368))
    yield Figure(
        "car-fig-4.png",
        "The nine taps in the middle of each kernel, x4: lines lead from where they lie to where they move. A detail "
        "of scikit-image's rocket.",
        Displacements(
            to_pixels(planes, np.uint8)[detail],
            {name: _within(_central_taps(network, planes), detail) for name, network in compared.items()},
        ),
    )
    rows, moved = [], {}
    for name, network in compared.items():
        of_each = [_movement(network, planes) for planes in planes_of("Set5")]
        for where, lengths in zip(("plainest", "richest"), zip(*of_each, strict=True), strict=True):
            moved[name, where] = statistics.mean(lengths)
            rows.append(ComparisonRow((name, where), None, Value(moved[name, where])))
    yield Comparison(
        "How far the nine taps move on Set5 x4, in the quarters of each picture with the least and the most detail",
        ("offset constraint", "quarter"),
        "only drawn in the paper; pixels",
        rows,
        digits=(3, 0),
    )
    plain, rich = moved["with it", "plainest"], moved["with it", "richest"]
    yield Claim(
        "With the constraint, taps move at edges and in texture", rich > plain, f"{rich:.3f} against {plain:.3f}"
    )
    free = moved[NO_DISTANCE, "plainest"]
    yield Claim("Without it, they also move on plain ground", free > plain, f"{free:.3f} against {plain:.3f}")
    yield reproduction.budget([recipes[FULL], recipes[NO_DISTANCE]])


def _resampler(reproduction: Reproduction, recipe: Recipe) -> ResamplerNet:
    network = reproduction.network(recipe)
    assert isinstance(network, Pair)
    assert isinstance(network.down, ResamplerNet)
    return network.down


@torch.no_grad()
def _central_taps(network: ResamplerNet, planes: NDArray) -> tuple[NDArray, NDArray]:
    """Return places of the nine taps in the middle of all kernels, as they lie and as they are moved.

    Both are ``(9, h, w, 2)``, rows and columns in pixels of the picture, which is cut to what the network takes.
    """
    height, width = (side // network.multiple_of * network.multiple_of for side in planes.shape[:2])
    picture = np.broadcast_to(planes[:height, :width], (height, width, network.channels)).astype(np.float32)
    resampling = network.resampling(torch.from_numpy(picture).permute(2, 0, 1)[None])
    side = round(resampling.kernels.shape[1] ** 0.5)
    around = [-1, 0, 1]
    taps = [(side // 2 + i) * side + side // 2 + j for i in around for j in around]
    offsets = torch.stack((resampling.vertical[0, taps], resampling.horizontal[0, taps]), dim=3).float().numpy()
    rows, columns = ((np.arange(length // network.scale) + 0.5) * network.scale - 0.5 for length in (height, width))
    centres = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=2)
    places = np.array([(i, j) for i in around for j in around])[:, None, None] + centres
    return places, places + offsets


def _within(taps: tuple[NDArray, NDArray], detail: tuple[slice, slice]) -> tuple[NDArray, NDArray]:
    """Keep the kernels whose middle lies in a detail, and count pixels from its corner; both ``(9, n, 2)``."""
    places, moved = taps
    corner, end = (np.array([getattr(part, of) for part in detail]) for of in ("start", "stop"))
    inside = ((places[4] >= corner) & (places[4] < end)).all(axis=2)
    return places[:, inside] - corner, moved[:, inside] - corner


def _movement(network: ResamplerNet, planes: NDArray) -> tuple[float, float]:
    """Return the mean length of the nine taps' offsets in the plainest and in the richest quarter of a picture."""
    places, moved = _central_taps(network, planes)
    lengths = np.linalg.norm(moved - places, axis=3).mean(axis=0)
    (height, width), scale = lengths.shape, network.scale
    grey = luminance(planes) if planes.shape[2] == 3 else planes
    blocks = grey[: height * scale, : width * scale, 0].reshape(height, scale, width, scale)
    detail = blocks.std(axis=(1, 3))
    low, high = np.quantile(detail, (0.25, 0.75))
    return float(lengths[detail <= low].mean()), float(lengths[detail >= high].mean())


def figure_5(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 5."""
    protocol, recipes = Protocol(4, "rgb"), _ablations(reproduction, 4)
    planes, detail = to_planes(demo_picture(_SHOWN)), (slice(120, 248), slice(256, 384))
    rows, tiles, variation, psnr = [], [], {}, {}
    for name in (NO_TV, FULL):
        shown = Trial.of(reproduction.rescaler(recipes[name]), protocol, planes)
        small = enlarged(shown.low, 4)
        tiles.append(
            {
                "original": to_pixels(shown.truth, np.uint8)[detail],
                f"{name}, small": small[detail],
                f"restored: {shown.scores(protocol).psnr_y:.2f} dB": to_pixels(shown.result, np.uint8)[detail],
            }
        )
        looks, scores = _of_set5(reproduction, recipes[name], protocol)
        variation[name], psnr[name] = looks.total_variation, scores.psnr_y
        rows += [
            ComparisonRow((name, "small picture against bicubic, dB"), None, Value(looks.fidelity)),
            ComparisonRow((name, "its total variation over bicubic's"), None, Value(looks.total_variation)),
            ComparisonRow((name, "its high frequencies over bicubic's"), None, Value(looks.high_frequencies)),
            ComparisonRow((name, "restored, dB"), None, Value(scores.psnr_y)),
        ]
    yield Figure(
        "car-fig-5.png",
        "A detail of scikit-image's rocket, its small picture x4 and what is restored; each pixel is shown as 2x2.",
        SideBySide(tiles, zoom=2),
    )
    yield Comparison("Set5 x4", ("", "mean over Set5"), "only drawn in the paper", rows)
    yield Claim(
        "With the TV loss, the small picture is smoother",
        variation[FULL] < variation[NO_TV],
        f"total variation {variation[FULL]:.3f} against {variation[NO_TV]:.3f} times bicubic's",
    )
    yield Claim(
        "It costs accuracy of what is restored",
        psnr[FULL] < psnr[NO_TV],
        f"{psnr[FULL]:.2f} dB against {psnr[NO_TV]:.2f} dB",
    )
    yield reproduction.budget([recipes[NO_TV], recipes[FULL]])


def _of_set5(reproduction: Reproduction, recipe: Recipe, protocol: Protocol) -> tuple[Looks, Scores]:
    """Return how a pair's small pictures look and how well they are restored, mean over Set5."""
    rescaler = reproduction.rescaler(recipe)
    trials = [Trial.of(rescaler, protocol, planes) for planes in planes_of("Set5")]
    looks = [
        Looks.beside(*(to_pixels(low, np.uint8) for low in (trial.low, protocol.reduce(trial.truth))))
        for trial in trials
    ]
    return Looks.mean(looks), Scores.mean([trial.scores(protocol) for trial in trials])
