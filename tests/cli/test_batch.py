"""Inputs and outputs on the command line of the commands that work on pictures."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tests.awkward import exif_block, icc_profile, pattern
from twinscale.batch.journal import JOURNAL
from twinscale.cli.app import app
from twinscale.errors import OutputExistsError, UsageError
from twinscale.images.picture import Picture


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two pictures."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.jpg"):
        Image.fromarray(pattern(12, 10)).save(name)
    return tmp_path


def invoke(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def done(*words: str) -> list[str]:
    """Run a command that goes well, and return the beginnings of its lines."""
    result = invoke(*words)
    assert result.exit_code == 0, (result.exception, result.output)
    return [line.split(",")[0] for line in result.stdout.splitlines()]


def refused(*words: str) -> str:
    """Run a command that is refused before it works on a picture, and return what it says."""
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    result = invoke(*words)
    assert isinstance(result.exception, UsageError), (result.exception, result.output)
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before
    return str(result.exception)


def test_the_first_command_of_the_readme_twice() -> None:
    command = ("upscale", "a.png", "large.png")
    assert done(*command) == ["a.png -> large.png (20x24"]
    again = invoke(*command)
    assert isinstance(again.exception, OutputExistsError)
    assert "large.png already exists: use --overwrite" in str(again.exception)
    assert done(*command, "--overwrite") == ["a.png -> large.png (20x24"]
    assert done(*command, "--skip-existing") == ["a.png: skipped"]
    assert {path.name for path in Path().iterdir()} == {"a.png", "b.jpg", "large.png", JOURNAL}


def test_two_pictures_go_beside_themselves() -> None:
    assert done("upscale", "a.png", "b.jpg") == ["a.png -> a_x2.png (20x24", "b.jpg -> b_x2.jpg (20x24"]


def test_overwriting_the_second_of_two_pictures_needs_o() -> None:
    assert "name it with -o" in refused("upscale", "a.png", "b.jpg", "--overwrite")
    assert done("upscale", "a.png", "-o", "b.jpg", "--overwrite") == ["a.png -> b.jpg (20x24"]
    assert "would replace the input a.png" in refused("upscale", "a.png", "-o", "a.png", "--overwrite")


def test_models_do_not_meet() -> None:
    assert done("upscale", "a.png") == ["a.png -> a_x2.png (20x24"]
    assert done("upscale", "-m", "best", "a.png") == ["a.png -> a_best-x2.png (20x24"]


def test_what_cannot_be_an_output() -> None:
    assert "small4 has no extension" in refused("upscale", "a.png", "-o", "small4")
    assert "one.png/ makes one of this name" in refused("upscale", "a.png", "b.jpg", "a.png", "-o", "one.png")
    assert "another format than WEBP" in refused("upscale", "a.png", "-f", "webp", "-o", "c.png")
    assert "known are {stem}, {ext}" in refused("upscale", "a.png", "-O", "{size}.png")
    assert "have the same output" in refused("upscale", ".", "-o", "out", "-O", "one.png")
    assert "is a file, so it cannot hold" in str(invoke("upscale", "a.png", "-o", "b.jpg/x.png").exception)
    assert "is a file, so it cannot hold" in str(invoke("upscale", "a.png", "-o", "b.jpg/").exception)


def test_a_folder_of_results_and_its_results() -> None:
    for _ in range(2):
        assert len(done("upscale", ".", "-o", ".", "--skip-existing")) == 2
    assert done("upscale", ".", "-o", "small") == ["a.png -> small/a_x2.png (20x24", "b.jpg -> small/b_x2.jpg (20x24"]
    larger = done("upscale", "small", "-o", "larger", "-O", "{stem}.{ext}")
    assert larger == ["small/a_x2.png -> larger/a_x2.png (40x48", "small/b_x2.jpg -> larger/b_x2.jpg (40x48"]


def test_shrinking_and_restoring_in_one_folder() -> None:
    Path("folder").mkdir()
    Path("a.png").rename("folder/a.png")
    done("shrink", "folder", "-o", "folder")
    result = invoke("restore", "folder", "-o", "folder", "--json")
    told = {Path(entry["input"]).name: entry for entry in json.loads(result.stdout)}
    assert {name: entry["status"] for name, entry in told.items()} == {"a.png": "failed", "a_shrunk.png": "done"}
    assert "carries no tag" in told["a.png"]["error"]
    assert Image.open("folder/a_shrunk_restored.png").size == (10, 12)


def test_shrinking_by_a_classical_method() -> None:
    """One option for methods and models, whatever it is called; pictures keep their format, and carry no tag."""
    profile = icc_profile(b"RGB ")
    Image.fromarray(pattern(12, 10)).save("c.jpg", exif=exif_block(), icc_profile=profile)
    assert done("shrink", "-m", "dpid", "c.jpg") == ["c.jpg -> c_shrunk_dpid-x2.jpg (5x6"]
    assert done("shrink", "--method", "area", "-s", "5", "a.png", "-f", "bmp") == [
        "a.png -> a_shrunk_area-x5_png.bmp (2x3"
    ]
    assert done("shrink", "--model", "l0", "a.png") == ["a.png -> a_shrunk_l0-x2.png (5x6"]
    small = Picture.read("c_shrunk_dpid-x2.jpg")
    assert small.exif == Picture.read("c.jpg").exif
    assert small.icc == profile
    assert "shrunk" not in done("info", "c_shrunk_dpid-x2.jpg")
    assert "carries no tag" in refused("restore", "c_shrunk_dpid-x2.jpg")
    assert "scale 17 of dpid must be a whole number from 2 to 16" in refused(
        "shrink", "-m", "dpid", "-s", "17", "a.png"
    )
    assert "no method or model 'lanczo': did you mean 'lanczos'?" in refused("shrink", "-m", "lanczo", "a.png")


def test_results_of_a_classical_method_are_no_inputs_either() -> None:
    assert len(done("shrink", "-m", "dpid", ".", "-o", ".")) == 2
    assert done("shrink", "-m", "dpid", ".", "-o", ".", "--skip-existing") == ["a.png: skipped", "b.jpg: skipped"]
    assert done("shrink", "-m", "dpid", "-s", "3", ".", "-o", ".", "--dry-run") == [
        "a.png (10x12) -> a_shrunk_dpid-x3.png (4x4)",
        "b.jpg (10x12) -> b_shrunk_dpid-x3.jpg (4x4)",
    ]


def test_a_dry_run_shows_what_would_be_done() -> None:
    done("upscale", "a.png", "-o", "out/")
    Image.fromarray(pattern(12, 30)).save("c.png")
    Path("out/c_x2.png").write_bytes(b"foreign")
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    result = invoke("upscale", ".", "-o", "out", "--skip-existing", "--dry-run")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "a.png: skipped, out/a_x2.png is up to date",
        "b.jpg (10x12) -> out/b_x2.jpg (20x24)",
    ]
    assert "out/c_x2.png is not what twinscale wrote here" in result.stderr
    assert "twinscale: 1 skipped, 1 planned, 1 failed" in result.stderr
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before
    (entry,) = json.loads(invoke("upscale", "a.png", "-o", "out/", "-s", "3", "--json", "--dry-run").stdout)
    assert entry["status"] == "planned"
    assert [entry[key] for key in ("input_width", "input_height", "width", "height")] == [10, 12, 30, 36]
