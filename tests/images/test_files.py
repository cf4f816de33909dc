"""Writing files whole or not at all, against the file system."""

import os
import stat
from pathlib import Path

import pytest

from twinscale.errors import OutputExistsError, PictureError
from twinscale.images import files
from twinscale.images.files import write_atomically


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_meanwhile_is_kept(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    if not links:
        forbid_links(monkeypatch)

    def appear(path: Path, *, overwrite: bool) -> None:
        path.write_bytes(b"precious")

    monkeypatch.setattr(files, "refuse_taken", appear)
    with pytest.raises(OutputExistsError):
        write_atomically(path, b"new", overwrite=False)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def forbid_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(Path, "hardlink_to", no_links)


def test_disks_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_links(monkeypatch)
    write_atomically(tmp_path / "a.bin", b"new", overwrite=False)
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device"), MemoryError()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_nothing_is_left_behind(
    step: str, failure: BaseException, links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise failure

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    if not links:
        forbid_links(monkeypatch)
    expected = PictureError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(expected):
        write_atomically(tmp_path / "a.bin", b"new", overwrite=links)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_are_those_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a.bin", b"new", overwrite=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="create it first"):
        write_atomically(tmp_path / "none" / "a.bin", b"new", overwrite=False)
    with pytest.raises(PictureError, match="not a regular file"):
        write_atomically(tmp_path, b"new", overwrite=True)
    (tmp_path / "file").touch()
    with pytest.raises(PictureError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "a.bin", b"new", overwrite=False)
    for name in ("a\0b.png", "a" * 300):
        with pytest.raises(PictureError, match="cannot be written"):
            write_atomically(tmp_path / name, b"new", overwrite=True)
