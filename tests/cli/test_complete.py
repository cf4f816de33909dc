"""What the shell offers when Tab is pressed."""

import json
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from twinscale.cli.app import app
from twinscale.datasets import catalogue
from twinscale.images.downscaling import METHODS
from twinscale.zoo import families, model_names


def offered(*words: str) -> list[str]:
    """What is offered for the last word; in angle brackets what the shell looks for on the disk."""
    *before, last = words
    items = ShellComplete(app, {}, "twinscale", "_TWINSCALE_COMPLETE").get_completions(before, last)
    return [item.value if item.type == "plain" else f"<{item.type}>" for item in items]


@pytest.mark.parametrize(
    "command",
    [
        ("upscale", "-m"),
        ("restore", "-m"),
        ("bench", "batch", "-m"),
        ("train", "fast-x2", "--from"),
        ("evaluate",),
        ("models", "show"),
        ("bench", "engine", "fast-x2"),
        ("bench", "picture"),
    ],
)
def test_models_and_families(command: tuple[str, ...]) -> None:
    assert offered(*command, "") == ["<dir>", *families(), *model_names()]
    assert offered(*command, "twin-y") == ["<dir>", "twin-y", "twin-y-x2", "twin-y-x3", "twin-y-x4"]


@pytest.mark.parametrize("option", ["--method", "--model", "-m"])
def test_classical_methods_beside_models(option: str) -> None:
    assert offered("shrink", option, "") == ["<dir>", *METHODS, *families(), *model_names()]
    assert offered("shrink", option, "dpi") == ["<dir>", "dpid"]


def test_models_of_ones_own(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSCALE_MODELS", str(pair))
    assert offered("restore", "-m", "pair") == ["<dir>", pair.name]
    listed = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).output)
    assert [row["name"] for row in listed] == [*model_names(), pair.name]
    assert listed[-1]["folder"] == str(pair)


def test_a_damaged_model_of_ones_own_does_not_spoil_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "card.toml").write_text("damaged")
    monkeypatch.setenv("TWINSCALE_MODELS", str(tmp_path))
    assert offered("restore", "-m", "twin-x") == ["<dir>", "twin-x2", "twin-x3", "twin-x4"]


@pytest.mark.parametrize("command", [("data", "get", "Set5"), ("evaluate", "fast-x2"), ("train", "fast-x2", "--data")])
def test_sets(command: tuple[str, ...]) -> None:
    assert offered(*command, "") == ["<dir>", *(dataset.name for dataset in catalogue())]
    assert offered(*command, "Set1") == ["<dir>", "Set14"]


def test_recipes() -> None:
    assert offered("train", "fast") == ["<file>", "fast-x2", "fast-x3", "fast-x4"]


@pytest.mark.parametrize("command", [("plot",), ("runs", "compare", "runs/b"), ("export",)])
def test_runs(command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b", "a", "no-run"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        if name != "no-run":
            (tmp_path / "runs" / name / "recipe.toml").touch()
    assert offered(*command, "runs/") == ["<dir>", "runs/a", "runs/b"]


def test_papers_and_their_items() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    from twinscale.papers import PAPERS

    assert offered("reproduce", "") == list(PAPERS)
    for name, paper in PAPERS.items():
        assert offered("reproduce", name, "") == [item.name for item in paper.items]
        assert offered("reproduce", name, "table-1", "table-") == [
            item.name for item in paper.items if item.name.startswith("table-")
        ]
    assert offered("reproduce", "no-such-paper", "") == []


def test_pictures_are_files() -> None:
    for command in (("upscale",), ("shrink", "-o"), ("restore", "a.png"), ("info",)):
        assert offered(*command, "ph") == ["<file>"]
