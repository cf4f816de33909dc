import csv
import json
import math
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from twinscale.errors import ModelError, UsageError
from twinscale.images.protocol import Protocol
from twinscale.nets import Upscaler
from twinscale.training import loop
from twinscale.training.data import split, validation_examples
from twinscale.training.loop import BEST, CHECKPOINT, Learner, build, learning_rate, train, validate
from twinscale.training.recipe import OptimisationSpec, Recipe


@pytest.fixture
def fabric():
    return Fabric(accelerator="cpu", devices=1)


def log_of(run):
    with (run / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# Schedules


def test_warmup_rises_to_the_full_rate_and_cosine_falls_from_there():
    spec = OptimisationSpec(steps=1010, learning_rate=0.5, final_learning_rate=0.1, warmup=10)
    assert [learning_rate(step, spec) for step in range(10)] == pytest.approx([0.05 * i for i in range(1, 11)])
    assert learning_rate(10, spec) == 0.5
    assert learning_rate(510, spec) == pytest.approx(0.3)
    assert learning_rate(260, spec) == pytest.approx(0.1 + 0.4 * (1 + math.sqrt(0.5)) / 2)
    assert learning_rate(1010, spec) == pytest.approx(0.1)
    rates = [learning_rate(step, spec) for step in range(10, 1010)]
    assert rates == sorted(rates, reverse=True)


def test_steps_halve_down_to_the_floor():
    spec = OptimisationSpec(steps=100, learning_rate=0.8, decay="step", decay_every=10, final_learning_rate=0.15)
    assert [learning_rate(step, spec) for step in (0, 9, 10, 19, 20, 30, 99)] == pytest.approx(
        [0.8, 0.8, 0.4, 0.4, 0.2, 0.15, 0.15]
    )


def test_no_decay():
    spec = OptimisationSpec(steps=100, learning_rate=0.8, decay="none", warmup=2)
    assert [learning_rate(step, spec) for step in (0, 1, 2, 99)] == [0.4, 0.8, 0.8, 0.8]


# A step


class Tiny(Upscaler):
    """One convolution and one more, its output layer."""

    scale, channels, factor, radius = 1, 1, 1, 1

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.outer = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 1, 1)

    def forward(self, low):
        return self.outer(self.inner(low))

    def output_layers(self):
        return [self.outer]


def parameters(network):
    return torch.cat([p.detach().double().flatten() for p in network.parameters()])


def batches(count):
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(2, 2, 1, 6, 6, generator=generator) for _ in range(count)]


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_output_layers_learn_at_their_own_rate(fabric, optimiser):
    moves = []
    for relative in (1.0, 0.1):
        network = Tiny()
        before = [p.detach().clone() for p in network.parameters()]
        spec = OptimisationSpec(
            steps=9, optimiser=optimiser, learning_rate=0.01, output_layer_rate=relative, decay="none"
        )
        Learner(network, spec, fabric).step(0, *batches(1)[0])
        moves.append([p.detach() - b for p, b in zip(network.parameters(), before, strict=True)])
    for layer, full, own in zip(("inner", "inner", "outer", "outer"), *moves, strict=True):
        assert full.abs().max() > 0
        torch.testing.assert_close(own, full * (0.1 if layer == "outer" else 1.0), rtol=1e-3, atol=1e-7)


def test_averaged_weights_against_the_recursion(fabric):
    network = Tiny()
    learner = Learner(network, OptimisationSpec(steps=40, learning_rate=0.01, ema=0.7), fabric)
    expected = parameters(network)
    for step, batch in enumerate(batches(40)):
        learner.step(step, *batch)
        keep = min(0.7, (step + 1) / (step + 10))
        expected = keep * expected + (1 - keep) * parameters(network)
        torch.testing.assert_close(parameters(learner.average), expected, rtol=0, atol=1e-6)
    assert not torch.allclose(expected, parameters(network), atol=1e-6)


def test_without_averaging_the_last_weights_count(fabric):
    learner = Learner(Tiny(), OptimisationSpec(steps=3), fabric)
    for step, batch in enumerate(batches(3)):
        learner.step(step, *batch)
        assert torch.equal(parameters(learner.average), parameters(learner.network))


def test_gradients_are_clipped(fabric):
    network = Tiny()
    before = parameters(network)
    spec = OptimisationSpec(steps=9, loss="l2", optimiser="sgd", learning_rate=1.0, decay="none", clip_norm=1e-3)
    Learner(network, spec, fabric).step(0, *batches(1)[0])
    assert (parameters(network) - before).norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_bfloat16_steps_keep_float32_weights():
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    learner = Learner(Tiny(), OptimisationSpec(steps=9), fabric)
    loss = learner.step(0, *batches(1)[0])
    assert loss.dtype == torch.float32
    assert all(p.dtype == torch.float32 for p in learner.network.parameters())


# A run


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
    monkeypatch.setattr(loop, "_LOG_STEPS", 20)
    made = recipe(train=[str(stripes)], crop=24, batch=8, steps=200, learning_rate=2e-3, ema=0.95, validate_every=100)
    outcome = train(made, tmp_path / "run", accelerator="cpu")
    losses = [float(row["loss"]) for row in log_of(tmp_path / "run")]
    assert losses[-1] < 0.7 * losses[0]

    pictures = [np.asarray(Image.open(stripes / "0.png"), dtype=np.float32)[:, :, None] / 255]
    protocol = Protocol(2, "y")
    truth = protocol.truth(pictures[0])
    bicubic = protocol.score(truth, protocol.enlarge(protocol.reduce(truth))).psnr_y
    average, _ = validate(build(made).eval(), pictures, made)  # a DSN starts from averaging and repeating
    assert outcome.progress.best_psnr > max(bicubic, average) + 1


def test_everything_about_a_run_is_in_its_folder(recipe, folder, tmp_path):
    run = tmp_path / "run"
    made = recipe(steps=7, validate_every=3)
    outcome = train(made, run, accelerator="cpu")
    assert outcome.folder == run
    assert outcome.progress.step == 7

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
    network = build(resolved).eval()
    network.load_state_dict(load_file(run / BEST))
    _, looks = validate(network, validation_examples(split(resolved.data)[1]), resolved)
    assert summary["looks"] == pytest.approx(asdict(looks), abs=1e-3)
    assert list(run.glob("events.out.tfevents.*"))
    assert load_file(run / BEST).keys() == build(resolved).state_dict().keys()
    assert (run / CHECKPOINT).exists()
    assert len(list(run.iterdir())) == 6


def test_runs_are_not_mixed(recipe, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(UsageError, match="holds no checkpoint to resume from: start it without --resume"):
        train(recipe(), run, resume=True, accelerator="cpu")
    assert not run.exists()
    train(recipe(), run, accelerator="cpu")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(UsageError, match="already holds a run: continue it with --resume"):
        train(recipe(), run, accelerator="cpu")
    with pytest.raises(UsageError, match=r"started with another recipe: resume with its own recipe\.toml"):
        train(recipe(learning_rate=0.5), run, resume=True, accelerator="cpu")
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


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


def test_grey_pictures_validate_rgb_networks(recipe):
    """A DSN that starts from averaging and repeating does on RGB what it does on luminance."""
    grey = [np.random.default_rng(0).random((30, 32, 1), dtype=np.float32)]
    scores = []
    for colour in ("y", "rgb"):
        network = build(recipe(colour=colour)).eval()
        for part in (network.down, network.up):
            nn.init.zeros_(part.residual.weight)
        scores.append(validate(network, grey, recipe(colour=colour))[0])
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    srcnn = recipe(architecture="srcnn", colour="rgb")
    assert math.isfinite(validate(build(srcnn).eval(), grey, srcnn)[0])


# A run that is killed

# Checkpoints after every logged row. KILL is a step: "17" dies before step 17 is taken, "w35" dies once
# row 35 is logged but its checkpoint is not written.
DRIVER = """
import os, signal, sys
from pathlib import Path
import torch
from twinscale.training import loop
from twinscale.training.recipe import Recipe

torch.set_num_threads(1)
loop._CHECKPOINT_SECONDS = 0.0
loop._LOG_STEPS = 5
recipe, run, kill = sys.argv[1:]

class Crops(loop.Crops):
    def batch(self, step):
        if kill == str(step):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().batch(step)

def save(path, network, average, optimiser, progress, save=loop.save_checkpoint):
    if kill == f"w{progress.step}":
        os.kill(os.getpid(), signal.SIGKILL)
    save(path, network, average, optimiser, progress)

loop.Crops, loop.save_checkpoint = Crops, save
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
    curves = [
        [(row["step"], row["loss"], row["learning_rate"], row["validation_psnr_y"]) for row in log_of(tmp_path / run)]
        for run in ("whole", "killed")
    ]
    assert curves[0] == curves[1]
    assert [row[0] for row in curves[0]] == [str(step) for step in range(5, 61, 5)]
    summaries = [json.loads((tmp_path / run / "run.json").read_text()) for run in ("whole", "killed")]
    for summary in summaries:
        del summary["minutes"]
    assert summaries[0] == summaries[1]


def test_a_resumed_log_is_on_disk_before_its_next_row(tmp_path):
    (tmp_path / "log.csv").write_text(",".join(loop._Log._COLUMNS) + "\n5,1,1,,1,1\n10,2,1,,1,1\n15,3,1,,1,1\n")
    log = loop._Log(tmp_path, 10)
    assert [row["loss"] for row in log_of(tmp_path)] == ["1", "2"]
    log.close()


def test_a_damaged_checkpoint_is_named(recipe, tmp_path):
    train(recipe(), tmp_path / "run", accelerator="cpu")
    (tmp_path / "run" / CHECKPOINT).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="cannot be resumed"):
        train(Recipe.load(tmp_path / "run" / "recipe.toml"), tmp_path / "run", resume=True, accelerator="cpu")
