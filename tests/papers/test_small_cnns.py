"""The published figures against what the paper says about them, and every item on tiny pictures."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("matplotlib")
pytest.importorskip("skimage")

from twinscale.engine import Operation  # noqa: E402
from twinscale.nets.small_cnns import WIDTHS  # noqa: E402
from twinscale.papers import desk as desk_module  # noqa: E402
from twinscale.papers import small_cnns  # noqa: E402
from twinscale.papers.desk import Desk, Trained  # noqa: E402
from twinscale.papers.report import Claim, Comparison, Drawing  # noqa: E402
from twinscale.papers.small_cnns import NAMES, PAPER, PARAMETERS, RECIPES, TABLE_6  # noqa: E402
from twinscale.training.recipe import Recipe  # noqa: E402


def test_printed_parameters_follow_from_printed_widths() -> None:
    for variant, widths in WIDTHS.items():
        channels = pairwise((1, *widths, 3))
        assert list(PARAMETERS[variant]) == [9 * ins * outs + outs for ins, outs in channels]


def test_table_6_says_what_the_paper_concludes() -> None:
    training, validation, test, seconds = ({v: row[i] for v, row in TABLE_6.items()} for i in range(4))
    for losses in (training, validation, test):
        assert losses["small"] > losses["medium"] > max(losses["deep"], losses["waifu2x"])
    assert training["deep"] < training["waifu2x"]
    assert test["deep"] < test["waifu2x"]
    assert validation["deep"] > validation["waifu2x"]  # which the paper passes over
    assert 0.85 < seconds["deep"] / seconds["waifu2x"] <= 0.9  # "it cost 10% less training time too"


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
def desk(tmp_path, monkeypatch) -> Desk:
    """A desk that trains tiny crops of tiny pictures for a few steps."""
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
    monkeypatch.setattr(
        desk_module, "exported", lambda network, channels: Operation(np.copy)
    )  # exporting takes seconds
    monkeypatch.setattr(desk_module, "_TIMED_SIDE", 16)
    return Desk(tmp_path / "out", "small_cnns", minutes=0.01, sets=["TinyTest"])


def test_every_item(desk, tmp_path) -> None:
    blocks = {item.name: list(item.make(desk)) for item in PAPER.items}
    comparisons, claims, drawings = (
        {name: [block for block in made if isinstance(block, kind)] for name, made in blocks.items()}
        for kind in (Comparison, Claim, Drawing)
    )

    for table, variant in zip(comparisons["tables-1-4"], NAMES, strict=True):
        assert all(row.published == row.ours for row in table.rows)
        assert len(table.rows) == len(PARAMETERS[variant]) + 1

    kept = json.loads((tmp_path / "out/papers/small_cnns.json").read_text())["networks"]
    assert set(kept) == {*RECIPES.values(), "cnn-small-x2-as-printed"}
    assert len({network["steps"] for network in kept.values()}) == 1

    losses, times = comparisons["table-6"]
    assert [row.published.main for row in losses.rows[:-1]] == [loss for row in TABLE_6.values() for loss in row[:3]]
    assert all(0 < row.ours.main < 0.2 for row in losses.rows)
    assert [row.published.main for row in times.rows] == [row[3] for row in TABLE_6.values()]
    assert len(claims["table-6"]) == 5
    assert len(claims["table-7"]) == 3

    for name in ("fig-5-8", "table-7"):
        (drawing,) = drawings[name]
        with Image.open(tmp_path / "out/papers" / drawing.file) as image:
            assert min(image.size) > 500

    accuracy, speed = comparisons["worth"]
    assert [row.labels for row in accuracy.rows] == [
        ("TinyTest", name) for name in ("bicubic", "srcnn-x2", *NAMES.values())
    ]
    assert all(row.ours.main > 0 for row in speed.rows)
