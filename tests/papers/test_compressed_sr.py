"""The stages of training, what enlarges in the tables, and every item on tiny pictures."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("matplotlib")
pytest.importorskip("skimage")

from twinscale.datasets.sets import named  # noqa: E402
from twinscale.evaluation.protocol import Protocol  # noqa: E402
from twinscale.evaluation.trial import Rescaler, Trial, bicubic  # noqa: E402
from twinscale.images.resize import imresize  # noqa: E402
from twinscale.papers import reproduction as reproduction_module  # noqa: E402
from twinscale.papers.compressed_sr import PAPER, accuracy, methods, networks, pictures  # noqa: E402
from twinscale.papers.report import Claim, Comparison, Figure, markdown  # noqa: E402
from twinscale.papers.reproduction import Reproduction, Trained  # noqa: E402
from twinscale.training.build import build  # noqa: E402
from twinscale.training.recipe import Recipe  # noqa: E402


class Canned(Reproduction):
    """A reproduction whose networks reach what it is told on every picture: dB by recipe, 27.5 by default."""

    def __init__(self, folder, reached=None, **options) -> None:
        super().__init__(folder, "compressed_sr", **{"minutes": 1.0, "sets": ["Set5"], **options})
        self.reached = reached or {}

    def trained(self, recipe, snapshots=()) -> Trained:
        return Trained("", "its weights", 7, 1.0, "a machine", 30.0, [(1, 20.0), (7, 30.0)])

    def rescaler(self, recipe, reduced_by=None) -> Rescaler:
        return bicubic(Protocol(networks.SCALE, recipe.network.colour))

    def figures(self, key, measure) -> list[float]:
        made_by, _, where = key.partition(" on ")
        name, dataset = made_by.split()[0], where.partition(",")[0]
        return [self.reached.get((name, dataset), self.reached.get(name, 27.5))] * 5


@pytest.fixture
def set5(tmp_path, monkeypatch):
    """Smooth noise under the names of Set5's pictures; the last one is grey."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "test" / "Set5"
    folder.mkdir(parents=True)
    for entry in named("Set5").pictures:
        coarse = Image.fromarray(rng.integers(0, 256, (8, 9, 3), dtype=np.uint8))
        mode = "L" if entry.stem == "woman_GT" else "RGB"
        coarse.resize((54, 48), Image.Resampling.BICUBIC).convert(mode).save(folder / f"{entry.stem}.png")
    monkeypatch.setenv("TWINSCALE_DATA", str(tmp_path))


def of_kind(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


# Networks and their stages


@pytest.mark.parametrize("colour", ["y", "rgb"])
@pytest.mark.parametrize("minutes", [1.0, None])
def test_the_stages_start_from_one_another(tmp_path, colour, minutes) -> None:
    reproduction = Canned(tmp_path, minutes=minutes)
    last = networks.whole(reproduction, colour, 30)
    chain = [last]
    while parts := reproduction._starts.get(chain[-1].name):
        ((part, before),) = parts.items()
        assert part == ("repair" if chain[-1].optimisation.frozen else "")
        chain.append(before)
    whose = "" if minutes else "paper-"
    assert [recipe.name for recipe in chain] == [
        f"{whose}compressed-sr-x2-{colour}-{name}" for name in ("q30", "q20", "q10", "enlarge", "repair")
    ]
    assert [recipe.data.qualities for recipe in chain] == [[30, 30], [20, 20], [10, 10], [10, 10], [10, 10]]
    assert [recipe.optimisation.frozen for recipe in chain] == [[], [], [], ["repair"], []]
    assert {recipe.network.colour for recipe in chain} == {colour}
    with torch.device("meta"):
        repairing, network = build(chain[-1]), build(chain[-2])
    assert {name: weights.shape for name, weights in repairing.state_dict().items()} == {
        name: weights.shape for name, weights in network.repair.state_dict().items()
    }


def test_repair_learns_on_small_pictures(tmp_path) -> None:
    step, at_once = networks.repair(Canned(tmp_path), "y"), networks.at_once(Canned(tmp_path))
    assert (step.data.reduced_first, step.network.scale) == (2, 1)
    assert 2 * step.data.crop == at_once.data.crop


@pytest.mark.parametrize("minutes", [1.0, None])
def test_three_stages_need_no_more_multiply_adds_than_all_at_once(tmp_path, minutes) -> None:
    """Counted by weights, each of which multiplies once a small pixel, or four times after the sub-pixels."""
    reproduction = Canned(tmp_path, minutes=minutes)
    networks.whole(reproduction, "y", 10)
    with torch.device("meta"):
        network = build(networks.at_once(reproduction))
    weights = {name: tensor.numel() for name, tensor in network.named_parameters() if tensor.ndim == 4}
    both = sum(weights.values()) + 3 * weights["enlarge.output.weight"]
    repairing = sum(count for name, count in weights.items() if name.startswith("repair."))
    steps = 300_000
    stage = steps * reproduction._pacemakers[networks.enlarge(reproduction, "y").name][1]
    in_stages = stage * (3 * repairing + (3 * (both - repairing) + repairing) + 3 * both)
    assert 0.9 < in_stages / (steps * 3 * both) <= 1


def test_a_full_reproduction_takes_the_papers_recipe_and_sizes(tmp_path) -> None:
    full, of_paper = networks.at_once(Canned(tmp_path, minutes=None), "rgb"), Recipe.load("paper-compressed-sr-x2")
    assert replace(full, name=of_paper.name, data=of_paper.data) == of_paper
    assert full.data == replace(of_paper.data, validation=full.data.validation)
    assert set(full.data.validation) < set(of_paper.data.validation)
    spec, data = of_paper.optimisation, of_paper.data
    assert (spec.loss, spec.optimiser, spec.learning_rate) == ("l1", "adam", 1e-4)
    assert (data.train, data.crop // 2, data.subsampling) == (["General100"], 48, "4:2:0")
    with torch.device("meta"):
        assert sum(weights.numel() for weights in build(full).parameters()) == 41_324_998


def test_vdsr_sees_no_jpeg(tmp_path) -> None:
    recipe = networks.vdsr(Canned(tmp_path))
    assert (recipe.network.scale, recipe.data.scales, recipe.data.qualities) == (2, [], [])
    assert recipe.data.train == ["General100"]


def test_the_second_stage_keeps_what_the_first_one_learnt(tmp_path, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path / "train" / "Tiny"
    folder.mkdir(parents=True)
    for i in range(3):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 9, 3), dtype=np.uint8))
        coarse.resize((54, 48), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    monkeypatch.setenv("TWINSCALE_DATA", str(tmp_path))
    shipped = Recipe.load("compressed-sr-x2")
    sizes = {"repair_depth": 3, "repair_width": 4, "width": 4, "blocks": 1}
    tiny = replace(
        shipped,
        network=replace(shipped.network, parameters=sizes),
        data=replace(shipped.data, train=["Tiny"], validation=["Tiny/0"], crop=16, batch=2),
    )
    monkeypatch.setattr(networks.Recipe, "load", lambda name: tiny)
    reproduction = Reproduction(tmp_path, "compressed_sr", minutes=0.01, sets=[])
    whole, enlarge, repair = (
        reproduction.network(recipe)
        for recipe in (
            networks.whole(reproduction, "rgb", 10),
            networks.enlarge(reproduction, "rgb"),
            networks.repair(reproduction, "rgb"),
        )
    )
    kept = repair.state_dict()
    assert all(torch.equal(weights, kept[name]) for name, weights in enlarge.repair.state_dict().items())
    assert any(not torch.equal(weights, kept[name]) for name, weights in whole.repair.state_dict().items())


# Methods


def test_colour_beside_a_network_of_luminance() -> None:
    low = np.random.default_rng(0).random((9, 8, 3))
    enlarged = methods.beside_bicubic_colour(lambda y: imresize(y, 2))(low)
    np.testing.assert_allclose(enlarged, imresize(low, 2), rtol=0, atol=1e-12)  # which is linear
    seen = []
    methods.beside_bicubic_colour(lambda y: seen.append(y) or imresize(y, 2))(low)
    np.testing.assert_allclose(seen[0][:, :, 0], (16 + low @ [65.481, 128.553, 24.966]) / 255, rtol=0, atol=1e-12)
    grey = low[:, :, :1]
    np.testing.assert_array_equal(methods.beside_bicubic_colour(lambda y: y + 1)(grey), grey + 1)


@pytest.mark.usefixtures("set5")
@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_methods_are_measured_once_on_jpegs(tmp_path, colour) -> None:
    reproduction, protocol = Reproduction(tmp_path, "compressed_sr", minutes=1.0, sets=[]), Protocol(2, colour, jpeg=10)
    first = methods.psnrs(reproduction, methods.bicubic(protocol), protocol, "Set5")
    expected = [
        Trial.of(bicubic(protocol), protocol, planes).scores(protocol).psnr_y
        for planes in reproduction_module.planes_of("Set5")
    ]
    assert first == expected
    again = Reproduction(tmp_path, "compressed_sr", minutes=1.0, sets=[])
    kept = methods.bicubic(protocol)._replace(enlarge=lambda: pytest.fail("it was measured already"))
    assert methods.psnrs(again, kept, protocol, "Set5") == first
    clean = Protocol(2, colour, jpeg=30)
    assert min(np.subtract(methods.psnrs(again, methods.bicubic(clean), clean, "Set5"), first)) > 0


# Items


def test_table_1_has_a_row_for_every_cell_and_protocol(tmp_path) -> None:
    blocks = list(accuracy.table_1(Canned(tmp_path, {"bicubic": 26.5, "compressed-sr-x2-y-q30": 31.0})))
    tables, (claim,) = of_kind(Comparison, blocks), of_kind(Claim, blocks)
    assert [len(table.rows) for table in tables] == [12, 12]
    assert all((row.ours is not None) == (row.labels[0] == "Set5") for table in tables for row in table.rows)
    first, last = tables[0].rows[0], tables[0].rows[8]
    assert (first.labels, first.published.main) == (("Set5", "QF 10", "luminance", "26.50"), 27.991)
    assert (last.labels[1], last.published.main, last.ours.main) == ("QF 30", 30.193, 31.0)
    assert (claim.holds, claim.because) == (True, "it gains 1.00 to 4.50 dB over all cells")
    text = markdown(blocks)
    assert "Published figures are reached in 1 of 6 cells; not reached: Set5 at QF 10, luminance (-0.49 dB), " in text


def test_table_2_ends_with_the_average(tmp_path) -> None:
    of_luminance, of_rgb = of_kind(Comparison, list(accuracy.table_2(Canned(tmp_path))))
    assert [row.labels[0] for row in of_rgb.rows[:6]] == ["baby", "bird", "butterfly", "head", "woman", "average"]
    assert len(of_luminance.rows) == 18
    assert (of_luminance.rows[5].published.main, of_luminance.rows[5].ours.main) == (27.991, 27.5)


def test_table_3_quotes_what_does_not_run_here(tmp_path) -> None:
    reached = {
        "bicubic": 26.5,
        "vdsr-x2-general100": 26.6,
        "compressed-sr-x2-y-q10": 28.2,
        "compressed-sr-x2-rgb-q10": 27.0,
    }
    blocks = list(accuracy.table_3(Canned(tmp_path, reached)))
    of_luminance, _ = of_kind(Comparison, blocks)
    assert [(row.labels[0], row.ours is None) for row in of_luminance.rows] == [
        ("bicubic", False),
        ("SCSR", True),
        ("VDSR", False),
        ("LBJSRD", True),
        ("proposed", False),
        ("fast-x2, ours", False),
        ("jpeg-x2, ours", False),
    ]
    vdsr, best = of_kind(Claim, blocks)
    assert (vdsr.holds, best.holds) == (True, False)  # the network of RGB is not far ahead of VDSR
    assert vdsr.because == "+0.10 dB (luminance), +0.10 dB (RGB, 4:2:0); in the paper +0.10 dB"


def test_section_3_compares_the_stages(tmp_path) -> None:
    reached = {
        "compressed-sr-x2-y-enlarge": 27.0,
        "compressed-sr-x2-y-q10": 27.6,
        ("compressed-sr-x2-y-at-once", "Set14"): 28.0,
    }
    blocks = list(accuracy.section_3(Canned(tmp_path, reached, sets=["Set5", "Set14"])))
    (table,) = of_kind(Comparison, blocks)
    assert len(table.rows) == 10
    lead, gain = of_kind(Claim, blocks)
    assert (lead.holds, lead.because) == (False, "their lead for as many multiply-adds: -0.40 to +0.10 dB")
    assert (gain.holds, gain.because) == (True, "by +0.60 to +0.60 dB")


@pytest.mark.usefixtures("set5")
def test_figures_of_set5_are_drawn_and_not_shown(tmp_path) -> None:
    reproduction = Canned(tmp_path)
    for make in (pictures.figure_2, pictures.figure_3):
        (figure,) = of_kind(Figure, list(make(reproduction)))
        assert figure.is_private
        (row,) = figure.drawing.rows
        assert [caption.partition(":")[0] for caption in row] == ["original", "QF 10", "QF 20", "QF 30"]
        assert {tile.shape for tile in row.values()} == {(48, 54, 3)}
    blocks = list(pictures.figure_4(reproduction))
    (table,), (private, public) = of_kind(Comparison, blocks), of_kind(Figure, blocks)
    assert [row.labels[0] for row in table.rows[:4]] == ["bicubic", "VDSR", "proposed", "LBJSRD"]
    assert [row.published and row.published.main for row in table.rows[:4]] == [None, 28.960, 30.356, 27.902]
    assert (private.is_private, public.is_private) == (True, False)
    assert [len(row) for row in public.drawing.rows] == [4, 4, 4]


def test_the_page_says_what_was_decided() -> None:
    for text in ("scale", "26.38 dB", "General100", "48 x 48", "32", "10"):
        assert text in PAPER.introduction
