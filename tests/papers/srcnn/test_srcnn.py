"""The paper's recipe, its leads, and every item on tiny pictures."""

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

from twinscale.datasets import find_pictures  # noqa: E402
from twinscale.engine import Operation  # noqa: E402
from twinscale.evaluation.protocol import Protocol  # noqa: E402
from twinscale.evaluation.trial import Rescaler  # noqa: E402
from twinscale.images.picture import Picture  # noqa: E402
from twinscale.images.resize import imresize  # noqa: E402
from twinscale.papers import reproduction as reproduction_module  # noqa: E402
from twinscale.papers.report import Claim, Comparison, Figure  # noqa: E402
from twinscale.papers.reproduction import Reproduction, planes_of  # noqa: E402
from twinscale.papers.srcnn import PAPER, filters, methods, networks  # noqa: E402
from twinscale.papers.srcnn.anr import ANR  # noqa: E402
from twinscale.papers.srcnn.methods import METHODS, lead, learnt_anr, published_results  # noqa: E402
from twinscale.training.build import build  # noqa: E402
from twinscale.training.data import load_examples  # noqa: E402
from twinscale.training.recipe import Recipe  # noqa: E402
from twinscale.training.rescaler import as_trained  # noqa: E402
from twinscale.training.split import split_pictures  # noqa: E402


def test_leads_are_those_of_the_text() -> None:
    # Section 4.1: "0.51 dB, 0.47 dB, and 0.40 dB higher than the next best approach, ANR" on Set5.
    on_set5 = {scale: published_results("table-1", scale) for scale in (2, 3, 4)}
    assert [round(lead(results), 2) for results in on_set5.values()] == [0.51, 0.47, 0.40]
    assert lead(published_results("table-2", 3)) > 0.3
    assert all(lead(on_set5[scale], picture) < 0 for scale in (3, 4) for picture in ("baby", "head"))


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
    paced = networks.paper_recipe()
    assert paced.optimisation.steps * paced.data.batch == pytest.approx(8e8)
    assert networks.paper_recipe("all", filters=[32, 16]).name == "paper-srcnn-x3-all-32-16"
    kept = replace(paced, data=replace(paced.data, batch=data.batch), optimisation=optimisation)
    assert replace(kept, description=recipe.description) == recipe


@pytest.fixture
def reproduction(tmp_path, monkeypatch) -> Reproduction:
    """A reproduction whose sets are tiny pictures by the sets' names, and that trains tiny crops for a few steps."""
    rng = np.random.default_rng(0)

    def draw(path, width):
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8))
        coarse.resize((width, 36), Image.Resampling.BICUBIC).save(path)

    for folder, table, suffix in (("Set5", "table-1", "_GT"), ("Set14", "table-2", "")):
        for number, picture in enumerate(published_results(table, 3).psnr):
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

    monkeypatch.setattr(networks, "our_recipe", tiny(networks.our_recipe))
    monkeypatch.setattr(networks, "paper_recipe", tiny(networks.paper_recipe))

    def anr(reproduction, scale):
        truths = (Protocol(scale, "y").truth(planes) for planes in planes_of("Tiny"))
        return ANR.fit(truths, scale, atoms=16, neighbours=4)

    monkeypatch.setattr(methods, "learnt_anr", anr)
    monkeypatch.setattr(filters, "exported", lambda network: Operation(np.copy))  # exporting takes seconds
    monkeypatch.setattr(reproduction_module, "as_shipped", as_trained)
    return Reproduction(tmp_path / "out", "srcnn", minutes=0.01, sets=[])


def test_tables_measure_what_stands_beside_them(reproduction) -> None:
    protocol = Protocol(3, "y")
    measured = methods.measured_results(reproduction, "Set5", 3)
    for path in find_pictures("Set5"):
        truth = protocol.truth(Picture.read(path).planes())
        bicubic = imresize(protocol.reduce(truth), 3)
        assert measured.psnr[path.stem.removesuffix("_GT")]["bicubic"] == protocol.score(truth, bicubic).psnr_y
    pictures = [row["ANR"] for name, row in measured.psnr.items() if name != "average"]
    assert measured.psnr["average"]["ANR"] == pytest.approx(statistics.mean(pictures))
    assert all(seconds > 0 for row in measured.seconds.values() for seconds in row.values())


def test_anr_and_srcnn_learn_from_the_same_pictures(reproduction, monkeypatch) -> None:
    fit, seen = ANR.fit, []

    def spy(truths, scale):
        seen.extend(truths)
        return fit(seen, scale, atoms=16, neighbours=4)

    monkeypatch.setattr(ANR, "fit", spy)
    recipe = methods.t91_recipe(reproduction, 3)
    learnt_anr(reproduction, 3)
    of_srcnn = load_examples(split_pictures(recipe.data)[0], recipe, build(recipe))
    assert len(seen) == len(of_srcnn) == 3  # one of four is set apart
    for truth, example in zip(seen, of_srcnn, strict=True):
        np.testing.assert_allclose(truth, example.truth, atol=1e-6)
    again = learnt_anr(reproduction, 3)
    assert len(seen) == 3  # from its file
    assert again.scale == 3


def test_methods_take_turns_when_they_are_timed(reproduction, monkeypatch) -> None:
    timed, shown = [], Rescaler(np.copy, lambda low: low.repeat(3, axis=0).repeat(3, axis=1))
    monkeypatch.setattr(reproduction, "rescaler", lambda recipe: shown)
    monkeypatch.setattr(networks, "trained", lambda reproduction, recipe: None)

    def medians(rounds, *functions, per):
        timed.append([function().shape for function in functions])
        return [1.0, 2.0, 3.0]

    monkeypatch.setattr(methods, "medians", medians)
    seconds = methods.measured_results(reproduction, "Set5", 3).seconds
    assert seconds["average"] == {"bicubic": 1, "ANR": 2, "SRCNN": 3}
    assert [len(set(shapes)) for shapes in timed] == [1] * 5  # all of one picture, one after the other


@pytest.mark.parametrize("item", ["fig-1", "fig-5", "fig-6"])
def test_a_full_reproduction_learns_by_the_papers_recipe(reproduction, monkeypatch, item) -> None:
    asked = []
    monkeypatch.setattr(Reproduction, "is_full", True)
    monkeypatch.setattr(networks, "our_recipe", None)

    def trained(self, recipe, snapshots=()):
        asked.append(recipe)
        raise KeyboardInterrupt

    monkeypatch.setattr(Reproduction, "trained", trained)
    (make,) = (each.make for each in PAPER.items if each.name == item)
    with pytest.raises(KeyboardInterrupt):
        list(make(reproduction))
    assert [recipe.name for recipe in asked] == [f"paper-srcnn-x{2 if item == 'fig-5' else 3}"]
    assert asked[0].optimisation.optimiser == "sgd"
    assert asked[0].network.parameters == {"border": "normalised"}


def test_every_item(reproduction) -> None:
    blocks = {item.name: list(item.make(reproduction)) for item in PAPER.items}
    comparisons, claims, figures = (
        {name: [block for block in made if isinstance(block, kind)] for name, made in blocks.items()}
        for kind in (Comparison, Claim, Figure)
    )

    averages, leads = comparisons["table-1"]
    assert [row.labels for row in averages.rows if row.ours] == [
        (f"x{scale}", method) for scale in (2, 3, 4) for method in ("bicubic", "ANR", "SRCNN", "SRCNN, shipped")
    ]
    assert [round(row.published.main, 2) for row in leads.rows] == [0.51, 0.47, 0.40]
    (per_picture,) = [b for b in blocks["table-2"] if isinstance(b, str) and b.startswith("**Set14 x3, PSNR")]
    header, _, *lines = per_picture.splitlines()[2:]
    assert header.split(" | ")[1:] == [*(*METHODS, "bicubic, ours", "ANR, ours", "SRCNN, ours", "SRCNN, shipped |")]
    assert [line.split(" | ")[0] for line in lines] == [
        f"| {picture}" for picture in published_results("table-2", 3).psnr
    ]

    numbers, _ = comparisons["table-3"]
    # 9x9 kernels to n1 maps, 1x1 to n2, 5x5 to luminance, with biases: by hand.
    counts = [(82 * n1 + (n1 + 1) * n2 + 25 * n2 + 1) / 1e3 for n1, n2 in ((128, 64), (64, 32), (32, 16))]
    assert [row.labels[1] for row in numbers.rows] == [f"{count:.1f}" for count in counts]
    assert {name: len(made) for name, made in claims.items() if made} == {
        "fig-1": 2, "table-1": 3, "table-2": 2, "fig-4": 2, "fig-5": 1, "fig-6": 3, "table-3": 3, "sec-5-4": 2,
        "fig-7-10": 1,
    }  # fmt: skip

    drawings = {name: [figure.drawing for figure in made] for name, made in figures.items() if made}
    assert {name: len(made) for name, made in drawings.items()} == {
        "fig-1": 1, "fig-4": 1, "fig-5": 2, "fig-6": 1, "fig-7-10": 1, "recipe": 1
    }  # fmt: skip
    (accuracy_and_time,) = drawings["fig-4"]
    assert accuracy_and_time.groups["published"]["SRCNN"] == (0.39, 29.00)
    assert list(accuracy_and_time.groups["ours"]) == ["bicubic", "ANR", "SRCNN"]
    assert all(drawing.weights.shape == (64, 9, 9) for drawing in drawings["fig-5"])
    variances = drawings["fig-5"][1].weights.var(axis=(1, 2))
    assert (np.diff(variances) <= 0).all()
    for name, levels in (
        ("fig-1", ["SC", "bicubic"]),
        ("fig-6", ["ANR", "K-SVD", "NE+LLE", "NE+NNLS", "SC", "bicubic"]),
    ):
        (drawing,) = drawings[name]
        assert list(drawing.levels) == levels
        assert all(len(points) > 1 and points == sorted(points) for points in drawing.lines.values())
    assert [len(row) for row in drawings["fig-7-10"][0].rows] == [4] * 3  # the original and three methods
