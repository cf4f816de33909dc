"""``twinscale pack`` as a user runs it, with the shipped models."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.awkward import pattern
from tests.cli.conftest import Run
from twinscale.images.picture import Picture


def photo(path: Path, *, alpha: bool = False) -> Path:
    noise = np.random.default_rng(0).integers(0, 40, (120, 160, 3 + alpha), np.uint8)
    Image.fromarray(pattern(120, 160, 3 + alpha) // 10 * 8 + noise).save(path)
    return path


def test_a_small_file_comes_back_without_flags(run: Run, tmp_path: Path) -> None:
    photo(tmp_path / "photo.png")
    packed = run("pack", "photo.png", "--target-size", "0.8k", "--compare", "webp,jxl")
    assert packed.returncode == 0, packed.stderr
    first, chosen, alone, *others = packed.stdout.decode().splitlines()
    assert first.startswith("photo.png -> photo_packed_png.jpg (")
    assert "restored by" in chosen
    assert alone.startswith("  JPEG alone")
    assert [line.split()[0] for line in others] == ["WEBP", "JPEGXL"]
    file = tmp_path / "photo_packed_png.jpg"
    assert file.stat().st_size <= 800
    assert run("restore", file.name, "back.png").returncode == 0
    assert (Picture.read(tmp_path / "back.png").width, Picture.read(tmp_path / "back.png").height) == (160, 120)
    said = json.loads(run("info", "--json", file.name).stdout)[0]["tag"]
    assert (said["width"], said["height"], said["restorable"], said["saved_again"]) == (160, 120, True, False)
    again = run("pack", "photo.png", "--target-size", "800", "--skip-existing")
    assert b"skipped, photo_packed_png.jpg is up to date" in again.stdout


def test_a_folder_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    photo(tmp_path / "in" / "a.png")
    photo(tmp_path / "in" / "b.png", alpha=True)
    done = run("pack", "in", "-o", "out", "--min-psnr", "27", "--json")
    assert done.returncode == 1
    first, second = json.loads(done.stdout)
    assert first["packed"]["psnr"] >= 27
    assert first["packed"]["bytes"] == first["bytes"] == (tmp_path / "out" / "a_packed_png.jpg").stat().st_size
    assert first["alone"]["bytes"] >= first["bytes"]
    assert "JPEG cannot hold transparency" in second["error"]
    assert [path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".jpg"] == ["a_packed_png.jpg"]


def test_what_cannot_be_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    photo(tmp_path / "photo.png")
    failed = run("pack", "photo.png", "--target-size", "100")
    assert failed.returncode == 2
    (said,) = failed.stderr.decode().splitlines()
    assert said.startswith("twinscale: photo.png: the picture does not fit into 100 bytes as JPEG: it takes")
    assert b"'lots' is not a number of bytes such as 200k." in run("pack", "photo.png", "--target-size", "lots").stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "photo.png"]
