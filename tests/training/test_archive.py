"""What is kept of trainings in one file."""

import os
import zipfile

import pytest

from tests.models import make_upscaler
from tests.runs import make_run
from twinscale.training import archive
from twinscale.training.archive import write_archive


@pytest.fixture
def runs(tmp_path):
    """Three runs, the second without a model, the third with a large one."""
    folders = [make_run(tmp_path / name) for name in ("first", "second", "third")]
    for folder in folders:
        (folder / "checkpoint.safetensors").write_bytes(b"large")
        (folder / "previews").mkdir()
        (folder / "previews" / "step-1.png").write_bytes(b"large")
    for folder, size in ((folders[0], 10), (folders[2], 400_000)):
        model = make_upscaler(folder / "models", 2, "y", name=f"my-{folder.name}")
        (model / "up.onnx").write_bytes(os.urandom(size))
    return folders


def test_models_cards_and_curves_are_kept(runs, tmp_path):
    assert write_archive(tmp_path / "trained.zip", runs) == "2 models, 0.4 MB"
    with zipfile.ZipFile(tmp_path / "trained.zip") as kept:
        names = set(kept.namelist())
        for name in names:
            assert kept.read(name) == (tmp_path / name).read_bytes()
    record = {"recipe.toml", "log.csv", "run.json"}
    expected = {f"{run.name}/{name}" for run in runs for name in record}
    for run in ("first", "third"):
        expected |= {f"{run}/models/my-{run}/{file}" for file in ("card.toml", "up.onnx")}
    assert names == expected


def test_what_does_not_fit_is_left_out_and_named(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_LARGEST", 100_000)
    path = tmp_path / "trained.zip"
    said = write_archive(path, runs)
    assert said == f"1 model, 0.0 MB; too large for it: {runs[2] / 'models' / 'my-third'}"
    assert path.stat().st_size < 100_000
    with zipfile.ZipFile(path) as kept:
        assert {name for name in kept.namelist() if name.endswith("onnx")} == {"first/models/my-first/up.onnx"}


def test_runs_that_never_began_are_an_empty_archive(tmp_path):
    assert write_archive(tmp_path / "trained.zip", [tmp_path / "none"]) == "0 models, 0.0 MB"
