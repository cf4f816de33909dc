"""``train`` as a user runs it: from pictures to a model that enlarges one."""

import os
import shlex
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from twinscale.cli.app import app
from twinscale.errors import UsageError


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four pictures of smooth random shapes in ``Pictures``, in the working directory."""
    rng = np.random.default_rng(0)
    (tmp_path / "Pictures").mkdir()
    for i in range(4):
        coarse = Image.fromarray(rng.integers(0, 256, (7, 8, 3), dtype=np.uint8))
        coarse.resize((64, 56), Image.Resampling.BICUBIC).save(tmp_path / "Pictures" / f"p{i}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINSCALE_MALLOC", "0")  # malloc is set for a whole process


def test_from_pictures_to_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["train", "espcn-x3", "--data", "Pictures", "--steps", "4", "--preview-every", "2"]
    monkeypatch.setattr("sys.argv", ["twinscale", *command])
    trained = CliRunner().invoke(app, [*command, "--accelerator", "cpu"])
    assert trained.exit_code == 0, trained.exception
    folder = Path("runs") / "espcn-x3"
    model = folder / "models" / "espcn-x3"
    assert trained.stdout.startswith(f"{model} (")
    assert "3 pictures to train on, 1 to validate" in trained.stderr
    assert "step 4/4" in trained.stderr
    assert [path.name for path in sorted(folder.glob("previews/*"))] == ["step-0000002.png", "step-0000004.png"]
    assert f"twinscale {' '.join(command)} " in (folder / "README.md").read_text()
    enlarged = CliRunner().invoke(app, ["upscale", "-m", str(model), "Pictures/p0.png", "-s", "3", "large.png"])
    assert enlarged.exit_code == 0, enlarged.exception
    assert Image.open("large.png").size == (192, 168)


def refusal(*arguments: str) -> str:
    """The message of the error that a command ends with."""
    result = CliRunner().invoke(app, ["train", *arguments, "--accelerator", "cpu"])
    assert isinstance(result.exception, UsageError), result.output
    return str(result.exception)


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "precious.txt").touch()
    before = sorted(tmp_path.rglob("*"))
    assert ". holds other files" in refusal("espcn-x3", "--data", "Pictures", "--steps", "1", "-o", ".")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "README.md").read_text() == "mine"


def test_what_would_change_a_run_is_refused_when_it_is_resumed() -> None:
    assert "holds no checkpoint to resume from" in refusal("espcn-x3", "--resume")
    for option in (["--steps", "9"], ["--minutes", "9"], ["--data", "Pictures"], ["--from", "fast-x2"]):
        assert "--resume continues a run as it was started: leave out what" in refusal("espcn-x3", "--resume", *option)


def test_an_interrupted_run_says_how_to_continue_and_keeps_models_that_are_not_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from twinscale.training.learner import Learner

    take = Learner.step

    def step(learner: Learner, position: float, *batch: Any) -> Any:
        if position == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return take(learner, position, *batch)

    command = ["train", "espcn-x3", "--data", "Pictures", "--steps", "3", "--preview-every", "0", "-o", "my run"]
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", step)
        stopped = CliRunner().invoke(app, [*command, "--accelerator", "cpu"])
    assert "interrupted, with a checkpoint, at step 2 of 3" in stopped.stderr
    (line,) = [line for line in stopped.stderr.splitlines() if line.startswith("continue with: ")]
    other = Path("my run", "models", "other")
    other.mkdir(parents=True)
    _, *again = shlex.split(line.removeprefix("continue with: "))
    for _ in range(2):  # a finished run exports again
        resumed = CliRunner().invoke(app, [*again, "--accelerator", "cpu"])
        assert resumed.exit_code == 0, resumed.exception
        assert "going on from step" in resumed.stderr
    assert sorted(path.name for path in Path("my run", "models").iterdir()) == ["my run", "other"]
