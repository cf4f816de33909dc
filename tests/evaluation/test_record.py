"""The results page: what it keeps, what it measures again, and its tables."""

import json
from pathlib import Path

import pytest
import skimage.data

from tests.models import make_pair, make_upscaler
from twinscale import Evaluation, Model, evaluate, load
from twinscale.engine import Runtime
from twinscale.evaluation.looks import Looks
from twinscale.evaluation.record import Record
from twinscale.images.picture import Picture
from twinscale.zoo import Card, load_card, model_names


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, Evaluation]:
    """A pair and an upscaler on one picture."""
    pictures = tmp_path_factory.mktemp("mine")
    Picture(skimage.data.astronaut()[10:57, 190:252]).write(pictures / "astronaut.png")
    models = tmp_path_factory.mktemp("models")
    pair, upscaler = make_pair(models, 2, "rgb"), make_upscaler(models, 2, "y")
    return evaluate(load(pair, runtime=Runtime(1)), pictures), evaluate(load(upscaler, runtime=Runtime(1)), pictures)


def rows_of_table(text: str, model: str) -> list[list[str]]:
    lines = text.split(f"## {model}\n")[1].split("## ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_keeps_what_was_measured(evaluations: tuple[Evaluation, Evaluation], tmp_path: Path) -> None:
    record = Record(tmp_path)
    for evaluation in evaluations:
        model = evaluation.model
        assert not record.has(model, evaluation.dataset)
        record.add(evaluation)
        again = Record(tmp_path)
        assert again.has(model, evaluation.dataset)
        assert not again.has(model, "another")
        assert again.scores(model, evaluation.dataset) == evaluation.ours
    pair, upscaler = evaluations
    assert isinstance(pair.looks, Looks)
    assert Record(tmp_path).looks(pair.model, pair.dataset) == pair.looks
    assert upscaler.looks is None


def test_tables(evaluations: tuple[Evaluation, Evaluation], tmp_path: Path) -> None:
    record = Record(tmp_path)
    for evaluation in evaluations:
        record.add(evaluation)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text == record.markdown()
    pair, upscaler = evaluations
    header, _, cells = rows_of_table(text, pair.model.card.name)
    assert header[-4:] == ["ours, RGB", "small picture vs bicubic, dB", "variation", "ΔE00"]
    assert cells[-4:] == [
        f"{pair.ours.psnr_rgb:.2f}",
        f"{pair.looks.fidelity:.2f}",
        f"{pair.looks.total_variation:.2f}",
        f"{pair.looks.ciede2000:.1f} / {pair.looks.ciede2000_p99:.1f}",
    ]
    header, _, cells = rows_of_table(text, upscaler.model.card.name)
    assert header == ["set", "bicubic", "ours", "paper", "difference"]
    assert cells == [upscaler.dataset, str(upscaler.bicubic), str(upscaler.ours), "–", "–"]


@pytest.mark.parametrize(
    ("field", "value"), [("weights", "0" * 64), ("bounds", "none at all"), ("engine", "abacus"), ("protocol", 0)]
)
def test_what_was_made_otherwise_is_measured_again(
    evaluations: tuple[Evaluation, Evaluation], tmp_path: Path, field: str, value: str | int
) -> None:
    for evaluation in evaluations:
        Record(tmp_path).add(evaluation)
    rows = json.loads((tmp_path / "results.json").read_text())
    for row in rows.values():
        assert row["made_by"][field] != value
        row["made_by"][field] = value
    (tmp_path / "results.json").write_text(json.dumps(rows))
    for evaluation in evaluations:
        assert not Record(tmp_path).has(evaluation.model, evaluation.dataset)


def test_looks_of_an_older_record_are_shown_and_measured_again(
    evaluations: tuple[Evaluation, Evaluation], tmp_path: Path
) -> None:
    pair, upscaler = evaluations
    Record(tmp_path).add(pair)
    rows = json.loads((tmp_path / "results.json").read_text())
    for row in rows.values():
        del row["looks"]["ciede2000"], row["looks"]["ciede2000_p99"]
    (tmp_path / "results.json").write_text(json.dumps(rows))
    record = Record(tmp_path)
    record.add(upscaler)
    _, _, cells = rows_of_table((tmp_path / "results.md").read_text(encoding="utf-8"), pair.model.card.name)
    assert cells[-2:] == [f"{pair.looks.total_variation:.2f}", "–"]
    assert not record.has(pair.model, pair.dataset)
    record.add(pair)
    assert record.has(pair.model, pair.dataset)


def test_other_weights_are_measured_again(evaluations: tuple[Evaluation, Evaluation], tmp_path: Path) -> None:
    pair, _ = evaluations
    record = Record(tmp_path)
    record.add(pair)
    card = Card(**{**{name: getattr(pair.model.card, name) for name in Card.__slots__}, "down": None})
    assert not record.has(Model(card), pair.dataset)


def test_the_docs_have_every_shipped_model_on_every_set_and_the_looks_of_every_pair() -> None:
    kept = json.loads((Path(__file__).parents[2] / "docs" / "results.json").read_text())
    for card in map(load_card, model_names()):
        if card.scale == 1:  # it repairs what these sets do not have; see jpeg.md
            continue
        for dataset in ("Set5", "Set14", "Kodak24", "BSD100", "Urban100"):
            row = kept[f"{card.name} {dataset}"]
            assert row["made_by"]["weights"] == card.digest
            assert (row["looks"] is not None) == (card.kind == "pair")
