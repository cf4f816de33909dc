"""Ding, "Image Super-Resolution Using Convolutional Neural Network": what it published, reproduced."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from twinscale.benchmark.timing import medians
from twinscale.drawings import LogCurves, SideBySide
from twinscale.evaluation.protocol import Protocol, Scores
from twinscale.evaluation.published import published_table
from twinscale.evaluation.trial import Trial, bicubic
from twinscale.images.levels import to_pixels, to_planes
from twinscale.nets.small_cnns import SmallCNN, Variant
from twinscale.papers.paper import Item, Paper
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction, Trained, milliseconds, multiply_adds, planes_of, untrained
from twinscale.training.build import build
from twinscale.training.cpu import usable_precision
from twinscale.training.learner import Learner
from twinscale.training.mixed import open_fabric
from twinscale.training.recipe import Recipe
from twinscale.training.rescaler import as_trained
from twinscale.training.validation import validate

NAMES: dict[Variant, str] = {
    "small": "CNN_SMALL",
    "medium": "CNN_MEDIUM",
    "deep": "CNN_DEEP",
    "waifu2x": "waifu2x CNN",
}
RECIPES: dict[Variant, str] = {
    "small": "cnn-small-x2",
    "medium": "cnn-medium-x2",
    "deep": "cnn-deep-x2",
    "waifu2x": "waifu2x-cnn-x2",
}

_EPOCHS, _TENTHS = 100, 10
_SHOWN = (5, 50, 100)  # the epochs of Table 7
_PROTOCOL = Protocol(2, "rgb")
_TEST_SETS = ("Set5", "Set14")  # the larger sets take the deep networks an hour


def _recipe(variant: Variant) -> Recipe:
    """Load the shipped recipe with two of its ten validation pictures: all would take longer than a short training."""
    recipe = Recipe.load(RECIPES[variant])
    return replace(recipe, data=replace(recipe.data, validation=recipe.data.validation[::5]))


def _as_printed(variant: Variant) -> Recipe:
    """Return the recipe with one channel in and three out."""
    recipe = _recipe(variant)
    network = replace(recipe.network, parameters={**recipe.network.parameters, "luminance_input": True})
    return replace(recipe, name=f"{recipe.name}-as-printed", network=network)


def _step(recipe: Recipe, epoch: int) -> int:
    """Return the recipe's step at which an epoch ends."""
    return epoch * recipe.optimisation.steps // _EPOCHS


def _trained(reproduction: Reproduction, recipe: Recipe) -> Trained:
    return reproduction.trained(recipe, snapshots=[_step(recipe, epoch) for epoch in _SHOWN])


def _all_trained(reproduction: Reproduction) -> dict[Variant, Trained]:
    """Train all four with equally many steps: the first times the budget for all, so the paper's slowest goes first."""
    recipes = {variant: _recipe(variant) for variant in reversed(NAMES)}
    reproduction.keep_pace(recipes["waifu2x"], [*recipes.values(), _as_printed("small")])
    trained = {variant: _trained(reproduction, recipe) for variant, recipe in recipes.items()}
    return {variant: trained[variant] for variant in NAMES}


def _budget(trained: dict[Variant, Trained]) -> str:
    return (
        "Trained by our own recipe: " + "; ".join(f"{NAMES[variant]} {made}" for variant, made in trained.items()) + "."
    )


def _test_sets(reproduction: Reproduction) -> list[str]:
    return [dataset for dataset in _TEST_SETS if dataset in reproduction.sets] or reproduction.sets


def _training_loss(made: Trained) -> list[tuple[float, float]]:
    """Return epoch and training loss, mean over tenths of the run: fewer steps see too few crops to say much."""
    steps, losses = np.array(made.training_loss).T
    taken, tenths = np.diff(steps, prepend=0), np.ceil(_TENTHS * steps / made.steps).astype(int)
    total, count = np.bincount(tenths, taken * losses), np.bincount(tenths, taken)
    return [(_EPOCHS * tenth / _TENTHS, float(total[tenth] / count[tenth])) for tenth in np.flatnonzero(count)]


def _tables_1_to_4(reproduction: Reproduction) -> Iterator[Block]:
    for number, (variant, name) in enumerate(NAMES.items(), 1):
        published = published_table("small_cnns", f"table-{number}")["parameters"]
        as_printed = SmallCNN(2, variant=variant, luminance_input=True).convs
        in_rgb = SmallCNN(2, variant=variant).convs
        rows = []
        for (layer, theirs), conv, other in zip(published.items(), as_printed, in_rgb, strict=True):
            channels = f"{conv.in_channels} → {conv.out_channels}"
            rows.append(ComparisonRow((layer, channels, f"{_size(other)}"), Value(theirs), Value(_size(conv))))
        total = Value(sum(published.values()))
        rows.append(ComparisonRow(("all", "", f"{_size(in_rgb)}"), total, Value(_size(as_printed))))
        labels = ("", "channels", "parameters with RGB in")
        yield Comparison(f"Table {number}: {name}", labels, "parameters", rows, digits=(0, 0))
    yield (
        "As printed, one channel comes in and three go out. Colour cannot be read off luminance, so the networks below "
        "take RGB, which only the first layer notices; Table 6 shows what becomes of the printed shape."
    )


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _table_6(reproduction: Reproduction) -> Iterator[Block]:
    trained, dataset = _all_trained(reproduction), _test_sets(reproduction)[0]
    pictures = planes_of(dataset)
    published = published_table("small_cnns", "table-6")
    best = {variant: _best_loss(reproduction, _recipe(variant), pictures) for variant in NAMES}
    losses: dict[str, dict[Variant, float]] = {
        "training": {variant: _training_loss(made)[-1][1] for variant, made in trained.items()},
        "validation": {variant: made.validation_loss[-1][1] for variant, made in trained.items()},
        "best test": best,
    }
    per_step = _seconds_per_step([_recipe(variant) for variant in NAMES])
    seconds = {variant: trained[variant].steps * each for variant, each in zip(NAMES, per_step, strict=True)}
    thousands = {variant: multiply_adds(untrained(_recipe(variant))) / 1e3 for variant in NAMES}
    yield Comparison(
        f"Loss: mean squared error over R, G and B in [0, 1]; test on {dataset}",
        ("network", "loss"),
        "MSE",
        [
            ComparisonRow((name, kind), Value(published[kind][name]), Value(ours[variant]))
            for variant, name in NAMES.items()
            for kind, ours in losses.items()
        ]
        + [ComparisonRow(("bicubic", "test"), None, Value(_bicubic_loss(pictures)))],
        digits=(6, 0),
    )
    yield Comparison(
        "Training time, by the median of steps that the networks take in turns",
        ("network", "thousand multiply-adds per pixel"),
        "s",
        [
            ComparisonRow((name, f"{thousands[variant]:.0f}"), Value(published["time"][name]), Value(seconds[variant]))
            for variant, name in NAMES.items()
        ],
        digits=(0, 0),
    )
    yield Claim(
        "The more layers, the lower the loss",
        best["small"] > best["medium"] > best["deep"],
        f"best test with 3, 5 and 7 layers {_listed([best['small'], best['medium'], best['deep']])}",
    )
    yield Claim(
        "The more layers, the longer the training",
        seconds["small"] < seconds["medium"] < seconds["deep"],
        f"{seconds['small']:.0f}, {seconds['medium']:.0f} and {seconds['deep']:.0f} s",
    )
    yield Claim(
        "CNN_DEEP and the waifu2x CNN lead",
        max(best["deep"], best["waifu2x"]) < min(best["small"], best["medium"]),
        f"best test {_listed([best['deep'], best['waifu2x']])} against {_listed([best['small'], best['medium']])}",
    )
    yield Claim(
        "CNN_DEEP's loss is lower than the waifu2x CNN's",
        best["deep"] < best["waifu2x"],
        "; ".join(f"{kind} {_listed([ours['deep'], ours['waifu2x']])}" for kind, ours in losses.items()),
    )
    yield Claim(
        "CNN_DEEP trains in a tenth less time than the waifu2x CNN",
        seconds["deep"] <= 0.9 * seconds["waifu2x"],
        f"{seconds['deep'] / seconds['waifu2x']:.2f} times as long, with "
        f"{thousands['deep'] / thousands['waifu2x']:.2f} times the multiply-adds and as many feature maps in all",
    )
    as_printed = _as_printed("small")
    _trained(reproduction, as_printed)
    grey, in_colour = _best_loss(reproduction, as_printed, pictures), published["best test"][NAMES["small"]]
    yield (
        "Losses depend on the pictures, so compare their order and not their size. The training loss is the mean over "
        f"the last tenth of the run, the best test loss the lowest of epochs {_listed_epochs()}. In the paper's own "
        "validation the waifu2x CNN is ahead of CNN_DEEP. With one channel in, as Table 1 prints it, CNN_SMALL's "
        f"best test loss is {grey:.6f}, {grey / in_colour:.0f} times the published one."
    )
    yield _budget(trained)


def _seconds_per_step(recipes: list[Recipe]) -> list[float]:
    """Return medians of training steps taken in turns, so that a busy machine slows all networks alike."""
    spec, data = recipes[0].optimisation, recipes[0].data
    fabric = open_fabric("auto", 1, usable_precision(spec.precision, "auto"))
    fabric.launch()
    batch = torch.rand(data.batch, 3, data.crop, data.crop, device=fabric.device)
    learners = [Learner(build(recipe), spec, fabric) for recipe in recipes]
    steps = [lambda learner=learner: learner.step(0, batch, batch).item() for learner in learners]
    return [median / 1000 for median in medians(15, *steps)]


def _best_loss(reproduction: Reproduction, recipe: Recipe, pictures: list[NDArray]) -> float:
    """Return the lowest mean squared error, mean over the pictures, of the epochs that were kept."""
    networks = (reproduction.network(recipe, at=_step(recipe, epoch)) for epoch in _SHOWN)
    return min(validate(network, pictures, recipe).loss for network in networks)


def _bicubic_loss(pictures: list[NDArray]) -> float:
    trials = [Trial.of(bicubic(_PROTOCOL), _PROTOCOL, planes) for planes in pictures]
    return float(np.mean([np.mean((trial.result - trial.truth) ** 2) for trial in trials]))


def _listed(losses: list[float]) -> str:
    return ", ".join(f"{loss:.6f}" for loss in losses)


def _listed_epochs() -> str:
    *first, last = _SHOWN
    return f"{', '.join(map(str, first))} and {last}"


def _figures_5_to_8(reproduction: Reproduction) -> Iterator[Block]:
    trained = _all_trained(reproduction)
    panels = {
        f"Fig. {number}: {NAMES[variant]}": {
            "training": _training_loss(made),
            "validation": [(_EPOCHS * step / made.steps, loss) for step, loss in made.validation_loss],
        }
        for number, (variant, made) in enumerate(trained.items(), 5)
    }
    yield Figure(
        "small-cnns-fig-5.png",
        "Training loss, mean over ten epochs of the same crops for all, and validation loss.",
        LogCurves(panels, "epoch", "mean squared error"),
    )
    yield _budget(trained)


def _table_7(reproduction: Reproduction) -> Iterator[Block]:
    import skimage.data

    trained = _all_trained(reproduction)
    astronaut: NDArray[np.uint8] = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    detail = to_planes(astronaut[60:180, 165:285])
    rows: list[dict[str, NDArray[np.uint8]]] = []
    reached: dict[int, dict[Variant, float]] = {epoch: {} for epoch in _SHOWN}
    for variant, name in NAMES.items():
        recipe = _recipe(variant)
        row = {}
        for epoch in _SHOWN:
            network = reproduction.network(recipe, at=_step(recipe, epoch))
            trial = Trial.of(as_trained(network, recipe.network, recipe.data), _PROTOCOL, detail)
            reached[epoch][variant] = trial.scores(_PROTOCOL).psnr_y
            row[f"{name}, epoch {epoch}: {reached[epoch][variant]:.2f} dB"] = to_pixels(trial.result, np.uint8)
        given = Trial.of(bicubic(_PROTOCOL), _PROTOCOL, detail)
        shown = {f"input: {given.scores(_PROTOCOL).psnr_y:.2f} dB": to_pixels(given.result, np.uint8)}
        rows.append({**shown, **row, "truth": to_pixels(given.truth, np.uint8)})
    yield Figure(
        "small-cnns-table-7.png",
        "A detail of scikit-image's astronaut, PSNR on luminance; each pixel is shown as 2x2.",
        SideBySide(rows, zoom=2),
    )
    for epoch, at in reached.items():
        yield Claim(
            f"At epoch {epoch} CNN_DEEP and the waifu2x CNN do better than CNN_SMALL and CNN_MEDIUM",
            min(at["deep"], at["waifu2x"]) > max(at["small"], at["medium"]),
            ", ".join(f"{NAMES[variant]} {psnr:.2f}" for variant, psnr in at.items()) + " dB",
        )
    yield _budget(trained)


def _worth(reproduction: Reproduction) -> Iterator[Block]:
    trained = _all_trained(reproduction)
    recipes = {name: _recipe(variant) for variant, name in NAMES.items()}
    rows, psnr = [], {}
    for dataset in _test_sets(reproduction):
        pictures = planes_of(dataset)
        scores = {"bicubic": _bicubic(pictures), "srcnn-x2": reproduction.shipped("srcnn-x2", dataset)}
        scores |= {name: reproduction.score(recipe, dataset) for name, recipe in recipes.items()}
        rows += [ComparisonRow((dataset, name), None, Value.of(ours)) for name, ours in scores.items()]
        psnr[dataset] = {name: ours.psnr_y for name, ours in scores.items()}
    yield Comparison("x2, luminance", ("set", "network"), "none in the paper; dB / SSIM", rows)
    networks = {name: untrained(recipe) for name, recipe in {"srcnn-x2": Recipe.load("srcnn-x2"), **recipes}.items()}
    times = dict(zip(networks, milliseconds(networks.values()), strict=True))
    thousands = {name: multiply_adds(network) / 1e3 for name, network in networks.items()}
    yield Comparison(
        "Time on the machine that wrote this page",
        ("network", "thousand multiply-adds per pixel"),
        "none in the paper; ms per megapixel",
        [ComparisonRow((name, f"{thousands[name]:.1f}"), None, Value(times[name])) for name in networks],
        digits=(0, 0),
    )
    for dataset, reached in psnr.items():
        best = max(recipes, key=reached.__getitem__)
        yield (
            f"Best of the four on {dataset}: {best}, {reached[best] - reached['bicubic']:+.2f} dB on bicubic "
            f"enlargement and {reached[best] - reached['srcnn-x2']:+.2f} dB on `srcnn-x2`, with "
            f"{thousands[best] / thousands['srcnn-x2']:.1f} times its multiply-adds."
        )
    shipped = "`srcnn-x2` works on luminance and trained as long as its card says: `twinscale models show srcnn-x2`."
    yield f"{_budget(trained)} {shipped}"


def _bicubic(pictures: list[NDArray]) -> Scores:
    trials = [Trial.of(bicubic(_PROTOCOL), _PROTOCOL, planes) for planes in pictures]
    return Scores.mean([trial.scores(_PROTOCOL) for trial in trials])


PAPER = Paper(
    name="small_cnns",
    citation='Ding: "Image Super-Resolution Using Convolutional Neural Network"',
    introduction=(
        "Four small networks on the bicubic enlargement, x2, in RGB, by docs/protocol.md; trained on OpenPhotos and "
        "CameraPhotos in place of 5000 photographs from PEXELS, with two pictures set apart for validation. All four "
        "take equally many steps on the same crops: as many as the waifu2x CNN, the paper's slowest, takes in its "
        "time. The paper's are 100 epochs of stochastic gradient descent; an epoch here is a hundredth of the run, "
        "by Adam. Fig. 1 to 4 show the task, examples of the pictures and the layers of Tables 1 and 4; Table 5 "
        "lists the author's source files."
    ),
    items=[
        Item("tables-1-4", "Tables 1 to 4: the networks, layer by layer", _tables_1_to_4),
        Item("table-6", "Table 6: loss and training time", _table_6),
        Item("fig-5-8", "Fig. 5 to 8: loss against the epoch", _figures_5_to_8),
        Item("table-7", "Table 7: one picture during training", _table_7),
        Item("worth", "Beyond the paper: which is worth its time", _worth),
    ],
)
