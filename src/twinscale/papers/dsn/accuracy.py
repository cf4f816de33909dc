"""Tables 3 and 4, Fig. 8 and 9: DSN beside other networks."""

from collections.abc import Iterator

import numpy as np

from twinscale.datasets import find_pictures
from twinscale.drawings import SideBySide, TradeOff
from twinscale.evaluation.protocol import Protocol, Scores
from twinscale.evaluation.published import published_table
from twinscale.evaluation.trial import Trial, bicubic
from twinscale.images.levels import to_pixels
from twinscale.images.picture import Picture
from twinscale.papers.dsn import networks
from twinscale.papers.dsn.networks import NAMES, PAIR
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction, milliseconds, multiply_adds, untrained
from twinscale.training.history import Points


def table_3(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 3."""
    names, reductions = ("srcnn-955", "vdsr", "upsnet"), {"bicubic": "bicubic", "Down-SNet": PAIR}
    recipes = {(name, how): networks.network(name, by) for name in names for how, by in reductions.items()}
    rows, helps, best = [], [], []
    for dataset, published in published_table("dsn", "table-3").items():
        is_measured = dataset in reproduction.sets
        ours = {
            which: reproduction.score(recipe, dataset).psnr_y if is_measured else None
            for which, recipe in recipes.items()
        }
        for (name, how), psnr in ours.items():
            theirs = Value(published[f"{NAMES[name]}, {how}"])
            rows.append(ComparisonRow((dataset, NAMES[name], how), theirs, Value.or_none(psnr)))
        together = reproduction.shipped(PAIR, dataset).psnr_y if is_measured else None
        theirs = Value(published["DSN, co-trained"])
        rows.append(ComparisonRow((dataset, "DSN", "co-trained"), theirs, Value.or_none(together)))
        reached = {which: psnr for which, psnr in ours.items() if psnr is not None}
        if together is not None:
            helps += [reached[name, "Down-SNet"] - reached[name, "bicubic"] for name in names]
            best.append(together - max(reached.values()))
    yield Comparison("x3", ("set", "network", "reduced by"), "dB", rows)
    yield Claim("Down-SNet helps every network on every set", min(helps) > 0, f"gain {_span(helps)} dB")
    yield Claim("The co-trained pair is best on every set", min(best) > 0, f"lead {_span(best)} dB")
    curves = {which: reproduction.trained(recipe).curve for which, recipe in recipes.items()}
    leads = (f"{NAMES[name]} {_leads(curves[name, 'Down-SNet'], curves[name, 'bicubic'])}" for name in names)
    yield f"Down-SNet's lead over bicubic in validation: {'; '.join(leads)}."
    yield f"{reproduction.budget(recipes.values())} Down-SNet, and the co-trained pair, are {networks.shipped(PAIR)}."


def _leads(ours: Points, others: Points) -> str:
    """Say by how many dB a curve leads another where both have begun and where they end, at equal steps."""
    steps = [max(ours[0][0], others[0][0]), min(ours[-1][0], others[-1][0])]
    ahead, behind = (np.interp(steps, *np.transpose(curve)) for curve in (ours, others))
    first, last = ahead - behind
    return f"{first:+.2f} dB at step {steps[0]}, {last:+.2f} dB at step {steps[1]}"


def _span(values: list[float]) -> str:
    return f"{min(values):+.2f} to {max(values):+.2f}"


def _pair_scores(reproduction: Reproduction, scale: int, dataset: str) -> Scores:
    """Return the scores of the paper's pair, trained by its recipe in a full reproduction and shipped otherwise."""
    if reproduction.is_full:
        return reproduction.score(networks.pair(reproduction, scale), dataset)
    return reproduction.shipped(f"dsn-y-x{scale}", dataset)


def table_4(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 4."""
    psnr, ssim = (published_table("dsn", "table-4", quantity) for quantity in ("PSNR", "SSIM"))
    leads: dict[str, list[float]] = {"theirs": [], "ours": []}
    for scale in (2, 3, 4):
        rows = []
        for printed in (name for name in psnr if name.endswith(f" x{scale}")):
            dataset = printed.removesuffix(f" x{scale}")
            published = {method: Value(psnr[printed][method], ssim[printed].get(method)) for method in psnr[printed]}
            ours: dict[str, Value] = {}
            if dataset in reproduction.sets:
                ours["DSN"] = Value.of(_pair_scores(reproduction, scale, dataset))
                ours["twin"] = Value.of(reproduction.shipped(f"twin-y-x{scale}", dataset))
            rows += [ComparisonRow((dataset, method), theirs, ours.get(method)) for method, theirs in published.items()]
            rows.append(ComparisonRow((dataset, "twin, ours"), published["DSN"], ours.get("twin")))
            next_best = max(value.main for method, value in published.items() if method != "DSN")
            leads["theirs"].append(published["DSN"].main - next_best)
            leads["ours"] += [ours["DSN"].main - next_best] if ours else []
        yield Comparison(f"x{scale}", ("set", "network"), "dB / SSIM", rows)
    ahead = {whose: f"{sum(lead > 0 for lead in each)} of {len(each)}" for whose, each in leads.items()}
    yield Claim(
        "DSN's PSNR is higher than that of every other method, on every set at every scale",
        min(leads["ours"]) > 0,
        f"ours is ahead of the others' published figures in {ahead['ours']} rows; the paper's own in {ahead['theirs']}",
    )
    yield (
        "*twin*, beside the paper's DSN, is the shipped `twin-y-x2`, `-x3` or `-x4`: our pair, which takes fewer "
        "multiply-adds (`twinscale models list`) and was trained on more pictures. Other networks' figures are the "
        "paper's, for orientation."
    )
    yield networks.pair_budget(reproduction, 2, 3, 4)


# Set, file and what is drawn, rows and columns, of each picture.
_SHOWN = {
    "253027": ("BSD100", "253027", (slice(60, 180), slice(160, 280))),
    "ppt3": ("Set14", "ppt3", (slice(240, 360), slice(30, 150))),
    "img002": ("Urban100", "img_002_SRF_4_HR", (slice(440, 560), slice(680, 800))),
}


def figure_8(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 8."""
    protocol = Protocol(3, "y")
    recipes = {name: networks.network(name) for name in ("srcnn-955", "fsrcnn", "vdsr")}
    methods = {"bicubic": bicubic(protocol)}
    methods |= {NAMES[name]: reproduction.rescaler(recipe) for name, recipe in recipes.items()}
    methods["DSN"] = networks.pair_rescaler(reproduction, protocol)
    rows, leads, tiles = [], {}, []
    for shown, (dataset, stem, detail) in _SHOWN.items():
        (path,) = (path for path in find_pictures(dataset) if path.stem == stem)
        planes = Picture.read(path).planes()
        trials = {name: Trial.of(rescaler, protocol, planes) for name, rescaler in methods.items()}
        scores = {name: trial.scores(protocol) for name, trial in trials.items()}
        rows += [ComparisonRow((shown, name), None, Value.of(each)) for name, each in scores.items()]
        leads[shown] = scores["DSN"].psnr_y - max(each.psnr_y for name, each in scores.items() if name != "DSN")
        tiles.append(
            {f"{shown}, original": to_pixels(trials["DSN"].truth, np.uint8)[detail]}
            | {
                f"{name}: {scores[name].psnr_y:.2f} dB": to_pixels(trial.result, np.uint8)[detail]
                for name, trial in trials.items()
            }
        )
    yield Comparison("x3, luminance", ("picture", "network"), "dB / SSIM; only inside the figure", rows)
    yield Claim(
        "DSN is closest to the original",
        min(leads.values()) > 0,
        "its lead in PSNR: " + ", ".join(f"{shown} {lead:+.2f} dB" for shown, lead in leads.items()),
    )
    yield Figure(
        "dsn-fig-8.png",
        "details of the three pictures, luminance, each pixel as 2x2. Whether DSN's patterns, text and lines are "
        "sharper is for the eye.",
        SideBySide(tiles, zoom=2),
        is_private=True,
    )
    yield f"{reproduction.budget(recipes.values())} {networks.pair_budget(reproduction, 3)}"


def figure_9(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 9."""
    recipes = {name: networks.network(name) for name in ("srcnn-955", "fsrcnn", "espcn", "vdsr", "upsnet")}
    table_3, table_4 = published_table("dsn", "table-3")["Set5"], published_table("dsn", "table-4")["Set5 x3"]
    published = {name: table_3[f"{NAMES[name]}, bicubic"] for name in ("srcnn-955", "vdsr", "upsnet")}
    published["fsrcnn"] = table_4["FSRCNN"]
    psnr = {name: reproduction.score(recipe, "Set5").psnr_y for name, recipe in recipes.items()}
    together = _pair_scores(reproduction, 3, "Set5").psnr_y
    built = {name: untrained(recipe) for name, recipe in recipes.items()}
    times = dict(zip(built, milliseconds(built.values()), strict=True))
    points = {NAMES[name]: (times[name], psnr[name]) for name in recipes}
    points["DSN (Up-SNet, co-trained)"] = (times["upsnet"], together)
    yield Figure(
        "dsn-fig-9.png",
        "Accuracy against time of the enlarging network, x3.",
        TradeOff(points, "milliseconds per megapixel, this machine", "Set5 x3, PSNR (dB)"),
    )
    accuracy = [
        ComparisonRow((NAMES[name],), Value.or_none(published.get(name)), Value(psnr[name])) for name in recipes
    ]
    accuracy.append(ComparisonRow(("DSN, co-trained",), Value(table_4["DSN"]), Value(together)))
    yield Comparison("Set5 x3, on the bicubic reduction, and DSN on its own", ("network",), "dB", accuracy)
    yield Comparison(
        "Time on the machine that wrote this page, by the median of three rounds in which the networks take turns",
        ("network", "thousand parameters", "thousand multiply-adds per pixel"),
        "ms per megapixel; the paper only draws it",
        [
            ComparisonRow(
                (
                    NAMES[name],
                    f"{sum(parameter.numel() for parameter in network.parameters()) / 1e3:.1f}",
                    f"{multiply_adds(network) / 1e3:.1f}",
                ),
                None,
                Value(times[name]),
            )
            for name, network in built.items()
        ],
        digits=(0, 0),
    )
    yield Claim(
        "DSN restores better than the other methods",
        together > max(psnr.values()),
        f"{together:.2f} dB against {max(psnr.values()):.2f} dB",
    )
    slower = times["vdsr"] / times["upsnet"]
    yield Claim("Up-SNet is faster than VDSR", slower > 1, f"VDSR takes {slower:.0f} times as long")
    yield f"{reproduction.budget(recipes.values())} {networks.pair_budget(reproduction, 3)}"
