"""Whole runs: what they learn, and that interruptions leave no trace."""

import errno
import io
import json
import logging
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.training.sittings import assert_same_weights, log_of, stopped
from twinscale.engine import run
from twinscale.errors import DatasetError, ModelError, PictureError, UsageError
from twinscale.evaluation.evaluate import rescaler_of
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.trial import Trial
from twinscale.images.levels import to_pixels
from twinscale.images.picture import Picture
from twinscale.rescale import load
from twinscale.training import keeper, loop
from twinscale.training.build import build
from twinscale.training.export import export_run
from twinscale.training.history import read_log
from twinscale.training.learner import Learner
from twinscale.training.lock import held
from twinscale.training.log import Log
from twinscale.training.loop import train
from twinscale.training.recipe import ChannelSpec, Recipe, shortened
from twinscale.training.rescaler import as_trained
from twinscale.training.runs import BEST, CHECKPOINT
from twinscale.training.validation import validate


def test_a_run_records_the_precision_it_used(recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False, raising=False)
    made = recipe(steps=1, precision="bf16-mixed")
    train(made, tmp_path / "run", accelerator="cpu")
    assert "this CPU only emulates bfloat16: training in 32 bits" in capsys.readouterr().err
    resolved = Recipe.load(tmp_path / "run" / "recipe.toml")
    assert resolved.optimisation == replace(made.optimisation, precision="32-true")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["machine"].endswith("32-true")
    train(recipe(steps=1), tmp_path / "other", accelerator="cpu")
    assert "bfloat16" not in capsys.readouterr().err


def test_a_run_announces_nothing_but_its_own_lines(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True, raising=False)
    announced = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", announced.append)
    logging.getLogger("lightning_fabric").addHandler(handler)
    try:
        train(recipe(steps=1, precision="bf16-mixed"), tmp_path / "run", accelerator="cpu")
    finally:
        logging.getLogger("lightning_fabric").removeHandler(handler)
    assert not announced


@pytest.fixture(scope="module")
def stripes(tmp_path_factory):
    """Pictures of fine slanted stripes, which bicubic resizing blurs and a network can learn to keep."""
    folder = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :96]
    for i in range(10):
        angle, period = rng.uniform(0, math.pi), rng.uniform(5, 9)
        wave = np.sin((x * math.cos(angle) + y * math.sin(angle)) * 2 * math.pi / period)
        Image.fromarray(np.where(wave > 0, 200, 60).astype(np.uint8)).save(folder / f"{i}.png")
    return folder


def test_training_beats_averaging_and_bicubic(recipe, stripes, tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "_LOG_STEPS", 20)
    made = recipe(train=[str(stripes)], crop=24, batch=8, steps=200, learning_rate=2e-3, ema=0.95, validate_every=100)
    outcome = train(made, tmp_path / "run", accelerator="cpu")
    losses = [float(row["loss"]) for row in log_of(tmp_path / "run")]
    assert losses[-1] < 0.7 * losses[0]

    pictures = [np.asarray(Image.open(stripes / "0.png"), dtype=np.float32)[:, :, None] / 255]
    protocol = Protocol(2, "y")
    truth = protocol.truth(pictures[0])
    bicubic = protocol.score(truth, protocol.enlarge(protocol.reduce(truth))).psnr_y
    average = validate(build(made).eval(), pictures, made).psnr_y  # a DSN starts from averaging and repeating
    assert outcome.state.best_psnr > max(bicubic, average) + 1


def files_of(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_runs_are_not_mixed(recipe, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(UsageError, match="holds no checkpoint to resume from: start it without --resume"):
        train(recipe(), run, resume=True, accelerator="cpu")
    assert not run.exists()
    train(recipe(), run, accelerator="cpu")
    before = files_of(run)
    with pytest.raises(UsageError, match="already holds a run: continue it with --resume"):
        train(recipe(), run, accelerator="cpu")
    with pytest.raises(UsageError, match=r"started with another recipe: resume with its own recipe\.toml"):
        train(recipe(learning_rate=0.5), run, resume=True, accelerator="cpu")
    assert files_of(run) == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
def test_a_run_in_which_another_process_works_is_left_alone(recipe, tmp_path, monkeypatch):
    run = tmp_path / "run"
    with stopped(monkeypatch, run, at=5):
        train(recipe(), run, accelerator="cpu")
    before = files_of(run)
    with held(run / "log.csv"), pytest.raises(UsageError, match="run: another process trains in it: wait for it"):
        train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu")
    assert files_of(run) == before
    assert train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu").state.step == 10


def test_a_folder_whose_name_no_model_can_have_is_refused_before_anything_is_written(recipe, tmp_path):
    for name in ("a:b", ".hidden", "what?"):
        with pytest.raises(UsageError, match=f"a model cannot be called '{re.escape(name)}'"):
            train(recipe(), tmp_path / name)
        assert not (tmp_path / name).exists()


def test_a_folder_with_other_files_is_refused_before_anything_is_written(recipe, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "precious").touch()
    before = files_of(tmp_path)
    for folder in (tmp_path, tmp_path / "README.md"):
        with pytest.raises(UsageError, match=r"holds other files, but a run needs a folder of its own: name a new one"):
            train(recipe(), folder, accelerator="cpu")
    assert files_of(tmp_path) == before


def test_a_run_that_died_before_its_first_checkpoint_starts_again(recipe, tmp_path, monkeypatch):
    run = tmp_path / "run"
    run.mkdir()
    (run / ".DS_Store").touch()  # hidden files do not count
    with stopped(monkeypatch, run, at=1):
        train(recipe(), run, accelerator="cpu")
    assert not (run / CHECKPOINT).exists()
    assert train(recipe(), run, accelerator="cpu").state.step == 10


def test_a_run_that_was_stopped_before_its_first_step_starts_again(recipe, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(loop, "Learner", stop)
        with pytest.raises(KeyboardInterrupt):
            train(recipe(), tmp_path / "run", accelerator="cpu")
    assert train(recipe(), tmp_path / "run", accelerator="cpu").state.step == 10


def test_a_finished_run_may_be_resumed_and_stays_as_it_is(recipe, tmp_path):
    run = tmp_path / "run"
    train(recipe(), run, accelerator="cpu")
    before, rows = (run / CHECKPOINT).read_bytes(), log_of(run)
    train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu")
    assert (run / CHECKPOINT).read_bytes() == before
    assert log_of(run) == rows


def test_initial_weights(recipe, tmp_path):
    initial = {name: torch.full_like(t, 0.25) for name, t in build(recipe()).state_dict().items()}
    train(recipe(steps=1, learning_rate=0.0), tmp_path / "run", initial=initial, accelerator="cpu")
    assert all((tensor == 0.25).all() for tensor in load_file(tmp_path / "run" / BEST).values())


def test_initial_weights_of_one_half(recipe, tmp_path, capsys):
    made = recipe(architecture="twin", steps=1, learning_rate=0.0)
    half = {name: torch.full_like(t, 0.25) for name, t in build(made).state_dict().items() if name.startswith("up.")}
    weights = {}
    for name, initial in (("half", half), ("none", None)):
        train(made, tmp_path / name, initial=initial, started_from="dsn, up only" * (name == "half"), accelerator="cpu")
        assert ("starting from dsn, up only\n" in capsys.readouterr().err) == (name == "half")
        weights[name] = load_file(tmp_path / name / BEST)
    for name, tensor in weights["half"].items():
        if name.startswith("up."):
            assert (tensor == 0.25).all(), name
        else:
            assert torch.equal(tensor, weights["none"][name]), name
    assert json.loads((tmp_path / "half" / "run.json").read_text())["started_from"] == "dsn, up only"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
def test_an_interrupted_run_loses_nothing(recipe, tmp_path, monkeypatch, capsys, number):
    made = recipe(steps=14, ema=0.9)
    train(made, tmp_path / "whole", accelerator="cpu")
    run, take, handlers = tmp_path / "run", Learner.step, [signal.getsignal(each) for each in (signal.SIGINT, number)]

    def step(learner, position, *batch):
        if position == 7:
            os.kill(os.getpid(), number)
        return take(learner, position, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", step)
        with pytest.raises(KeyboardInterrupt):
            train(made, run, accelerator="cpu")
    assert [signal.getsignal(each) for each in (signal.SIGINT, number)] == handlers
    assert "interrupted, with a checkpoint, at step 8 of 14, after " in capsys.readouterr().err
    assert [row["step"] for row in log_of(run)] == ["5", "8"]
    assert json.loads((run / "run.json").read_text())["steps"] == 8
    train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu")
    best = read_log(run).psnr[0][1]
    said = f"going on from step 8 of 14, after 0.0 minutes; best so far {best:.2f} dB at step 5\n"
    assert said in capsys.readouterr().err
    assert_same_weights(tmp_path / "whole", run)


def test_a_second_interrupt_does_not_wait(recipe, tmp_path, monkeypatch):
    def step(learner, position, *batch):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("it waited")

    monkeypatch.setattr(Learner, "step", step)
    with pytest.raises(KeyboardInterrupt):
        train(recipe(), tmp_path / "run", accelerator="cpu")
    assert not (tmp_path / "run" / CHECKPOINT).exists()


def test_a_full_disk_is_one_error_and_the_last_checkpoint_stays(recipe, tmp_path, monkeypatch):
    run = tmp_path / "run"
    with stopped(monkeypatch, run, at=5):
        train(recipe(), run, accelerator="cpu")
    before = (run / CHECKPOINT).read_bytes()

    class Full:
        def write(self, row):
            raise OSError(errno.ENOSPC, "No space left on device")

    write = Log.write
    monkeypatch.setattr(Log, "write", lambda log, row: Full().write(row) if row.step > 5 else write(log, row))
    with pytest.raises(
        PictureError, match=r"run: cannot be written \(No space .*\); make room and continue with --resume"
    ):
        train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu")
    assert (run / CHECKPOINT).read_bytes() == before


def test_a_validation_picture_that_is_too_small_is_named(recipe, stripes, tmp_path):
    folder = tmp_path / "Pictures"
    shutil.copytree(stripes, folder)
    Image.new("L", (12, 9)).save(folder / "0.png")
    message = r"validation picture Pictures/0: a picture of 12x9 is too small .*; take it out of the training pictures"
    with pytest.raises(DatasetError, match=message):
        train(recipe(train=[str(folder)]), tmp_path / "run", accelerator="cpu")
    assert not (tmp_path / "run").exists()


def test_training_pictures_that_are_too_small_are_counted(recipe, stripes, tmp_path, capsys):
    folder = tmp_path / "Pictures"
    shutil.copytree(stripes, folder)
    Image.new("L", (12, 90)).save(folder / "1.png")
    train(recipe(train=[str(folder)], steps=1), tmp_path / "run", accelerator="cpu")
    said = capsys.readouterr().err
    assert "8 pictures to train on (1 left out: smaller than the crop of 16 pixels), 1 to validate" in said


def test_muon_continues_exactly(recipe, tmp_path, monkeypatch):
    made = recipe(steps=14, optimiser="muon", warmup=3, ema=0.9, clip_norm=0.5, fidelity=0.3, output_layer_rate=0.5)
    train(made, tmp_path / "whole", accelerator="cpu")
    run = tmp_path / "stopped"
    with stopped(monkeypatch, run, at=9):
        train(made, run, accelerator="cpu")
    assert json.loads((run / "run.json").read_text())["steps"] == 8
    train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu")
    assert_same_weights(tmp_path / "whole", run)
    assert any(name.endswith(".momentum") for name in load_file(run / CHECKPOINT))
    assert read_log(run).psnr == read_log(tmp_path / "whole").psnr


# Checkpoints after every logged row. KILL is a step: "17" dies before step 17 is taken, "w35" dies once
# row 35 is logged but its checkpoint is not written.
DRIVER = """
import os, signal, sys
from pathlib import Path
import torch
from twinscale.training import keeper, loop
from twinscale.training.recipe import ChannelSpec, Recipe
from twinscale.training.rescaler import as_trained

torch.set_num_threads(1)
keeper._CHECKPOINT_SECONDS = 0.0
keeper._LOG_STEPS = 5
recipe, run, kill = sys.argv[1:]

class Crops(loop.Crops):
    def batch(self, step):
        if kill == str(step):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().batch(step)

def save(path, network, average, optimiser, state, save=keeper.save_checkpoint):
    if kill == f"w{state.step}":
        os.kill(os.getpid(), signal.SIGKILL)
    save(path, network, average, optimiser, state)

loop.Crops, keeper.save_checkpoint = Crops, save
run = Path(run)
loop.train(Recipe.load(recipe), run, resume=(run / loop.CHECKPOINT).exists(), accelerator="cpu")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_runs_continue_exactly(recipe, tmp_path):
    (tmp_path / "recipe.toml").write_text(
        recipe(steps=60, validate_every=20, warmup=5, ema=0.9, clip_norm=0.5, output_layer_rate=0.5).dumps()
    )

    def sitting(run, kill="never"):
        command = [sys.executable, "-c", DRIVER, str(tmp_path / "recipe.toml"), str(tmp_path / run), kill]
        result = subprocess.run(command, capture_output=True, text=True, timeout=100)
        assert result.returncode == (0 if kill == "never" else -9), result.stderr

    sitting("whole")
    for kill in ("17", "w35", "never"):
        sitting("killed", kill)
        assert not list((tmp_path / "killed").glob("*.tmp*"))
        assert log_of(tmp_path / "killed")

    for file in (CHECKPOINT, BEST):
        whole, killed = (load_file(tmp_path / run / file) for run in ("whole", "killed"))
        assert whole.keys() == killed.keys()
        for name, tensor in whole.items():
            assert torch.equal(tensor, killed[name]), name
    whole, killed = (log_of(tmp_path / run) for run in ("whole", "killed"))
    for row in whole + killed:
        del row["seconds"], row["pictures_per_second"]
    assert whole == killed
    assert [row["step"] for row in whole] == [str(step) for step in range(5, 61, 5)]
    summaries = [json.loads((tmp_path / run / "run.json").read_text()) for run in ("whole", "killed")]
    for summary in summaries:
        for key in ("minutes", "pictures_per_second", "started", "finished"):
            del summary[key]
    assert summaries[0] == summaries[1]


def test_a_damaged_checkpoint_is_named(recipe, tmp_path):
    train(recipe(), tmp_path / "run", accelerator="cpu")
    (tmp_path / "run" / CHECKPOINT).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="cannot be resumed"):
        train(Recipe.load(tmp_path / "run" / "recipe.toml"), tmp_path / "run", resume=True, accelerator="cpu")


def test_qualities_are_drawn_again_as_they_were(recipe, tmp_path, monkeypatch):
    """Whatever was drawn before, and in whichever process."""
    channel = ChannelSpec(name="jpeg", parameters={"lowest": 5, "highest": 60})
    made = recipe(architecture="twin", colour="rgb", channel=channel, steps=10, rate=0.02)
    train(made, tmp_path / "whole", accelerator="cpu")
    run = tmp_path / "stopped"
    with stopped(monkeypatch, run, at=7):
        train(made, run, accelerator="cpu")
    torch.manual_seed(12345)
    train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu")
    assert_same_weights(tmp_path / "whole", run)


@pytest.mark.parametrize("name", ["pack-jpeg-x2", "pack-webp-x2"])
def test_pairs_for_lossy_files_are_trained_and_exported(name, recipe, folder, tmp_path):
    """The shipped recipes with smaller crops of other pictures."""
    shipped = Recipe.load(name)
    data = replace(shipped.data, train=[str(folder)], validation=[], crop=16, batch=2)
    parameters = {"upscaler": "lean", "upscaler_parameters": {"width": 4, "blocks": 1}}
    network = replace(shipped.network, parameters=parameters)
    made = replace(shipped, network=network, data=data, optimisation=shortened(shipped.optimisation, 3))
    train(made, tmp_path / "run", accelerator="cpu")
    card = export_run(tmp_path / "run", tmp_path / "models", name="packed")
    assert card.channel == shipped.channel.name
    assert card.channel_parameters == shipped.channel.parameters
    assert card.conditions == build(made).channel.told != "none"
    model = load(card)
    assert model.channel == build(made).channel
    planes = np.random.default_rng(0).random((32, 40, 3), dtype=np.float32)
    trials = [
        Trial.of(rescaler, Protocol(2, "rgb"), planes)
        for rescaler in (
            rescaler_of(model, Protocol(2, "rgb")),
            as_trained(trained(made, tmp_path), made.network, data),
        )
    ]
    np.testing.assert_allclose(trials[0].low, trials[1].low, rtol=0, atol=12.5 / 255)  # a level sent may turn a step
    np.testing.assert_allclose(trials[0].result, np.clip(trials[1].result, 0, 1), rtol=0, atol=12.5 / 255)

    file = io.BytesIO()
    Image.fromarray(to_pixels(planes, np.uint8)).save(file, "JPEG", quality=30, subsampling="4:4:4")
    picture = Picture.read(file.getvalue())
    told = model.channel.at(30).conditions(3) if name == "pack-jpeg-x2" else None
    expected = run(model.enlargement_told(told), picture.planes())
    np.testing.assert_allclose(model.enlarge(picture).planes(), expected, rtol=0, atol=0.51 / 255)


def trained(made, folder):
    network = build(made).eval()
    network.load_state_dict(load_file(folder / "run" / BEST))
    return network
