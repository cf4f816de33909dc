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
from twinscale.zoo import Card


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
        card = evaluation.model.card
        assert not record.has(card, evaluation.dataset)
        record.add(evaluation)
        again = Record(tmp_path)
        assert again.has(card, evaluation.dataset)
        assert not again.has(card, "another")
        assert again.scores(card, evaluation.dataset) == evaluation.ours
    pair, upscaler = evaluations
    assert isinstance(pair.looks, Looks)
    assert Record(tmp_path).looks(pair.model.card, pair.dataset) == pair.looks
    assert upscaler.looks is None


def test_tables(evaluations: tuple[Evaluation, Evaluation], tmp_path: Path) -> None:
    record = Record(tmp_path)
    for evaluation in evaluations:
        record.add(evaluation)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text == record.markdown()
    pair, upscaler = evaluations
    header, _, cells = rows_of_table(text, pair.model.card.name)
    assert header[-3:] == ["ours, RGB", "small picture vs bicubic, dB", "variation"]
    assert cells[-3:] == [
        f"{pair.ours.psnr_rgb:.2f}",
        f"{pair.looks.fidelity:.2f}",
        f"{pair.looks.total_variation:.2f}",
    ]
    header, _, cells = rows_of_table(text, upscaler.model.card.name)
    assert header == ["set", "bicubic", "ours", "paper", "difference"]
    assert cells == [upscaler.dataset, str(upscaler.bicubic), str(upscaler.ours), "–", "–"]


def test_scores_without_looks_are_kept(evaluations: tuple[Evaluation, Evaluation], tmp_path: Path) -> None:
    """As those of before looks were measured."""
    for evaluation in evaluations:
        Record(tmp_path).add(evaluation)
    rows = json.loads((tmp_path / "results.json").read_text())
    for row in rows.values():
        del row["looks"]
    (tmp_path / "results.json").write_text(json.dumps(rows))
    pair, upscaler = evaluations
    old = Record(tmp_path)
    assert old.has(upscaler.model.card, upscaler.dataset)
    assert old.has(pair.model.card, pair.dataset)
    assert old.looks(pair.model.card, pair.dataset) is None
    assert rows_of_table(old.markdown(), pair.model.card.name)[0][-1] == "ours, RGB"

    old.add(Evaluation(pair.model, "another", pair.protocol, pair.pictures))
    table = {row[0]: row for row in rows_of_table(old.markdown(), pair.model.card.name)}
    assert table[pair.dataset][-2:] == ["–", "–"]
    assert table["another"][-1] == f"{pair.looks.total_variation:.2f}"


def test_other_weights_are_measured_again(evaluations: tuple[Evaluation, Evaluation], tmp_path: Path) -> None:
    pair, _ = evaluations
    record = Record(tmp_path)
    record.add(pair)
    card = Card(**{**{name: getattr(pair.model.card, name) for name in Card.__slots__}, "down": None})
    assert not record.has(Model(card).card, pair.dataset)
