"""What a machine has to have before anything is trained on it."""

import importlib.util
import re
import shutil
import tomllib
from pathlib import Path
from types import SimpleNamespace

import torch

from twinscale.training import requirements as module
from twinscale.training.recipe import Recipe
from twinscale.training.requirements import PACKAGES, requirements


def found(trainings, folder, accelerator="cpu"):
    return {each.what: (each.is_met, each.said) for each in requirements(trainings, folder, accelerator)}


def test_the_packages_are_those_that_training_installs():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["train"]
    assert set(PACKAGES) == {re.split(r"[>=<]", each)[0] for each in wanted} - {"click"}  # the command line itself
    assert all(importlib.util.find_spec(name) for name in PACKAGES.values())


def test_everything_is_there(recipe, tmp_path):
    said = found([(recipe(), ["dsn-y-x2"]), (recipe(name="other"), [])], tmp_path / "new" / "runs")
    assert all(is_met for is_met, _ in said.values())
    assert list(said) == [
        *("packages", "accelerator", "disk"),
        *("tiny: pictures", "tiny: network", "other: pictures", "other: network"),
    ]
    assert said["tiny: pictures"][1].startswith("10 to train on, 2 to validate, from ")
    assert said["tiny: network"][1].startswith("dsn x2, from the weights of dsn-y-x2 ")
    assert str(tmp_path) in said["disk"][1]


def test_what_is_missing_is_one_line_each(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1e8))
    wrong = recipe(name="wrong", train=["Nowhere"], parameters={"widht": 3})
    said = found([(wrong, []), (recipe(name="larger", scale=3), ["dsn-y-x2"])], tmp_path, "cuda")
    lacking = {what: text for what, (is_met, text) in said.items() if not is_met}
    assert list(lacking) == ["accelerator", "disk", "wrong: pictures", "wrong: network", "larger: network"]
    assert "finds no CUDA device" in lacking["accelerator"]
    assert "has 0.1 GB left, but 2 runs need 0.4" in lacking["disk"]
    assert "no such set or folder" in lacking["wrong: pictures"]
    assert "dsn has no parameter 'widht'" in lacking["wrong: network"]
    assert "does not fit the recipe's network" in lacking["larger: network"]
    assert not any("\n" in text for text in lacking.values())


def test_without_packages_nothing_else_is_tried(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if "onnx" in name else find(name))
    said = found([(Recipe.load("espcn-x3"), [])], tmp_path)
    assert list(said) == ["packages"]
    assert said["packages"][1].startswith("onnxruntime, onnx, onnxscript missing: install it with pip install ")
