"""Fig. 5, Table 3 and Section 5.4: what SRCNN's filters look like, and how many and how large they should be."""

import functools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from twinscale.benchmark.timing import medians
from twinscale.drawings import FilterGrid
from twinscale.engine import Operation, run
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.published import published_table
from twinscale.nets.srcnn import SRCNN
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value
from twinscale.papers.reproduction import Reproduction, multiply_adds, planes_of, untrained
from twinscale.papers.srcnn import networks
from twinscale.papers.srcnn.methods import published_results
from twinscale.training.build import build
from twinscale.training.export import load_weights
from twinscale.training.recipe import Recipe
from twinscale.training.rescaler import exported
from twinscale.zoo import load_card


def figure_5(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 5."""
    initial = {} if reproduction.is_full else {"init": "paper"}  # the paper's recipe starts from nothing else
    recipe = networks.learning_recipe(reproduction, "t91", 2, **initial)
    shipped = build(Recipe.load("srcnn-x2"))
    assert isinstance(shipped, SRCNN)
    shipped.load_state_dict(load_weights(load_card("srcnn-x2"), shipped))
    compared = {
        "trained here on T91": networks.trained_network(reproduction, recipe),
        "the shipped srcnn-x2": shipped.eval(),
    }
    rows, dead = [], {}
    for (name, network), file in zip(compared.items(), ("srcnn-fig-5.png", "srcnn-fig-5-shipped.png"), strict=True):
        weights = _first_layer(network).weight.detach()[:, 0].numpy()
        by_variance = weights[np.argsort(-weights.var(axis=(1, 2)))]
        yield Figure(file, f"First-layer filters x2 by variance, {name}; zero is grey.", FilterGrid(by_variance))
        largest = np.abs(weights).max(axis=(1, 2))
        dead[name] = int((largest < largest.max() / 10).sum())
        rows.append(ComparisonRow((name, "no weight above a tenth of all filters' largest"), None, Value(dead[name])))
        rows.append(ComparisonRow((name, "no response above zero on Set5"), None, Value(_silent(network))))
    yield Comparison("Dead filters among the 64", ("network", ""), "the paper sees some", rows, digits=(0, 0))
    of_t91, of_shipped = dead.values()
    yield Claim("Some filters are dead, all their weights nearly zero", of_t91 > 0, f"{of_t91}; {of_shipped} shipped")
    yield (
        "The network trained here starts from the paper's weights, N(0, 0.001²): whatever its filters show was "
        "learnt. The shipped one, trained on photographs, starts from weights that keep the variance, and from one "
        'filter, `init = "identity"`, whose single bright pixel passes the enlargement through.'
    )
    yield reproduction.budget([recipe])


def _first_layer(network: SRCNN) -> torch.nn.Conv2d:
    layer = network.convs[0]
    assert isinstance(layer, torch.nn.Conv2d)
    return layer


@torch.no_grad()
def _silent(network: SRCNN) -> int:
    """Count the maps of the first layer that are zero on all of Set5 after their ReLU."""
    protocol, layer = Protocol(network.scale, "y"), _first_layer(network)
    highest = torch.full((layer.out_channels,), -torch.inf)
    for planes in planes_of("Set5"):
        enlarged = protocol.enlarge(protocol.reduce(protocol.truth(planes))).astype(np.float32)
        maps: Tensor = layer(torch.from_numpy(enlarged).permute(2, 0, 1)[None])
        highest = torch.maximum(highest, maps.amax(dim=(0, 2, 3)))
    return int((highest <= 0).sum())


class _Figures(NamedTuple):
    """Figures of networks that differ in their sizes, by size."""

    psnr: dict[str, float]
    """dB on Set5."""
    seconds: dict[str, float]
    """Per picture; those that are not known are missing."""


_DEFAULT_NUMBER, _DEFAULT_SIZE, _LARGER_SIZE = "64, 32", "9, 1, 5", "11, 1, 7"


def table_3(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 3."""
    published = _published_table_3()
    recipes = {
        numbers: networks.learning_recipe(reproduction, "all", filters=_integers(numbers)) for numbers in published.psnr
    }
    recipes[_DEFAULT_NUMBER] = networks.learning_recipe(reproduction, "all")  # the same network as in Fig. 6
    ours = _measured(reproduction, recipes, _DEFAULT_NUMBER)
    yield from _beside_each_other("n1, n2", recipes, _DEFAULT_NUMBER, published, ours)
    order, seconds = list(ours.psnr.values()), list(ours.seconds.values())
    yield Claim(
        "The more filters, the better",
        order == sorted(order, reverse=True),
        ", ".join(f"{each:.2f} dB" for each in order),
    )
    yield Claim("The fewer filters, the faster", seconds == sorted(seconds, reverse=True))
    anr = published_results("table-1", 3).psnr["average"]["ANR"]
    yield Claim(
        "Even the small network is better than the other methods",
        order[-1] > anr,
        f"{order[-1]:.2f} dB against the {anr} dB of ANR",
    )
    yield _EQUAL_STEPS
    yield reproduction.budget(recipes.values())


def section_5_4(reproduction: Reproduction) -> Iterator[Block]:
    """Compare the sizes of filters as Section 5.4 does."""
    default, larger = _published_table_3(), published_table("srcnn", "section-5-4")[_LARGER_SIZE]["SRCNN"]
    published = _Figures(
        {_DEFAULT_SIZE: default.psnr[_DEFAULT_NUMBER], _LARGER_SIZE: larger},
        {_DEFAULT_SIZE: default.seconds[_DEFAULT_NUMBER]},
    )
    recipes = {
        _DEFAULT_SIZE: networks.learning_recipe(reproduction, "all"),
        _LARGER_SIZE: networks.learning_recipe(reproduction, "all", kernels=_integers(_LARGER_SIZE)),
    }
    ours = _measured(reproduction, recipes, _DEFAULT_SIZE)
    yield from _beside_each_other("f1, f2, f3", recipes, _DEFAULT_SIZE, published, ours)
    theirs, gain = (psnr[_LARGER_SIZE] - psnr[_DEFAULT_SIZE] for psnr in (published.psnr, ours.psnr))
    yield Claim("Larger filters are slightly better", gain > 0, f"{gain:+.2f} dB; in the paper {theirs:+.2f} dB")
    yield Claim("They are slower", ours.seconds[_LARGER_SIZE] > ours.seconds[_DEFAULT_SIZE])
    yield _EQUAL_STEPS
    yield reproduction.budget(recipes.values())


_EQUAL_STEPS = (
    "All take equally many steps, so that larger ones train longer: without `--full`, as many as the network of the "
    "main evaluations (9-1-5; 64, 32) takes in the time given."
)


def _published_table_3() -> _Figures:
    psnr, seconds = (published_table("srcnn", "table-3", quantity) for quantity in ("PSNR", "seconds"))
    return _Figures(*({row: figures["SRCNN"] for row, figures in table.items()} for table in (psnr, seconds)))


def _integers(sizes: str) -> list[int]:
    return [int(size) for size in sizes.split(", ")]


def _measured(reproduction: Reproduction, recipes: Mapping[str, Recipe], default: str) -> _Figures:
    """Measure what networks reach and take; the default trains first and sets the steps of all."""
    reproduction.keep_pace(recipes[default], recipes.values())
    for recipe in (recipes[default], *recipes.values()):
        networks.trained(reproduction, recipe)
    psnr = {sizes: reproduction.score(recipe, "Set5").psnr_y for sizes, recipe in recipes.items()}
    return _Figures(psnr, dict(zip(recipes, _seconds(list(recipes.values())), strict=True)))


def _beside_each_other(
    what: str, recipes: Mapping[str, Recipe], default: str, published: _Figures, ours: _Figures
) -> Iterator[Block]:
    """Compare PSNR and time of the networks, and the time as a multiple of the default's."""
    rows, times = [], []
    for sizes, recipe in recipes.items():
        network = untrained(recipe)
        thousands = (sum(p.numel() for p in network.parameters()) / 1e3, multiply_adds(network) / 1e3)
        labels = (sizes, *(f"{each:.1f}" for each in thousands))
        rows.append(ComparisonRow(labels, Value(published.psnr[sizes]), Value(ours.psnr[sizes])))
        theirs, seconds = published.seconds.get(sizes), ours.seconds[sizes]
        multiple = theirs and theirs / published.seconds[default]
        times.append(ComparisonRow((sizes, "seconds"), Value.or_none(theirs), Value(seconds)))
        times.append(
            ComparisonRow((sizes, "multiple"), Value.or_none(multiple), Value(seconds / ours.seconds[default]))
        )
    yield Comparison("Set5 x3", (what, "thousand parameters", "thousand multiply-adds per pixel"), "dB", rows)
    yield Comparison("Time per picture, average over Set5", (what, ""), "the paper's machine", times)


def _seconds(recipes: list[Recipe]) -> list[float]:
    """Measure the time per picture of Set5 x3 in the network, the median of three rounds in turns."""
    protocol = Protocol(3, "y")
    truths = [protocol.truth(planes) for planes in planes_of("Set5")]
    enlarged = [protocol.enlarge(protocol.reduce(truth)).astype(np.float32) for truth in truths]

    def all_of(operation: Operation) -> None:
        for planes in enlarged:
            run(operation, planes, dtype=np.float32)

    turns = [functools.partial(all_of, exported(network)) for network in map(untrained, recipes)]
    return [milliseconds / 1000 for milliseconds in medians(3, *turns, per=len(enlarged))]
