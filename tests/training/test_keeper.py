"""What a run leaves in its folder."""

import json
import re
from dataclasses import asdict
from datetime import datetime, timedelta
from fnmatch import fnmatch

import pytest
import torch
from safetensors.torch import load_file

from tests.training.sittings import assert_same_weights, log_of, stopped
from twinscale.training import keeper
from twinscale.training.build import build
from twinscale.training.data import validation_examples
from twinscale.training.history import read_log, read_rows
from twinscale.training.loop import train
from twinscale.training.optimisation import learning_rate
from twinscale.training.recipe import Recipe
from twinscale.training.runs import BEST, CHECKPOINT
from twinscale.training.split import split_pictures
from twinscale.training.validation import validate


def test_everything_about_a_run_is_in_its_folder(recipe, folder, tmp_path):
    run = tmp_path / "run"
    made = recipe(steps=7, validate_every=3)
    outcome = train(made, run, accelerator="cpu", command="twinscale train tiny")
    assert outcome.folder == run
    assert outcome.state.step == 7

    resolved = Recipe.load(run / "recipe.toml")
    assert resolved.data.validation == [f"{folder.name}/p00", f"{folder.name}/p06"]
    assert resolved.optimisation == made.optimisation
    rows = log_of(run)
    assert [row["step"] for row in rows] == ["3", "6", "7"]
    assert all(float(row["validation_psnr_y"]) > 10 for row in rows)
    assert float(rows[1]["learning_rate"]) == pytest.approx(learning_rate(5, made.optimisation), rel=1e-3)
    summary = json.loads((run / "run.json").read_text())
    assert summary["steps"] == 7
    assert summary["recipe_sha256"] == resolved.digest()
    best = max(rows, key=lambda row: float(row["validation_psnr_y"]))
    assert summary["best_step"] == int(best["step"])
    assert summary["validation_psnr_y"] == float(best["validation_psnr_y"])
    assert summary["data"] == [str(folder)]
    assert summary["pictures_per_second"] == pytest.approx(7 * 2 / float(rows[-1]["seconds"]), rel=0.5)
    began, ended = (datetime.fromisoformat(summary[key]) for key in ("started", "finished"))
    assert timedelta() <= ended - began < timedelta(minutes=5)
    network = build(resolved).eval()
    network.load_state_dict(load_file(run / BEST))
    looks = validate(network, validation_examples(split_pictures(resolved.data)[1]), resolved).looks
    measured = {key: value for key, value in asdict(looks).items() if value is not None}  # luminance has no colours
    assert summary["looks"] == pytest.approx(measured, abs=1e-3)
    assert list(run.glob("events.out.tfevents.*"))
    assert load_file(run / BEST).keys() == build(resolved).state_dict().keys()
    assert (run / CHECKPOINT).exists()
    assert len(list(run.iterdir())) == 8


def test_the_readme_names_every_file_and_what_was_reached(recipe, tmp_path):
    run = tmp_path / "run"
    outcome = train(recipe(steps=4, validate_every=2), run, accelerator="cpu", command="twinscale train tiny")
    text = (run / "README.md").read_text()
    named = [name.split("/")[0] for name in re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE)]
    for path in run.iterdir():
        assert path.name == "README.md" or any(fnmatch(path.name, name) for name in named), path.name
    assert "twinscale train tiny " in text
    assert f"{outcome.state.best_psnr:.2f} dB at step {outcome.state.best_step}, over 2 pictures" in text
    assert "| 4 of 4, in" in text


def test_the_readme_is_there_from_the_start_and_outlives_a_resumption(recipe, tmp_path, monkeypatch):
    run = tmp_path / "run"
    with stopped(monkeypatch, run, at=1):
        train(recipe(steps=6), run, accelerator="cpu", command="twinscale train first")
    text = (run / "README.md").read_text()
    assert "none yet" in text
    assert "0 of 6" in text
    with stopped(monkeypatch, run, at=5):
        train(recipe(steps=6), run, accelerator="cpu", command="twinscale train first")
    train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu", command="twinscale train again")
    text = (run / "README.md").read_text()
    assert "6 of 6" in text
    assert "twinscale train first " in text  # what the run is, not what it was continued with


def test_the_log_of_a_run(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "_LOG_STEPS", 2)
    train(recipe(steps=7, validate_every=3), tmp_path / "run", accelerator="cpu")
    history = read_log(tmp_path / "run")
    assert [step for step, _ in history.training_loss] == [2, 3, 4, 6, 7]
    assert [step for step, _ in history.psnr] == [step for step, _ in history.validation_loss] == [3, 6, 7]
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert max(history.psnr, key=lambda point: point[1]) == (summary["best_step"], summary["validation_psnr_y"])
    assert summary["validation_loss"] == dict(history.validation_loss)[summary["best_step"]]
    assert summary["training_loss"] == history.training_loss[-1][1]


def test_what_is_nearest_the_colour_bound_is_kept(recipe, tmp_path):
    run = tmp_path / "run"
    made = recipe(architecture="twin", colour="rgb", steps=6, validate_every=1, colour_bound=0.01)  # out of reach
    train(made, run, accelerator="cpu")
    rows = read_rows(run)
    summary = json.loads((run / "run.json").read_text())
    nearest = min(rows, key=lambda row: row.ciede2000_p99)
    assert (summary["best_step"], summary["validation_psnr_y"]) == (nearest.step, nearest.validation_psnr_y)
    assert summary["looks"]["ciede2000_p99"] == nearest.ciede2000_p99
    assert nearest != max(rows, key=lambda row: row.validation_psnr_y)


def test_previews_do_not_change_the_training(recipe, tmp_path):
    runs = {}
    for name, every in (("none", 0), ("usual", None), ("often", 2)):
        runs[name] = tmp_path / name
        train(recipe(steps=7, validate_every=3, ema=0.9), runs[name], preview_every=every, accelerator="cpu")
        assert_same_weights(runs["none"], runs[name])
        assert read_log(runs["none"]) == read_log(runs[name])
    drawn = {name: sorted(path.name for path in run.glob("previews/*")) for name, run in runs.items()}
    assert drawn == {
        "none": [],
        "usual": ["step-0000003.png", "step-0000006.png", "step-0000007.png"],
        "often": ["step-0000002.png", "step-0000004.png", "step-0000006.png"],
    }


def test_snapshots_are_the_averaged_weights_of_their_steps(recipe, tmp_path):
    made = recipe(steps=6, validate_every=2, decay="none", ema=0.9)
    train(made, tmp_path / "run", snapshots=[4], accelerator="cpu")
    train(recipe(steps=4, validate_every=4, decay="none", ema=0.9), tmp_path / "short", accelerator="cpu")
    assert [path.name for path in (tmp_path / "run").glob("step-*")] == ["step-4.safetensors"]
    kept, best = (load_file(tmp_path / name) for name in ("run/step-4.safetensors", f"short/{BEST}"))
    assert kept.keys() == best.keys()
    assert all(torch.equal(tensor, best[name]) for name, tensor in kept.items())
