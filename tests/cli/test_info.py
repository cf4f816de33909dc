"""``twinscale info``: facts for people and for programs."""

import json
from pathlib import Path

import pytest

from tests.awkward import BOMBS, exif_block, icc_profile, pattern
from tests.cli.conftest import Run
from tests.cli.test_commands import one_line
from twinscale.images.picture import Picture
from twinscale.rescale import shrink
from twinscale.zoo import load_card


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Picture(pattern(41, 63), pattern(41, 63)[..., 0], icc_profile(b"RGB "), exif_block()).write(path)
    return path


def test_facts_are_numbers(run: Run, photo: Path) -> None:
    (facts,) = json.loads(run("info", "--json", photo).stdout)
    assert facts == {
        "file": str(photo),
        "bytes": photo.stat().st_size,
        "format": "PNG",
        "width": 63,
        "height": 41,
        "bits": 8,
        "channels": 3,
        "alpha": True,
        "jpeg": None,
        "carries": ["icc", "exif"],
        "notes": [],
        "tag": None,
    }


def test_in_words(run: Run, photo: Path) -> None:
    told = run("info", photo).stdout.decode().splitlines()
    assert told[0] == str(photo)
    assert told[1].startswith("  PNG, ")
    assert told[2:] == ["  63x41, RGB and alpha, 8 bits", "  carries ICC, EXIF"]


def test_a_bad_file_does_not_stop_the_rest(run: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_text("Dear reader")
    mixed = run("info", "letter.png", photo, "missing.png")
    assert mixed.returncode == 1
    assert f"{photo}\n" in mixed.stdout.decode()
    assert [line.split(":")[1] for line in mixed.stderr.decode().splitlines()] == [" letter.png", " missing.png"]

    report = run("info", "--json", "letter.png", photo)
    assert report.returncode == 1
    bad, good = json.loads(report.stdout)
    assert bad["file"] == "letter.png"
    assert "not a picture of a known format" in bad["error"]
    assert good["width"] == 63

    alone = run("info", "letter.png")
    assert alone.returncode == 3
    assert "letter.png" in one_line(alone.stderr)


def test_pictures_too_large_to_be_decoded(run: Run, tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(BOMBS["jpg"](60_000))
    (facts,) = json.loads(run("info", "--json", "large.jpg").stdout)
    assert (facts["width"], facts["height"], facts["jpeg"]["quality"]) == (60_000, 60_000, 75)


class TestShrunk:
    def test_by_a_shipped_pair(self, run: Run, photo: Path, tmp_path: Path) -> None:
        shrink(photo, model="dsn-x2").write(tmp_path / "small.png")
        (facts,) = json.loads(run("info", "--json", "small.png").stdout)
        card = load_card("dsn-x2")
        assert facts["tag"] == {
            "model": "dsn-x2",
            "digest": card.digest,
            "scale": 2,
            "width": 63,
            "height": 41,
            "quality": None,
            "pixels": None,
            "saved_again": False,
            "restorable": True,
            "by": str(card.folder),
            "reason": None,
        }
        told = run("info", "small.png").stdout.decode()
        assert told.endswith("  shrunk from 63x41 by dsn-x2\n  'twinscale restore' brings it back\n")

    def test_by_a_pair_that_is_not_found(self, run: Run, photo: Path, pair: Path, tmp_path: Path) -> None:
        """What is promised is what ``restore`` does."""
        shrink(photo, model=pair).write(tmp_path / "small.png")
        (facts,) = json.loads(run("info", "--json", "small.png").stdout)
        assert not facts["tag"]["restorable"]
        assert facts["tag"]["by"] is None
        assert f"shrunk by '{pair.name}', which is not among the shipped models" in facts["tag"]["reason"]
        told = run("info", "small.png")
        assert told.returncode == 0
        assert f"  cannot be restored: {facts['tag']['reason']}\n" in told.stdout.decode()
        assert facts["tag"]["reason"] in run("restore", "small.png").stderr.decode()

    def test_by_a_pair_of_ones_own(
        self, run: Run, photo: Path, pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shrink(photo, model=pair).write(tmp_path / "small.png")
        monkeypatch.setenv("TWINSCALE_MODELS", str(pair.parent))
        assert run("info", "small.png").stdout.decode().endswith("  'twinscale restore' brings it back\n")
        (facts,) = json.loads(run("info", "--json", "small.png").stdout)
        assert (facts["tag"]["restorable"], facts["tag"]["by"]) == (True, str(pair))
        assert run("restore", "small.png", "back.png").returncode == 0
        monkeypatch.delenv("TWINSCALE_MODELS")
        assert run("restore", "-m", pair, "small.png", "named.png").returncode == 0
        assert (tmp_path / "named.png").read_bytes() == (tmp_path / "back.png").read_bytes()

    def test_that_was_cropped_since(self, run: Run, photo: Path, tmp_path: Path) -> None:
        small = shrink(photo, model="dsn-x2")
        Picture(small.pixels[1:], xmp=small.xmp).write(tmp_path / "small.png")
        (facts,) = json.loads(run("info", "--json", "small.png").stdout)
        assert not facts["tag"]["restorable"]
        assert "cropped or resized" in facts["tag"]["reason"]
