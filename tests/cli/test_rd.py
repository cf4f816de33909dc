"""``twinscale rd`` as a user types it."""

import json

import pytest
import skimage.data
from click.testing import CliRunner

pytest.importorskip("matplotlib")

from twinscale.cli.app import app
from twinscale.errors import UsageError
from twinscale.evaluation.rate_distortion import survey as surveying
from twinscale.images.picture import Picture


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    Picture(skimage.data.astronaut()[:161, 100:264].copy()).write(tmp_path / "mine" / "face.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*arguments: str):
    return CliRunner().invoke(app, ["rd", *arguments], catch_exceptions=False)


def test_writes_page_drawings_and_points_and_does_not_measure_twice(folder, monkeypatch) -> None:
    options = ("--models", "twin-x2", "--qualities", "60,20,60", "-o", "out")
    result = invoke("mine", *options)
    assert result.exit_code == 0
    assert "The page is out/rd.md" in result.stderr
    names = ["rd-mine-ms-ssim.png", "rd-mine-psnr-rgb.png", "rd-mine-psnr-y.png", "rd-mine-ssim.png"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == [*names, "rd.json", "rd.md"]
    text = (folder / "out" / "rd.md").read_text()
    assert "## mine" in text
    assert "| x2 twin-x2° |" in text
    rows = json.loads((folder / "out" / "rd.json").read_text())
    assert {tuple(point[0] for point in row["points"]) for row in rows} == {(20, 60)}
    assert Picture.read(folder / "out" / names[0]).width > 400

    monkeypatch.setattr(surveying, "measure", None)
    shown = json.loads(invoke("mine", *options, "--json").stdout)
    packed = {row["metric"]: row["percent"] for row in shown if row["way"] == "packed"}
    assert packed.keys() == {"PSNR-RGB", "PSNR-Y", "SSIM", "MS-SSIM"}
    assert all(percent <= 0 for percent in packed.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine", "--codecs", "png"], "PNG has no curve of rate and distortion here: choose from JPEG"),
        (["mine", "--codecs", "jpeg,jpg2"], "format 'jpg2' is not supported"),
    ],
)
def test_refuses_codecs_without_a_curve(folder, arguments, message) -> None:
    with pytest.raises(UsageError, match=message):
        invoke(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine", "--qualities", "50"], "a curve needs two qualities or more"),
        (["mine", "--qualities", "50,101"], "101 is not in the range 1<=x<=100"),
        (["mine", "--qualities", "50,x"], "'x' is not a valid integer range"),
        ([], "Missing argument 'DATASET...'"),
    ],
)
def test_wrong_usage(folder, arguments, message) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
