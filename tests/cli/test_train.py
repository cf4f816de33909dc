"""``train`` as a user runs it: from pictures to a model that enlarges one."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from twinscale.cli.app import app


def test_from_pictures_to_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "Pictures").mkdir()
    for i in range(4):
        coarse = Image.fromarray(rng.integers(0, 256, (7, 8, 3), dtype=np.uint8))
        coarse.resize((64, 56), Image.Resampling.BICUBIC).save(tmp_path / "Pictures" / f"p{i}.png")
    command = ["train", "espcn-x3", "--data", "Pictures", "--steps", "4", "--preview-every", "2"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINSCALE_MALLOC", "0")  # malloc is set for a whole process
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
