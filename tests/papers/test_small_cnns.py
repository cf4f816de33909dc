"""The four networks beside the printed ones, and every item on tiny pictures."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("matplotlib")
pytest.importorskip("skimage")

from twinscale.engine import Operation  # noqa: E402
from twinscale.evaluation.published import published_table  # noqa: E402
from twinscale.nets.small_cnns import WIDTHS  # noqa: E402
from twinscale.papers import reproduction as reproduction_module  # noqa: E402
from twinscale.papers import small_cnns  # noqa: E402
from twinscale.papers.report import Claim, Comparison, Figure  # noqa: E402
from twinscale.papers.reproduction import Reproduction, Trained  # noqa: E402
from twinscale.papers.small_cnns import NAMES, PAPER, RECIPES  # noqa: E402
from twinscale.training.recipe import Recipe  # noqa: E402


def test_the_networks_are_as_wide_as_printed() -> None:
    for number, widths in enumerate(WIDTHS.values(), 1):
        printed = published_table("small_cnns", f"table-{number}")["out channels"]
        assert [*widths, 3] == list(printed.values())


def test_the_four_differ_in_their_network_only() -> None:
    recipes = {variant: Recipe.load(name) for variant, name in RECIPES.items()}
    for variant, recipe in recipes.items():
        assert recipe.network.parameters == {"variant": variant}
        same = replace(recipe, name="", description="", network=recipes["small"].network)
        assert same == replace(recipes["small"], name="", description="")


def test_training_loss_is_the_mean_over_tenths() -> None:
    logged = [(step, float(step)) for step in range(5, 101, 5)] + [(102, 1000.0)]
    made = Trained("", "", 102, 1.0, "", 30.0, [], logged)
    (first, *_, last) = points = small_cnns._training_loss(made)
    assert [epoch for epoch, _ in points] == list(range(10, 101, 10))
    assert first == (10, (5 * 5 + 5 * 10) / 10)  # steps 1 to 10; a tenth ends at 10.2
    assert last == (100, pytest.approx((5 * 95 + 5 * 100 + 2 * 1000) / 12))


@pytest.fixture
def reproduction(tmp_path, monkeypatch) -> Reproduction:
    """A reproduction that trains tiny crops of tiny pictures for a few steps."""
    rng = np.random.default_rng(0)
    for folder, count, mode in (("train/TinyTrain", 4, "RGB"), ("test/TinyTest", 1, "RGB"), ("test/TinyTest", 1, "L")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)).convert(mode)
            coarse.resize((38, 30), Image.Resampling.BICUBIC).save(tmp_path / folder / f"{mode}{i}.png")
    monkeypatch.setenv("TWINSCALE_DATA", str(tmp_path))
    shipped = small_cnns._recipe

    def tiny(variant):
        recipe = shipped(variant)
        return replace(recipe, data=replace(recipe.data, train=["TinyTrain"], validation=[], crop=16, batch=1))

    monkeypatch.setattr(small_cnns, "_recipe", tiny)
    # Exporting takes seconds.
    monkeypatch.setattr(reproduction_module, "exported", lambda network: Operation(np.copy))
    monkeypatch.setattr(reproduction_module, "_TIMED_SIDE", 16)
    return Reproduction(tmp_path / "out", "small_cnns", minutes=0.01, sets=["TinyTest"])


def test_every_item(reproduction, tmp_path) -> None:
    blocks = {item.name: list(item.make(reproduction)) for item in PAPER.items}
    comparisons, claims, figures = (
        {name: [block for block in made if isinstance(block, kind)] for name, made in blocks.items()}
        for kind in (Comparison, Claim, Figure)
    )

    for table, variant in zip(comparisons["tables-1-4"], NAMES, strict=True):
        assert all(row.published == row.ours for row in table.rows)
        assert len(table.rows) == len(WIDTHS[variant]) + 2  # the last layer, and all of them

    kept = json.loads((tmp_path / "out/papers/small_cnns.json").read_text())["networks"]
    assert set(kept) == {*RECIPES.values(), "cnn-small-x2-as-printed"}
    assert len({network["steps"] for network in kept.values()}) == 1

    losses, times = comparisons["table-6"]
    printed = published_table("small_cnns", "table-6")
    assert [(row.labels, row.published.main) for row in losses.rows[:-1]] == [
        ((name, kind), printed[kind][name])
        for name in NAMES.values()
        for kind in ("training", "validation", "best test")
    ]
    assert all(0 < row.ours.main < 0.2 for row in losses.rows)
    assert {row.labels[0]: row.published.main for row in times.rows} == printed["time"]
    assert len(claims["table-6"]) == 5
    assert len(claims["table-7"]) == 3

    ((curves,), (pictures,)) = (figures[name] for name in ("fig-5-8", "table-7"))
    for number, (variant, panel) in enumerate(zip(NAMES, curves.drawing.panels.items(), strict=True), 5):
        assert panel[0] == f"Fig. {number}: {NAMES[variant]}"
        assert all(points[-1][0] == 100 and min(points)[1] > 0 for points in panel[1].values())
    assert [len(row) for row in pictures.drawing.rows] == [5] * 4  # input, three epochs, truth
    assert {picture.shape for row in pictures.drawing.rows for picture in row.values()} == {(120, 120, 3)}

    accuracy, speed = comparisons["worth"]
    assert [row.labels for row in accuracy.rows] == [
        ("TinyTest", name) for name in ("bicubic", "srcnn-x2", *NAMES.values())
    ]
    assert all(row.ours.main > 0 for row in speed.rows)
