"""What a reproduction shows."""

import numpy as np
import pytest

pytest.importorskip("torch")

from twinscale.drawings import FilterGrid
from twinscale.evaluation.protocol import Scores
from twinscale.papers.report import (
    Claim,
    Comparison,
    ComparisonRow,
    Figure,
    Value,
    as_json,
    markdown,
)

TABLE = Comparison(
    "Set5",
    ("network",),
    "dB / SSIM",
    [
        ComparisonRow(("a",), Value(30.5, 0.9), Value(30.249, 0.91)),
        ComparisonRow(("b",), None, Value(1.0)),
        ComparisonRow(("c",), Value(2.0), None),
        ComparisonRow(("d",), Value(2.001), Value(2.0)),
    ],
)

FIGURE = Figure("a.png", "A curve.", FilterGrid(np.eye(2)[None]))


def test_value_of_scores() -> None:
    assert Value.of(Scores(30.1, 0.8, 29.0)) == Value(30.1, 0.8)
    assert Value.or_none(0.0) == Value(0.0)
    assert Value.or_none(None) is None


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
    blocks = ["Text.", Claim("x > y", True, "2 > 1"), Claim("y > x", False), FIGURE]
    assert markdown(blocks) == (
        "Text.\n\n- *x > y*: **holds** (2 > 1)\n- *y > x*: **does not hold here**\n\n![A curve.](a.png)\n\nA curve."
    )


def test_blocks_as_data() -> None:
    assert as_json("note") == {"kind": "note", "text": "note"}
    assert as_json(Claim("x", True)) == {"kind": "claim", "text": "x", "holds": True, "because": ""}
    assert as_json(FIGURE) == {"kind": "figure", "file": "a.png", "caption": "A curve."}
    rows = as_json(TABLE)["rows"]
    assert rows[0]["ours"] == {"main": 30.249, "second": 0.91}
