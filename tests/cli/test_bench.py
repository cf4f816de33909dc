import json

import pytest
from click.testing import CliRunner

from tests.models import make_pair, make_upscaler
from twinscale.cli.app import app
from twinscale.images.downscaling import METHODS
from twinscale.training.cores import usable


@pytest.fixture
def run():
    def run(*args):
        result = CliRunner().invoke(app, ["bench", *map(str, args)])
        assert result.exit_code == 0, result.output
        return result

    return run


def test_train(run):
    torch = pytest.importorskip("torch")
    result = run("train", "espcn-x3", "--seconds", 0, "--rounds", 1, "--json")
    speed = json.loads(result.stdout)
    taken = {mode["steps_per_second"]: mode for mode in speed["modes"]}
    fastest = taken[max(taken)]
    assert speed["fastest"] == {key: fastest[key] for key in ("precision", "threads", "compile")}
    assert speed["ratio"] == pytest.approx(max(taken) / speed["plain"])
    assert {mode["precision"] for mode in speed["modes"]} >= {"32-true"}
    if not torch.cuda.is_available():
        assert {mode["threads"] for mode in speed["modes"]} == {1, len(usable())}
    assert "round 1 of 1" in result.stderr


def test_train_shows_every_mode_and_marks_the_fastest(run, monkeypatch):
    from twinscale.benchmark import training as benchmark

    modes = {benchmark.Mode("32-true", 1): 6.0, benchmark.Mode("bf16-mixed", 2): 18.4}
    speed = benchmark.TrainingSpeed(6.8, modes)
    monkeypatch.setattr(benchmark, "measure_training", lambda recipe, seconds, rounds, notify: speed)
    assert [line.split() for line in run("train").stdout.splitlines()] == [
        ["32-true,", "1", "thread", "6.0", "steps/s"],
        ["bf16-mixed,", "2", "threads", "18.4", "steps/s", "*"],
        ["plain", "torch", "6.8", "steps/s"],
        ["ratio", "2.71"],
    ]


def test_resize(run):
    speed = json.loads(run("resize", "--megapixels", 0.01, "--rounds", 1, "--json").stdout)
    assert min(speed.values()) > 0
    assert speed["ratio"] == pytest.approx(speed["imresize_ms"] / speed["pillow_ms"])
    lines = run("resize", "--megapixels", 0.01, "--rounds", 1).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["imresize", "Pillow", "ratio"]


def test_downscaling(run):
    speeds = json.loads(run("downscaling", "-s", 4, "--megapixels", 0.01, "--rounds", 1, "--json").stdout)
    assert list(speeds) == [*METHODS, "Pillow bicubic", "Pillow area"]
    assert min(speeds.values()) > 0
    lines = run("downscaling", "dpid", "--megapixels", 0.01, "--rounds", 1).stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["dpid", "Pillow bicubic", "Pillow area"]
    assert all(line.endswith(" ms") for line in lines)


def test_resampling(run, monkeypatch):
    pytest.importorskip("torch")
    from twinscale.benchmark import resampling as benchmark

    monkeypatch.setattr(benchmark, "_PATCHES", 1)
    monkeypatch.setattr(benchmark, "_PATCH", 32)
    compared = json.loads(run("resampling", "--megapixels", 0.01, "--rounds", 1, "--json").stdout)
    own, plain, *exported = compared["speeds"]
    assert compared["difference"] < 1e-4
    assert list(compared["ratios"]) == ["forward", "with_gradients", "picture_forward", "picture_with_gradients"]
    for name, ratio in compared["ratios"].items():
        assert ratio == pytest.approx(plain[name] / own[name])
    assert exported


def test_engine(run, tmp_path):
    folders = [make_pair(tmp_path, 3, "y"), make_upscaler(tmp_path, 2, "rgb")]
    result = run("engine", *folders, "--megapixels", 0.01, "--rounds", 1, "--json")
    pair, upscaler = json.loads(result.stdout)
    assert (pair["model"], pair["scale"]) == (folders[0].name, 3)
    assert min(value for key, value in pair.items() if key != "model") > 0
    assert upscaler.pop("shrink") is None
    assert min(value for key, value in upscaler.items() if key != "model") > 0
    assert len(result.stderr.splitlines()) == 2

    table = run("engine", *folders, "--megapixels", 0.01, "--rounds", 1).stdout.splitlines()
    assert len(table) == 3
    assert "—" in table[2]


def test_batch(run, tmp_path):
    folder = make_upscaler(tmp_path, 2, "rgb")
    speed = json.loads(run("batch", "-m", folder, "--pictures", 2, "--megapixels", 0.01, "--json").stdout)
    assert min(speed.values()) > 0
    assert speed["ratio"] == pytest.approx(speed["batch"] / (speed["decode"] + speed["network"] + speed["encode"]))
    lines = run("batch", "-m", folder, "--pictures", 2, "--megapixels", 0.01).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["decode", "network", "encode", "batch", "ratio"]


def test_start(run):
    speed = json.loads(run("start", "--rounds", 1, "--json").stdout)
    assert list(speed) == ["imports", "version", "upscale"]
    assert min(speed.values()) > 0


def test_picture(run, monkeypatch):
    result = run("picture", "--megapixels", 0.002, "--rounds", 1, "--threads", 1, "--json")
    compared = json.loads(result.stdout)
    own, *bare = compared["speeds"]
    assert own["runner"] == "twinscale"
    assert {speed["runner"] for speed in bare} >= {"onnxruntime"}
    assert compared["ratio"] == pytest.approx(own["seconds"] / min(speed["seconds"] for speed in bare))
    assert "round 1 of 1: twinscale" in result.stderr

    from twinscale.benchmark import picture as benchmark

    own = benchmark.PictureSpeed("twinscale", None, 2.2, 4.1, 900)
    bare = benchmark.PictureSpeed("onnxruntime", 512, 2.0, 4.0, None)
    compared = benchmark.PictureComparison([own, bare], ["untiled: too large"])
    monkeypatch.setattr(benchmark, "measure_picture", lambda *arguments: compared)
    lines = run("picture").stdout.splitlines()
    assert lines[1].split() == ["twinscale", "auto", "2.20", "4.10", "900"]
    assert lines[2].split() == ["onnxruntime", "512", "2.00", "4.00", "—"]
    assert lines[3:] == ["untiled: too large", "ratio to the fastest bare runtime: 1.10"]


def test_numbers_must_make_sense():
    assert CliRunner().invoke(app, ["bench", "train", "--rounds", "0"]).exit_code == 2
    assert CliRunner().invoke(app, ["bench", "resize", "--megapixels", "0"]).exit_code == 2


def test_memory(run, tmp_path):
    pytest.importorskip("matplotlib")
    from twinscale.benchmark.timing import peak_mebibytes

    if peak_mebibytes() is None:
        pytest.skip("the system does not tell the peak")
    path = tmp_path / "memory.png"
    result = run("memory", "-f", "png", "--megapixels", 0.02, "-j", 1, "-o", path, "--json")
    peaks = json.loads(result.stdout)
    assert [(peak["work"], peak["format"], peak["megapixels"]) for peak in peaks] == [
        ("upscale", "PNG", 0.02),
        ("shrink", "PNG", 0.02),
    ]
    assert all(20 < peak["mebibytes"] < 2000 for peak in peaks)
    assert path.read_bytes().startswith(b"\x89PNG")
