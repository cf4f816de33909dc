"""The journal of a folder: what it knows, whatever happened to it."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from twinscale.batch.journal import JOURNAL, Entry, Journal, path_from


def entry(output: str, data: bytes, **changes: object) -> Entry:
    plain = Entry(
        output=output,
        sha256=hashlib.sha256(data).hexdigest(),
        source="../a.png",
        source_sha256="0" * 64,
        made_by={"kind": "fake", "scale": 2, "weights": ["1"]},
    )
    return Entry(**{**asdict(plain), **changes})  # type: ignore[arg-type]


def test_what_is_added_is_found_while_the_file_is_unchanged(tmp_path: Path) -> None:
    written = entry("b.png", b"picture")
    Journal(tmp_path).add(written)
    journal = Journal(tmp_path)
    assert journal.find("b.png") is None  # not there
    (tmp_path / "b.png").write_bytes(b"picture")
    (tmp_path / "c.png").write_bytes(b"picture")
    assert journal.find("b.png") == written
    assert journal.find("c.png") is None
    (tmp_path / "b.png").write_bytes(b"retouched")
    assert journal.find("b.png") is None


def test_of_several_entries_the_last_for_these_bytes_counts(tmp_path: Path) -> None:
    """A process may be killed between its entry and its file: the file before it stays known."""
    journal = Journal(tmp_path)
    before = entry("b.png", b"before")
    for added in (entry("b.png", b"before", source="../z.png"), before, entry("b.png", b"never written")):
        journal.add(added)
    (tmp_path / "b.png").write_bytes(b"before")
    assert journal.find("b.png") == before


def test_damage_costs_its_line_only(tmp_path: Path) -> None:
    first, last = entry("1.png", b"1"), entry("2.png", b"2")
    for name in "12":
        (tmp_path / f"{name}.png").write_bytes(name.encode())
    Journal(tmp_path).add(first)
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'\xff\xfe\n[]\n{"output": 5}\n' + b"[" * 100_000 + b'\n\n{"output": "1.png", "sha25')
    Journal(tmp_path).add(last)
    assert [Journal(tmp_path).find(f"{name}.png") for name in "12"] == [first, last]


def test_a_line_that_is_just_being_written(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"1")
    written = entry("b.png", b"1")
    line = json.dumps(asdict(written))
    journal = Journal(tmp_path)
    (tmp_path / JOURNAL).write_text(line[:100])
    assert journal.find("b.png") is None
    (tmp_path / JOURNAL).write_text(line + "\n")
    assert journal.find("b.png") == written


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    entries = [entry(f"{number}.png", b"1") for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda added: Journal(tmp_path).add(added), entries))
    assert sorted(Journal(tmp_path).entries(), key=lambda e: int(e.output[:-4])) == entries


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / JOURNAL).symlink_to("precious")
    with pytest.raises(OSError, match="symbolic links"):
        Journal(tmp_path).add(entry("b.png", b"1"))
    assert (tmp_path / "precious").read_text() == "mine"


def test_entries_of_others_are_seen_as_they_come(tmp_path: Path) -> None:
    here, there = Journal(tmp_path), Journal(tmp_path)
    (tmp_path / "b.png").write_bytes(b"1")
    assert here.find("b.png") is None
    for data in (b"1", b"2"):
        (tmp_path / "b.png").write_bytes(data)
        there.add(entry("b.png", data))
        assert here.find("b.png") == entry("b.png", data)


def test_what_is_known_is_not_written_again(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"1")
    one, other = entry("b.png", b"1"), entry("b.png", b"1", source="../z.png")
    for added in (one, one, other, one):
        Journal(tmp_path).add(added)
        assert Journal(tmp_path).find("b.png") == added
    assert list(Journal(tmp_path).entries()) == [one, other, one]


def test_lines_are_plain_json(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")  # a name that is not UTF-8
    written = entry(name, b"1")
    Journal(tmp_path).add(written)
    (line,) = (tmp_path / JOURNAL).read_text(encoding="ascii").splitlines()
    assert json.loads(line) == asdict(written)
    assert list(Journal(tmp_path).entries()) == [written]


def test_paths_of_inputs_move_with_their_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to("photos")
    for source in ("photos/a.png", "link/a.png", "./photos/../photos/a.png", str(tmp_path / "photos" / "a.png")):
        assert path_from(Path("out"), source) == "../photos/a.png"
        assert path_from(Path("photos"), source) == path_from(Path("link"), source) == "a.png"
    assert Journal(Path("out")).origin(entry("b.png", b"", source="../photos/a.png")) == tmp_path / "photos" / "a.png"
