import csv
import json
import math
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from fnmatch import fnmatch
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from twinscale.errors import ModelError, UsageError
from twinscale.evaluation.protocol import Protocol
from twinscale.images.resize import imresize
from twinscale.nets import Upscaler
from twinscale.training import loop
from twinscale.training.data import split, validation_examples
from twinscale.training.log import read_log
from twinscale.training.loop import (
    BEST,
    CHECKPOINT,
    Learner,
    build,
    learning_rate,
    train,
    usable_precision,
    within,
)
from twinscale.training.recipe import OptimisationSpec, Recipe
from twinscale.training.validation import validate


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


def blurred_noise(scale, channels=1):
    """Eight pictures, smooth enough that a small picture can resemble them: ``(N, C, H, W)``."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(8, channels, 6, 5, generator=generator)
    return nn.functional.interpolate(coarse, scale_factor=2 * scale, mode="bilinear")


def bicubic(pictures, scale):
    """In float64."""
    planes = pictures.double().permute(0, 2, 3, 1).numpy()
    return np.stack([imresize(picture, 1 / scale) for picture in planes]).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("architecture", ["dsn", "twin"])
@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_fidelity_is_added_to_the_loss_with_its_weight(recipe, fabric, architecture, colour):
    torch.manual_seed(0)
    network = build(recipe(architecture=architecture, scale=3, colour=colour))
    truth = blurred_noise(3, network.channels)
    low, restored = (tensor.detach().double().numpy() for tensor in network(truth))
    pixel = np.abs(restored - truth.numpy()).mean()
    fidelity = ((low - bicubic(truth, 3)) ** 2).mean()
    for weight in (0.0, 0.3, 50.0):
        copied = build(recipe(architecture=architecture, scale=3, colour=colour))
        copied.load_state_dict(network.state_dict())
        loss = Learner(copied, OptimisationSpec(steps=9, fidelity=weight), fabric).step(0, truth, truth)
        assert loss.item() == pytest.approx(pixel + weight * fidelity, rel=1e-4)
    assert 50 * fidelity > 0.01 * pixel  # or the last weight would show nothing


def test_fidelity_brings_the_small_picture_near_the_bicubic_one(recipe, fabric):
    truth = torch.rand(3, 1, 24, 20, generator=torch.Generator().manual_seed(0))
    distances = {}
    for weight, steps in ((0.0, 0), (0.0, 40), (100.0, 40)):
        torch.manual_seed(0)
        network = build(recipe(architecture="twin"))
        learner = Learner(network, OptimisationSpec(steps=40, loss="l2", fidelity=weight, warmup=5), fabric)
        for step in range(steps):
            learner.step(step, truth, truth)
        low = network.down(truth).detach().double().numpy()
        distances[weight, steps] = ((low - bicubic(truth, 2)) ** 2).mean()
    # Nearer than the averages that training starts from, and than what restoring alone makes of them.
    assert distances[100.0, 40] < 0.1 * distances[0.0, 0]
    assert distances[100.0, 40] < 0.1 * distances[0.0, 40]


def test_fidelity_is_for_pairs(fabric):
    """Super-resolution does not make the small picture, so there is nothing to hold."""
    batch = batches(1)[0]
    losses = [
        Learner(Tiny(), OptimisationSpec(steps=9, fidelity=weight), fabric).step(0, *batch) for weight in (0.0, 9.0)
    ]
    assert losses[0] == losses[1]


def test_muon_trains_the_large_layers_and_adam_the_others(recipe, fabric):
    torch.manual_seed(0)
    network = build(recipe())
    learner = Learner(network, OptimisationSpec(steps=9, optimiser="muon", output_layer_rate=0.1), fabric)
    truth = blurred_noise(2)
    learner.step(0, truth, truth)
    kinds = {
        name: "momentum" if "momentum" in learner.optimiser.state[parameter] else "adam"
        for name, parameter in network.named_parameters()
    }
    large = {f"down.features.{i}.weight" for i in (1, 2)}
    large |= {f"up.{layer}.{i}.weight" for layer in ("bottlenecks", "convs") for i in range(3)}
    assert {name for name, kind in kinds.items() if kind == "momentum"} == large
    assert [group["lr"] for group in learner.optimiser.param_groups] == pytest.approx([1e-3, 1e-4])


# Precision


@pytest.mark.parametrize(
    ("wanted", "accelerator", "cuda", "native", "expected"),
    [
        ("bf16-mixed", "cpu", False, False, "32-true"),
        ("bf16-mixed", "cpu", True, False, "32-true"),
        ("bf16-mixed", "auto", False, False, "32-true"),
        ("bf16-mixed", "auto", True, False, "bf16-mixed"),
        ("bf16-mixed", "cuda", True, False, "bf16-mixed"),
        ("bf16-mixed", "cpu", False, True, "bf16-mixed"),
        ("bf16-mixed", "auto", False, True, "bf16-mixed"),
        ("32-true", "cpu", False, False, "32-true"),
        ("32-true", "auto", True, True, "32-true"),
    ],
)
def test_usable_precision(monkeypatch, wanted, accelerator, cuda, native, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: native, raising=False)
    assert usable_precision(wanted, accelerator) == expected


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
    average = validate(build(made).eval(), pictures, made).psnr_y  # a DSN starts from averaging and repeating
    assert outcome.progress.best_psnr > max(bicubic, average) + 1


def test_everything_about_a_run_is_in_its_folder(recipe, folder, tmp_path):
    run = tmp_path / "run"
    made = recipe(steps=7, validate_every=3)
    outcome = train(made, run, accelerator="cpu", command="twinscale train tiny")
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
    assert summary["data"] == [str(folder)]
    assert summary["pictures_per_second"] == pytest.approx(7 * 2 / float(rows[-1]["seconds"]), rel=0.5)
    began, ended = (datetime.fromisoformat(summary[key]) for key in ("started", "finished"))
    assert timedelta() <= ended - began < timedelta(minutes=5)
    network = build(resolved).eval()
    network.load_state_dict(load_file(run / BEST))
    looks = validate(network, validation_examples(split(resolved.data)[1]), resolved).looks
    assert summary["looks"] == pytest.approx(asdict(looks), abs=1e-3)
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
    assert f"{outcome.progress.best_psnr:.2f} dB at step {outcome.progress.best_step}, over 2 pictures" in text
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


def test_initial_weights_of_one_half(recipe, tmp_path):
    made = recipe(architecture="twin", steps=1, learning_rate=0.0)
    half = {name: torch.full_like(t, 0.25) for name, t in build(made).state_dict().items() if name.startswith("up.")}
    weights = {}
    for name, initial in (("half", half), ("none", None)):
        train(made, tmp_path / name, initial=initial, started_from="dsn, up only", accelerator="cpu")
        weights[name] = load_file(tmp_path / name / BEST)
    for name, tensor in weights["half"].items():
        if name.startswith("up."):
            assert (tensor == 0.25).all(), name
        else:
            assert torch.equal(tensor, weights["none"][name]), name
    assert json.loads((tmp_path / "half" / "run.json").read_text())["started_from"] == "dsn, up only"


def test_the_log_of_a_run(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "_LOG_STEPS", 2)
    train(recipe(steps=7, validate_every=3), tmp_path / "run", accelerator="cpu")
    history = read_log(tmp_path / "run")
    assert [step for step, _ in history.training_loss] == [2, 3, 4, 6, 7]
    assert [step for step, _ in history.psnr] == [step for step, _ in history.validation_loss] == [3, 6, 7]
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert max(history.psnr, key=lambda point: point[1]) == (summary["best_step"], summary["validation_psnr_y"])
    assert summary["validation_loss"] == dict(history.validation_loss)[summary["best_step"]]
    assert summary["training_loss"] == history.training_loss[-1][1]


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


# A run that is limited by time


class Clock:
    """A clock that only training moves on: the first step takes 30 seconds, every other ``seconds``."""

    def __init__(self, monkeypatch, seconds):
        self.now, self.steps = 1000.0, 0
        take = Learner.step

        def step(learner, *arguments):
            self.now += seconds if self.steps else 30.0
            self.steps += 1
            return take(learner, *arguments)

        monkeypatch.setattr(Learner, "step", step)
        monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: self.now))


class Same:
    """Crops that are always the same."""

    def batch(self, step):
        return batches(1)[0]


@pytest.mark.parametrize(
    ("minutes", "seconds", "steps", "trial"),
    [
        (4.0, 0.5, 480, 20),  # the trial takes ten seconds
        (8.0, 0.5, 960, 20),
        (8.0, 0.25, 1920, 40),
        (0.5, 0.25, 120, 6),  # or 5 % of the time
        (1.0, 7.0, 9, 1),  # or one step
        (0.01, 7.0, 1, 1),
    ],
)
def test_as_many_steps_as_fit_into_the_time(fabric, monkeypatch, minutes, seconds, steps, trial):
    clock = Clock(monkeypatch, seconds)
    network = Tiny()
    before = parameters(network)
    spec = OptimisationSpec(steps=10**6, learning_rate=0.01, ema=0.5)
    found = within(minutes, network, spec, Same(), fabric, lambda network: None)
    assert found == replace(spec, steps=steps, validate_every=found.validate_every)
    assert clock.steps == 2 + trial  # the first step warms up, the second says how long the trial may be
    assert torch.equal(parameters(network), before)


@pytest.mark.parametrize(
    ("minutes", "warmup", "validate_every", "expected"),
    [
        (2.0, 200, 2500, (24, 24)),  # 240 steps: a tenth each
        (2.0, 5, 7, (5, 7)),  # what the recipe says, where that is less
        (0.05, 200, 2500, (0, 1)),  # 6 steps
    ],
)
def test_a_short_run_warms_up_and_validates_within_it(fabric, monkeypatch, minutes, warmup, validate_every, expected):
    Clock(monkeypatch, 0.5)
    spec = OptimisationSpec(steps=60000, warmup=warmup, validate_every=validate_every)
    found = within(minutes, Tiny(), spec, Same(), fabric, lambda network: None)
    assert (found.warmup, found.validate_every) == expected


@pytest.mark.parametrize(
    ("minutes", "seconds", "validation", "steps", "validate_every"),
    [
        (0.5, 0.25, 3.0, 96, 48),  # two validations in a quarter of the time, 24 seconds of steps
        (0.5, 0.25, 20.0, 40, 40),  # one at least
        (0.1, 0.25, 20.0, 1, 1),
        (10.0, 0.5, 5.0, 1100, 110),  # ten validations
        (100.0, 0.5, 5.0, 11765, 500),  # as often as the recipe says: 0.51 seconds a step
    ],
)
def test_validations_are_part_of_the_time(fabric, monkeypatch, minutes, seconds, validation, steps, validate_every):
    clock = Clock(monkeypatch, seconds)

    def validate(network):
        clock.now += validation

    spec = OptimisationSpec(steps=10**6, validate_every=500)
    found = within(minutes, Tiny(), spec, Same(), fabric, validate)
    assert (found.steps, found.validate_every) == (steps, validate_every)


def test_a_short_run_decays_as_often(fabric, monkeypatch):
    Clock(monkeypatch, 0.5)
    spec = OptimisationSpec(steps=1000, decay="step", decay_every=100)
    found = within(2.0, Tiny(), spec, Same(), fabric, lambda network: None)
    assert (found.steps, found.decay_every) == (240, 24)


def tensors_of(run):
    return {file: load_file(run / file) for file in (CHECKPOINT, BEST)}


def assert_same_weights(one, other):
    for file, tensors in tensors_of(one).items():
        others = tensors_of(other)[file]
        assert tensors.keys() == others.keys()
        for name, tensor in tensors.items():
            assert torch.equal(tensor, others[name]), name


@contextmanager
def stopped(monkeypatch, folder, at):
    """Within it, a run dies before step ``at``, with a checkpoint after every logged row."""
    take = Learner.step

    def step(learner, number, *batch):
        if number == at and (folder / "recipe.toml").exists():  # not in the trial
            raise KeyboardInterrupt
        return take(learner, number, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_CHECKPOINT_SECONDS", -1.0)
        patch.setattr(loop, "_LOG_STEPS", 2)
        patch.setattr(Learner, "step", step)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_a_run_by_the_clock_is_a_run_of_so_many_steps(recipe, tmp_path, monkeypatch):
    Clock(monkeypatch, 0.5)
    monkeypatch.setattr(loop, "_VALIDATIONS", 3)
    made = recipe(steps=5000, warmup=100, validate_every=1000, ema=0.9)
    timed = tmp_path / "timed"
    outcome = train(made, timed, accelerator="cpu", minutes=0.1)
    resolved = Recipe.load(timed / "recipe.toml")
    assert outcome.progress.step == resolved.optimisation.steps == 12
    assert (resolved.optimisation.warmup, resolved.optimisation.validate_every) == (1, 4)
    assert json.loads((timed / "run.json").read_text())["recipe_sha256"] == resolved.digest()
    # The trial leaves no trace in the weights.
    train(resolved, tmp_path / "counted", accelerator="cpu")
    assert_same_weights(timed, tmp_path / "counted")


def test_a_resumed_run_keeps_the_steps_that_the_clock_decided_on(recipe, tmp_path, monkeypatch):
    Clock(monkeypatch, 0.5)
    run = tmp_path / "run"
    with stopped(monkeypatch, run, at=7):
        train(recipe(steps=5000), run, accelerator="cpu", minutes=0.1)
    written = (run / "recipe.toml").read_bytes()
    outcome = train(Recipe.load(run / "recipe.toml"), run, resume=True, accelerator="cpu", minutes=50.0)
    assert outcome.progress.step == 12
    assert (run / "recipe.toml").read_bytes() == written
    assert [int(row["step"]) for row in log_of(run)][-1] == 12


# A run that is interrupted, or killed


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
