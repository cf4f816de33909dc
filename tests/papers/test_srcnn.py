"""The published figures against what the paper says about them, and every item on tiny pictures."""

import statistics
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("matplotlib")
pytest.importorskip("skimage")
pytest.importorskip("sklearn")

from twinscale.engine import Operation  # noqa: E402
from twinscale.evaluation.protocol import Protocol  # noqa: E402
from twinscale.images.resize import imresize  # noqa: E402
from twinscale.papers import srcnn  # noqa: E402
from twinscale.papers.anr import ANR  # noqa: E402
from twinscale.papers.desk import Desk, planes_of  # noqa: E402
from twinscale.papers.report import Claim, Comparison, Drawing  # noqa: E402
from twinscale.papers.srcnn import FILTER_SIZES, METHODS, PAPER, TABLE_1, TABLE_2, TABLE_3, Results, lead  # noqa: E402
from twinscale.training.build import build  # noqa: E402
from twinscale.training.recipe import Recipe  # noqa: E402

TABLES = {**{f"Set5 x{scale}": table for scale, table in TABLE_1.items()}, "Set14 x3": TABLE_2}


# What is published


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_averages_are_those_of_the_rows(table: Results) -> None:
    for quantity, tolerance in zip(table, (0.0101, 0.06), strict=True):  # times have one or two digits
        rows = [row for picture, row in quantity.items() if picture != "average"]
        for method, average in quantity["average"].items():
            assert statistics.mean(row[method] for row in rows) == pytest.approx(average, abs=tolerance)


def test_leads_are_those_of_the_text() -> None:
    # Section 4.1: "0.51 dB, 0.47 dB, and 0.40 dB higher than the next best approach, ANR" on Set5.
    assert [round(lead(TABLE_1[scale]), 2) for scale in (2, 3, 4)] == [0.51, 0.47, 0.40]
    assert lead(TABLE_2) > 0.3
    assert all(lead(TABLE_1[scale], picture) < 0 for scale in (3, 4) for picture in ("baby", "head"))


def test_network_sizes_agree_where_they_overlap() -> None:
    assert TABLE_3[64, 32] == FILTER_SIZES[9, 1, 5]
    assert list(TABLE_3.values()) == sorted(TABLE_3.values(), reverse=True)


# The recipes


def test_the_papers_recipe_is_the_papers() -> None:
    recipe = Recipe.load("paper-srcnn-x3")
    data, optimisation = recipe.data, recipe.optimisation
    assert (data.train, data.crop, data.stride, data.augment) == (["T91"], 33, 14, "none")
    assert data.blur > 0
    assert (optimisation.optimiser, optimisation.loss, optimisation.decay) == ("sgd", "squared-norm", "none")
    assert optimisation.learning_rate == 1e-4
    assert optimisation.learning_rate * optimisation.output_layer_rate == pytest.approx(1e-5)
    network = build(recipe)
    assert all(0.0008 < layer.weight.std() < 0.0012 and not layer.bias.any() for layer in network.convs)
    assert network.train()(torch.zeros(1, 1, 33, 33)).shape[2:] == (21, 21)
    paced = srcnn._paper_recipe()
    assert paced.optimisation.steps * paced.data.batch == pytest.approx(8e8)
    kept = replace(paced, data=replace(paced.data, batch=data.batch), optimisation=optimisation)
    assert kept == recipe


# On tiny pictures


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    """A desk whose sets are tiny pictures by the sets' names, and that trains tiny crops for a few steps."""
    rng = np.random.default_rng(0)

    def draw(path, width):
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8))
        coarse.resize((width, 36), Image.Resampling.BICUBIC).save(path)

    for folder, table, suffix in (("Set5", TABLE_1[3], "_GT"), ("Set14", TABLE_2, "")):
        for number, picture in enumerate(table.psnr):
            if picture != "average":
                draw(tmp_path / "test" / folder / f"{picture}{suffix}.png", 36 + 6 * number)
    for number in range(4):
        draw(tmp_path / "train/Tiny" / f"{number}.png", 48)
    monkeypatch.setenv("TWINSCALE_DATA", str(tmp_path))

    def tiny(make):
        def recipe(*args, **parameters):
            made = make(*args, **parameters)
            data = replace(made.data, train=["Tiny"], validation=["Tiny/0"], crop=24, batch=1, stride=0)
            return replace(made, data=data)

        return recipe

    monkeypatch.setattr(srcnn, "_recipe", tiny(srcnn._recipe))
    monkeypatch.setattr(srcnn, "_paper_recipe", tiny(srcnn._paper_recipe))

    def anr(desk, scale):
        truths = (Protocol(scale, "y").truth(planes) for planes in planes_of("Tiny"))
        return ANR.fit(truths, scale, atoms=16, neighbours=4)

    monkeypatch.setattr(srcnn, "_anr", anr)
    monkeypatch.setattr(srcnn, "exported", lambda network: Operation(np.copy))  # exporting takes seconds
    return Desk(tmp_path / "out", "srcnn", minutes=0.01, sets=[])


def test_tables_measure_what_stands_beside_them(desk) -> None:
    protocol = Protocol(3, "y")
    measured = srcnn._measured(desk, "Set5", 3)
    for path in srcnn.find_pictures("Set5"):
        truth = protocol.truth(srcnn.Picture.read(path).planes())
        bicubic = imresize(protocol.reduce(truth), 3)
        assert measured.psnr[path.stem.removesuffix("_GT")]["bicubic"] == protocol.score(truth, bicubic).psnr_y
    pictures = [row["ANR"] for name, row in measured.psnr.items() if name != "average"]
    assert measured.psnr["average"]["ANR"] == pytest.approx(statistics.mean(pictures))
    assert all(seconds > 0 for row in measured.seconds.values() for seconds in row.values())


def test_every_item(desk, tmp_path) -> None:
    blocks = {item.name: list(item.make(desk)) for item in PAPER.items}
    comparisons, claims, drawings = (
        {name: [block for block in made if isinstance(block, kind)] for name, made in blocks.items()}
        for kind in (Comparison, Claim, Drawing)
    )

    averages, leads = comparisons["table-1"]
    assert [row.labels for row in averages.rows if row.ours] == [
        (f"x{scale}", method) for scale in (2, 3, 4) for method in ("bicubic", "ANR", "SRCNN")
    ]
    assert [round(row.published.main, 2) for row in leads.rows] == [0.51, 0.47, 0.40]
    (per_picture,) = [b for b in blocks["table-2"] if isinstance(b, str) and b.startswith("**Set14 x3, PSNR")]
    header, _, *lines = per_picture.splitlines()[2:]
    assert header.split(" | ")[1:] == [*METHODS, "bicubic, ours", "ANR, ours", "SRCNN, ours |"]
    assert [line.split(" | ")[0] for line in lines] == [f"| {picture}" for picture in TABLE_2.psnr]

    numbers, _ = comparisons["table-3"]
    # 9x9 kernels to n1 maps, 1x1 to n2, 5x5 to luminance, with biases: by hand.
    counts = [(82 * n1 + (n1 + 1) * n2 + 25 * n2 + 1) / 1e3 for n1, n2 in TABLE_3]
    assert [row.labels[1] for row in numbers.rows] == [f"{count:.1f}" for count in counts]
    assert {name: len(made) for name, made in claims.items() if made} == {
        "fig-1": 2, "table-1": 3, "table-2": 2, "fig-4": 2, "fig-5": 1, "fig-6": 3, "table-3": 3, "sec-5-4": 2,
        "fig-7-10": 1,
    }  # fmt: skip

    for name in ("fig-1", "fig-4", "fig-5", "fig-6", "fig-7-10", "recipe"):
        for drawing in drawings[name]:
            with Image.open(tmp_path / "out/papers" / drawing.file) as image:
                assert min(image.size) > 100
        assert drawings[name]
