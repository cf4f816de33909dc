"""``twinscale reproduce`` on a paper made up for the test."""

import json
import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from twinscale import papers
from twinscale.cli.app import app
from twinscale.errors import UsageError
from twinscale.papers.paper import Item, Paper
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Value

LABEL = "SRCNN " + "9-5-5 " * 20 + "by the authors"


@pytest.fixture
def made(monkeypatch, tmp_path) -> list[str]:
    """Names of the items that were made, in order."""
    names: list[str] = []

    def item(name: str) -> Item:
        def make(reproduction) -> Iterator[Block]:
            names.append(name)
            reproduction._notify(f"making {name}")
            yield Comparison("Set5", ("network",), "dB", [ComparisonRow((LABEL,), Value(32.0), Value(32.39))])
            yield Claim("Ours is [better]", True, "32.39 dB")

        return Item(name, f"Title of {name}", make)

    paper = Paper("made-up", "Somebody", "Said so.", [item("table-1"), item("fig-2")])
    monkeypatch.setattr(papers, "PAPERS", {"made-up": paper})
    monkeypatch.setenv("TWINSCALE_MALLOC", "0")
    monkeypatch.chdir(tmp_path)
    return names


def invoke(*arguments: str):
    return CliRunner().invoke(app, ["reproduce", *arguments], catch_exceptions=False)


def test_shows_published_ours_and_difference_and_writes_the_page(made, tmp_path) -> None:
    result = invoke("made-up", "-o", "out")
    assert result.exit_code == 0
    assert made == ["table-1", "fig-2"]
    for text in (
        "Somebody. Said so.",
        "Title of table-1",
        "published (dB)",
        "32.00",
        "32.39",
        "+0.39",
        "Ours is [better]: holds 32.39 dB",
    ):
        assert text in result.stdout
    assert re.search(f"{LABEL} +32.00 +32.39 +[+]0.39", result.stdout)  # in one line, although that is no terminal
    assert "making table-1" in result.stderr
    assert ".py" not in result.stderr  # where in the code a message comes from is nobody's concern
    page = (tmp_path / "out" / "papers" / "made-up.md").read_text()
    assert page.startswith("# Somebody\n\nMade by `twinscale reproduce made-up`. Said so.")
    assert page.index("## Title of table-1") < page.index(f"| {LABEL} | 32.00 | 32.39 | +0.39 |")


def test_one_item_leaves_the_others_on_the_page(made, tmp_path) -> None:
    invoke("made-up", "-o", "out")
    invoke("made-up", "fig-2", "-o", "out")
    assert made == ["table-1", "fig-2", "fig-2"]
    page = (tmp_path / "out" / "papers" / "made-up.md").read_text()
    assert page.index("Title of table-1") < page.index("Title of fig-2")


def test_json(made) -> None:
    shown = json.loads(invoke("made-up", "table-1", "--json").stdout)
    assert shown["table-1"][0]["rows"][0] == {
        "labels": [LABEL],
        "published": {"main": 32.0, "second": None},
        "ours": {"main": 32.39, "second": None},
    }
    assert shown["table-1"][1]["holds"] is True


def test_list(made) -> None:
    result = invoke("made-up", "--list")
    assert result.stdout.splitlines() == ["table-1    Title of table-1", "fig-2      Title of fig-2"]
    assert made == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dns"], "no paper 'dns': use one of made-up"),
        (["made-up", "table-9"], "made-up has no item 'table-9': use table-1, fig-2"),
        (["made-up", "--sets", "Kodak24"], "the papers measure on Set5, .*, not on 'Kodak24'"),
        (["made-up", "--full", "--budget", "1"], "--budget and --full both say how long to train"),
    ],
)
def test_wrong_usage(made, arguments, message) -> None:
    with pytest.raises(UsageError, match=message):
        invoke(*arguments)
    assert made == []
