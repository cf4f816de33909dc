"""Fig. 1 and 6 and Section 4: how SRCNN learns, from which pictures and by which recipe."""

from collections.abc import Callable, Iterator, Mapping

from twinscale.drawings import Convergence
from twinscale.evaluation.published import published_table
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Figure, Value, table
from twinscale.papers.reproduction import Reproduction, planes_of
from twinscale.papers.srcnn import networks
from twinscale.papers.srcnn.methods import published_results
from twinscale.papers.srcnn.networks import BACKPROPAGATIONS, PICTURES
from twinscale.training.data import validation_examples
from twinscale.training.recipe import Recipe
from twinscale.training.split import split_pictures

_PUBLISHED = published_results("table-1", 3).psnr["average"]


def figure_1(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 1."""
    from_zero = "from the paper's small random weights"
    if reproduction.is_full:
        recipes = {from_zero: networks.paper_recipe()}
    else:
        recipes = {
            "from bicubic enlargement": networks.our_recipe("t91"),
            from_zero: networks.our_recipe("t91", init="paper"),
        }
    lines = {name: networks.convergence(reproduction, recipe) for name, recipe in recipes.items()}
    levels = {method: _PUBLISHED[method] for method in ("SC", "bicubic")}
    yield _convergence_figure("srcnn-fig-1.png", "Set5 x3 while SRCNN learns from T91.", lines, levels)
    for method, text in (
        ("bicubic", "SRCNN surpasses bicubic enlargement with just a few training iterations"),
        ("SC", "SRCNN outperforms SC with moderate training"),
    ):
        passed = {name: _first_above(points, levels[method]) for name, points in lines.items()}
        yield Claim(
            text,
            all(passed.values()),
            "; ".join(f"{name}: {_reached(at)}" for name, at in passed.items())
            + f"; the paper trains for {BACKPROPAGATIONS:.0e}",
        )
    if not reproduction.is_full:
        yield (
            "Our recipe starts from a network that passes the enlargement through. The second line starts as the "
            "paper's does, from black, but learns by our optimiser; what the paper's own recipe does in this time "
            "stands at the end of this page."
        )
    yield reproduction.budget(recipes.values())


def _first_above(points: list[tuple[float, float]], level: float) -> float | None:
    """Return where the first point above a level lies."""
    return next((x for x, y in points if y > level), None)


def _reached(at: float | None) -> str:
    return "not reached" if at is None else f"by {at:.0f} backpropagations"


def _convergence_figure(
    file: str, caption: str, lines: Mapping[str, list[tuple[float, float]]], levels: Mapping[str, float]
) -> Figure:
    return Figure(file, caption, Convergence(lines, levels, "backpropagations", "Set5 x3, PSNR (dB)"))


def figure_6(reproduction: Reproduction) -> Iterator[Block]:
    """Make Fig. 6."""
    few, many = (networks.learning_recipe(reproduction, pictures) for pictures in ("t91", "all"))
    lines = {
        "SRCNN, T91": networks.convergence(reproduction, few),
        "SRCNN, all pictures": networks.convergence(reproduction, many),
    }
    others = {method: psnr for method, psnr in _PUBLISHED.items() if method != "SRCNN"}
    levels = dict(sorted(others.items(), key=lambda level: -level[1]))
    yield _convergence_figure("srcnn-fig-6.png", "Set5 x3 by what SRCNN learns from, and other methods.", lines, levels)
    last = {name: points[-1][1] for name, points in lines.items()}
    on_imagenet = published_table("srcnn", "table-3")["64, 32"]["SRCNN"]
    shipped = reproduction.shipped("srcnn-x3", "Set5").psnr_y
    yield Comparison(
        "Set5 x3 after equally many backpropagations",
        ("trained on, in the paper", "here"),
        "dB",
        [
            ComparisonRow(("91 pictures", "T91"), Value(_PUBLISHED["SRCNN"]), Value(last["SRCNN, T91"])),
            ComparisonRow(
                ("ImageNet", ", ".join(PICTURES["all"])),
                Value(on_imagenet),
                Value(last["SRCNN, all pictures"]),
            ),
            ComparisonRow(("", "the shipped srcnn-x3, on photographs alone"), None, Value(shipped)),
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
    gain = last["SRCNN, all pictures"] - last["SRCNN, T91"]
    yield Claim(
        "The larger training set gives the better network",
        gain > 0,
        f"{gain:+.2f} dB; in the paper {on_imagenet - _PUBLISHED['SRCNN']:+.2f} dB",
    )
    yield (
        f"The paper's networks differ by so much after {BACKPROPAGATIONS:.0e} backpropagations; these took "
        f"{networks.trained(reproduction, few).steps * few.data.batch:.1e} and "
        f"{networks.trained(reproduction, many).steps * many.data.batch:.1e}."
    )
    yield reproduction.budget([few, many])


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
        "one path passes the enlargement through, the rest keeps the variance"
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


def two_recipes(reproduction: Reproduction) -> Iterator[Block]:
    """Compare the recipe of Section 4 with ours."""
    ours, of_paper = networks.our_recipe("t91"), networks.paper_recipe()
    names = {"the paper's": of_paper, "ours": ours}
    lines = [["", *(f"{name}, `{recipe.name}`" for name, recipe in names.items())], ["---"] * 3]
    lines += [[what, *(describe(recipe) for recipe in names.values())] for what, describe in _DIFFERENCES.items()]
    yield table(lines)
    curves = {name: networks.convergence(reproduction, recipe) for name, recipe in reversed(names.items())}
    levels = {"bicubic": _PUBLISHED["bicubic"]}
    yield _convergence_figure("srcnn-recipe.png", "Set5 x3 by both recipes; both learn from T91.", curves, levels)
    published = _PUBLISHED["SRCNN"]
    rows = []
    for name, recipe in names.items():
        network = networks.trained_network(reproduction, recipe)
        pictures = validation_examples(split_pictures(recipe.data)[1])
        rows.append(ComparisonRow((name, "validation"), None, Value(networks.mean_psnr(network, recipe, pictures))))
        of_it = Value(published) if name == "the paper's" else None
        rows.append(ComparisonRow((name, "Set5"), of_it, Value(networks.mean_psnr(network, recipe, planes_of("Set5")))))
    yield Comparison("x3 by the protocol", ("recipe", ""), f"dB, after {BACKPROPAGATIONS:.0e} backpropagations", rows)
    taken = networks.trained(reproduction, of_paper).steps * of_paper.data.batch
    yield (
        f"Neither pads while it trains. The paper's recipe took {taken:.1e} of its {BACKPROPAGATIONS:.0e} "
        f"backpropagations, one in {BACKPROPAGATIONS / taken:.0f}. It starts from weights so small that every layer "
        "dampens the gradient of the one before it. It names neither batch nor blur; the batch here makes a step "
        "cost as much as one of ours."
    )
    yield reproduction.budget([of_paper, ours])
