"""``runs list`` and ``runs compare``: tables and JSON."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytest.importorskip("tomli_w")

from tests.runs import ROWS, make_run


def test_list(run: Run, tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "first")
    make_run(tmp_path / "runs" / "deeper" / "second", rows=ROWS[:2])
    make_run(tmp_path / "runs" / "third", rows=[])
    (tmp_path / "runs" / "third" / "recipe.toml").write_text("unknown = 1")  # hides none of the others
    shown = run("runs", "list")
    assert shown.returncode == 0
    assert b"third: " in shown.stderr
    second, first = (line.split() for line in shown.stdout.decode().splitlines()[2:4])
    assert first == ["first", "espcn", "x2", "y", "Pictures,", "T91", "150", "3.0", "78", "1", "31.50", "100"]
    assert second == ["second", "espcn", "x2", "y", "Pictures,", "T91", "75/150", "1.5", "78", "1", "28.00", "50"]
    assert b"machine 1: 4 CPU cores (x86_64), 32-true" in shown.stdout
    listed = json.loads(run("runs", "list", "runs/deeper", "--json").stdout)
    assert [(entry["name"], entry["finished"], entry["best_step"]) for entry in listed] == [("tiny", False, 50)]


def test_compare(run: Run, tmp_path: Path) -> None:
    make_run(tmp_path / "slow", learning_rate=1e-4, rows=ROWS[:2])
    make_run(tmp_path / "fast")
    shown = run("runs", "compare", "slow", "fast")
    assert shown.returncode == 0, shown.stderr
    lines = [line.split() for line in shown.stdout.decode().splitlines()]
    assert lines[0] == ["slow", "fast", "*"]
    assert ["bicubic,", "dB", "27.50", "27.50"] in lines
    assert ["PSNR,", "dB", "28.00", "31.50"] in lines
    assert [line for line in lines if line and line[0].startswith(("optimisation.", "data.", "network."))] == [
        ["optimisation.learning_rate", "0.0001", "0.001"]
    ]
    report = json.loads(run("runs", "compare", "slow", "fast", "--json").stdout)
    assert [entry["steps"] for entry in report["runs"]] == [75, 150]
    assert report["recipe_differences"] == {"optimisation.learning_rate": [1e-4, 1e-3]}
    assert report["best"] == "fast"


def test_what_does_not_compare_is_not_marked(run: Run, tmp_path: Path) -> None:
    make_run(tmp_path / "x2")
    make_run(tmp_path / "x3", network={"scale": 3})
    shown = run("runs", "compare", "x2", "x3")
    assert b"*" not in shown.stdout
    assert b"their PSNR cannot be compared" in shown.stderr


def test_no_runs(run: Run) -> None:
    for command in (("list",), ("list", "nowhere"), ("compare", "nowhere")):
        refused = run("runs", *command)
        assert refused.returncode == 2
        assert refused.stderr.count(b"\n") == 1
