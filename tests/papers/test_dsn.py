"""The recipes of the reproduction, and what its items make of scores."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("matplotlib")

from twinscale.errors import UsageError  # noqa: E402
from twinscale.evaluation.protocol import Protocol, Scores  # noqa: E402
from twinscale.evaluation.trial import Rescaler, bicubic  # noqa: E402
from twinscale.papers import PAPERS, find_paper  # noqa: E402
from twinscale.papers.dsn import accuracy, architecture, networks  # noqa: E402
from twinscale.papers.dsn.networks import network  # noqa: E402
from twinscale.papers.report import Claim, Comparison, Figure, markdown  # noqa: E402
from twinscale.papers.reproduction import Reproduction, Trained  # noqa: E402
from twinscale.training.build import build  # noqa: E402
from twinscale.training.recipe import Recipe  # noqa: E402


def test_networks_that_are_compared_train_on_the_same_crops() -> None:
    for name in ("srcnn", "srcnn-955", "fsrcnn", "espcn", "vdsr", "upsnet"):
        by_bicubic, by_pair = (network(name, reduced_by) for reduced_by in ("bicubic", "dsn-y-x3"))
        assert by_pair.data.reduced_by == "dsn-y-x3"
        assert replace(by_pair.data, reduced_by="bicubic") == by_bicubic.data
        assert by_bicubic.data.train == ["T91", "BSDS200"]
        assert by_bicubic.data.scales == []
        assert all(picture.startswith("BSDS200/") for picture in by_bicubic.data.validation)
        assert (by_pair.network, by_pair.optimisation) == (by_bicubic.network, by_bicubic.optimisation)
        assert (by_pair.network.scale, by_pair.network.colour) == (3, "y")


def test_the_two_srcnns() -> None:
    early, later = (build(network(name)) for name in ("srcnn", "srcnn-955"))
    weights = [[parameter.numel() for parameter in each.parameters() if parameter.ndim == 4] for each in (early, later)]
    assert [sum(each) for each in weights] == [8032, 57184]  # as SRCNN's two papers count them, without biases


def test_a_lead_is_one_at_equal_steps() -> None:
    ours, others = [(10, 20.0), (30, 24.0), (40, 25.0)], [(20, 21.0), (40, 24.5)]
    assert accuracy._leads(ours, others) == "+1.00 dB at step 20, +0.50 dB at step 40"


def test_items_have_names_of_their_own() -> None:
    for paper in PAPERS.values():
        names = [item.name for item in paper.items]
        assert len(set(names)) == len(names)


def test_unknown_paper() -> None:
    with pytest.raises(UsageError, match="no paper 'dns': use one of car, compressed_sr, dsn, "):
        find_paper("dns")


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_papers_recipe_is_the_papers(scale) -> None:
    """Section 4.1, with sub-images of 60, 69 and 72 pixels."""
    recipe = Recipe.load(f"paper-dsn-y-x{scale}")
    data, optimisation = recipe.data, recipe.optimisation
    assert data.crop == data.stride == {2: 60, 3: 69, 4: 72}[scale]
    assert (data.to_border, data.augment, data.batch) == (True, "rotations", 256)
    assert (data.train, optimisation.loss, optimisation.optimiser) == (["T91", "BSDS200"], "l1", "adam")
    assert (optimisation.learning_rate, optimisation.decay, optimisation.decay_factor) == (1e-3, "step", 0.5)
    halvings = optimisation.steps / optimisation.decay_every - 1  # after the last one no step is taken
    assert 1e-3 / 2**halvings > 1e-5 > 1e-3 / 2 ** (halvings + 1)
    assert optimisation.output_layer_rate == 0.1


class Canned(Reproduction):
    """A reproduction whose networks reach what it is told: dB by recipe or shipped model."""

    def __init__(self, folder, reached=None, **options) -> None:
        super().__init__(folder, "dsn", **{"minutes": 1.0, "sets": ["Set5"], **options})
        self.reached = reached or {}
        self.asked: set[str] = set()

    def told(self, name: str) -> Scores:
        self.asked.add(name)
        return Scores(self.reached.get(name, 30.0), 0.9, 29.0)

    def trained(self, recipe, snapshots=()) -> Trained:
        return Trained("", "", 7, 1.0, "a machine", 30.0, [(1, 20.0), (7, 30.0)])

    def score(self, recipe, dataset, reduced_by=None) -> Scores:
        return self.told(recipe.name)

    def shipped(self, name, dataset) -> Scores:
        return self.told(name)

    def rescaler(self, recipe, reduced_by=None) -> Rescaler:
        self.asked.add(recipe.name)
        return bicubic(Protocol(3, "y"))


def of_kind(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


def test_table_2_checks_the_layers(tmp_path, monkeypatch) -> None:
    blocks = list(architecture.table_2(Canned(tmp_path)))
    (layers,), claims = of_kind(Comparison, blocks), of_kind(Claim, blocks)
    assert all(row.published == row.ours for row in layers.rows)
    # By hand: 640 + 2 * 36928 + 577, and 640 + 24768 + 3 * 36928 + 2313.
    assert [row.ours.main for row in layers.rows if "all" in row.labels[0]] == [75073, 138505]
    assert all(claim.holds for claim in claims)

    def other(recipe):
        pair = build(recipe)
        pair.down.features[1] = torch.nn.Conv2d(64, 64, 5, padding=2)
        return pair

    monkeypatch.setattr(architecture, "build", other)
    blocks = list(architecture.table_2(Canned(tmp_path)))
    sizes, weights = of_kind(Claim, blocks)
    assert not sizes.holds
    assert sizes.because == "Down-SNet 2: kernel 5 for 3; Down-SNet 2: pad 2 for 1"
    assert not weights.holds  # torch's own initial weights


def test_table_3_shows_what_was_published_where_nothing_was_measured(tmp_path) -> None:
    reached = {f"{name}-x3-dsn-y-x3": 31.0 for name in ("srcnn-955", "vdsr", "upsnet")} | {"dsn-y-x3": 30.5}
    blocks = list(accuracy.table_3(Canned(tmp_path, reached)))
    (table,) = of_kind(Comparison, blocks)
    assert len(table.rows) == 4 * 7
    assert all((row.ours is not None) == (row.labels[0] == "Set5") for row in table.rows)
    helps, best = of_kind(Claim, blocks)
    assert helps.holds
    assert helps.because == "gain +1.00 to +1.00 dB"
    assert not best.holds
    assert best.because == "lead -0.50 to -0.50 dB"


def test_table_4_measures_the_shipped_pairs_and_in_full_the_papers(tmp_path) -> None:
    shipped = {f"dsn-y-x{scale}" for scale in (2, 3, 4)}
    of_paper = {f"paper-{name}" for name in shipped}
    twins = {f"twin-y-x{scale}" for scale in (2, 3, 4)}
    quick, full = Canned(tmp_path), Canned(tmp_path, dict.fromkeys(of_paper, 50.0), minutes=None)
    (claim,) = of_kind(Claim, accuracy.table_4(quick))
    assert quick.asked == shipped | twins
    assert not claim.holds
    blocks = list(accuracy.table_4(full))
    (claim,) = of_kind(Claim, blocks)
    assert full.asked == of_paper | twins
    assert claim.holds
    assert claim.because.startswith("ours is ahead of the others' published figures in 3 of 3 rows; the paper's own in")
    assert "Trained by the paper's recipe: `paper-dsn-y-x2` 7 steps" in markdown(blocks)


@pytest.fixture
def three_pictures(tmp_path, monkeypatch):
    """Pictures of noise in place of the three of Fig. 8."""
    rng = np.random.default_rng(0)
    for dataset, file in (("BSD100", "253027"), ("Set14", "ppt3"), ("Urban100", "img_002_SRF_4_HR")):
        folder = tmp_path / dataset
        folder.mkdir()
        coarse = Image.fromarray(rng.integers(0, 256, (60, 90), dtype=np.uint8))
        coarse.resize((810, 570), Image.Resampling.BICUBIC).save(folder / f"{file}.png")
    monkeypatch.setattr(accuracy, "find_pictures", lambda dataset: list((tmp_path / dataset).iterdir()))


@pytest.mark.usefixtures("three_pictures")
def test_figure_8_is_drawn_and_not_shown(tmp_path) -> None:
    reproduction = Canned(tmp_path / "out")
    blocks = list(accuracy.figure_8(reproduction))
    assert reproduction.asked == {"srcnn-955-x3-bicubic", "fsrcnn-x3-bicubic", "vdsr-x3-bicubic"}
    (table,), (figure,), (claim,) = (of_kind(kind, blocks) for kind in (Comparison, Figure, Claim))
    assert [row.labels[0] for row in table.rows[::5]] == ["253027", "ppt3", "img002"]
    assert figure.is_private
    psnr = {row.labels: row.ours.main for row in table.rows}
    assert claim.holds == all(psnr[name, "DSN"] > psnr[name, "bicubic"] for name in ("253027", "ppt3", "img002"))
    text = reproduction.keep("fig-8", blocks)["fig-8"]
    with Image.open(tmp_path / "out/papers/dsn-fig-8.png") as image:
        assert image.width > 6 * 240
    assert "![" not in text
    assert "`dsn-fig-8.png` is drawn beside this page, and not published with it" in text


def test_figure_9_lets_the_networks_take_turns(tmp_path, monkeypatch) -> None:
    together = []

    def milliseconds(built):
        together.append([type(each).__name__ for each in built])
        return [10.0, 2.0, 1.0, 300.0, 3.0]

    monkeypatch.setattr(accuracy, "milliseconds", milliseconds)
    blocks = list(accuracy.figure_9(Canned(tmp_path, {"dsn-y-x3": 33.0})))
    assert together == [["SRCNN", "FSRCNN", "ESPCN", "VDSR", "UpSNet"]]
    psnr, times = of_kind(Comparison, blocks)
    assert [row.published and row.published.main for row in psnr.rows] == [32.75, 33.16, None, 33.66, 33.67, 34.29]
    assert [row.labels[1] for row in times.rows] == ["57.3", "12.8", "22.7", "665.9", "138.5"]
    better, faster = of_kind(Claim, blocks)
    assert (better.because, faster.because) == ("33.00 dB against 30.00 dB", "VDSR takes 100 times as long")


def test_a_full_reproduction_takes_the_papers_pairs(tmp_path) -> None:
    assert networks.pair(Canned(tmp_path), 3) == Recipe.load("dsn-y-x3")
    assert networks.pair(Canned(tmp_path, minutes=None), 3) == Recipe.load("paper-dsn-y-x3")
