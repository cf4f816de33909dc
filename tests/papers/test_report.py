"""What a reproduction shows."""

import pytest

pytest.importorskip("torch")

from twinscale.evaluation.protocol import Scores
from twinscale.papers.report import Claim, Comparison, Drawing, Item, Paper, Row, Value, as_json, markdown, write_page

TABLE = Comparison(
    "Set5",
    ("network",),
    "dB / SSIM",
    [
        Row(("a",), Value(30.5, 0.9), Value(30.249, 0.91)),
        Row(("b",), None, Value(1.0)),
        Row(("c",), Value(2.0), None),
        Row(("d",), Value(2.001), Value(2.0)),
    ],
)


def test_value_of_scores() -> None:
    assert Value.of(Scores(30.1, 0.8, 29.0)) == Value(30.1, 0.8)


def test_comparison_as_markdown() -> None:
    assert markdown([TABLE]) == (
        "**Set5**\n\n"
        "| network | published (dB / SSIM) | ours | difference |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| a | 30.50 / 0.9000 | 30.25 / 0.9100 | -0.25 |\n"
        "| b | – | 1.00 | – |\n"
        "| c | 2.00 | – | – |\n"
        "| d | 2.00 | 2.00 | +0.00 |"
    )


def test_claims_in_a_row_make_one_list() -> None:
    blocks = ["Text.", Claim("x > y", True, "2 > 1"), Claim("y > x", False), Drawing("a.png", "A curve.")]
    assert markdown(blocks) == (
        "Text.\n\n- *x > y*: **holds** (2 > 1)\n- *y > x*: **does not hold here**\n\n![A curve.](a.png)\n\nA curve."
    )


def test_blocks_as_data() -> None:
    assert as_json("note") == {"kind": "note", "text": "note"}
    assert as_json(Claim("x", True)) == {"kind": "claim", "text": "x", "holds": True, "because": ""}
    rows = as_json(TABLE)["rows"]
    assert rows[0]["ours"] == {"main": 30.249, "second": 0.91}


def test_page_holds_what_was_made_in_the_papers_order(tmp_path) -> None:
    items = [Item(name, name.upper(), lambda desk: iter(())) for name in ("one", "two", "three")]
    paper = Paper("p", "Somebody", "Said so.", items)
    write_page(tmp_path / "p.md", paper, "make it", {"three": "3", "one": "1"})
    assert (
        tmp_path / "p.md"
    ).read_text() == "# Somebody\n\nMade by `make it`. Said so.\n\n## ONE\n\n1\n\n## THREE\n\n3\n"
