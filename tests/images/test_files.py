"""Writing files whole or not at all, against the file system."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
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


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("permissions", [0o600, 0o664, 0o444])
def test_a_file_that_is_replaced_keeps_its_permissions(
    permissions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor can anybody else read its contents meanwhile."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    path.chmod(permissions)
    meanwhile: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: meanwhile.append(stat.S_IMODE(os.fstat(handle).st_mode)))
    write_atomically(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == permissions
    assert meanwhile[0] & ~permissions == 0


@pytest.mark.skipif(os.name != "posix", reason="opens folders")
@pytest.mark.parametrize("overwrite", [True, False])
def test_the_folder_is_synced_once_the_name_is_there(
    overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    synced: list[tuple[bool, bool]] = []

    def note(handle: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.exists()))

    monkeypatch.setattr(os, "fsync", note)
    write_atomically(path, b"new", overwrite=overwrite)
    assert synced == [(False, False), (True, True)]


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_atomically(tmp_path / "a.bin", b"new", overwrite=False)
    assert (tmp_path / "a.bin").read_bytes() == b"new"


WRITER = """
import os, sys
from pathlib import Path
from twinscale.images.files import write_atomically

def wait(handle):
    print("writing", flush=True)
    sys.stdin.read()

os.fsync = wait
write_atomically(Path("other.bin"), b"half", overwrite=False)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of writing ``other.bin`` into the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def temporary_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(".twinscale-*.tmp"))


def test_what_a_killed_process_left_is_removed(writer: subprocess.Popen[str], tmp_path: Path) -> None:
    writer.kill()
    writer.wait()
    assert len(temporary_files(tmp_path)) == 1
    users = [tmp_path / name for name in (".twinscale-notes.tmp", ".twinscale.jsonl", "twinscale-0123456789abcdef.tmp")]
    for path in users:
        path.touch()
    write_atomically(tmp_path / "a.bin", b"new", overwrite=False)
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "a.bin", *users])


def test_what_another_process_is_writing_is_left_alone(writer: subprocess.Popen[str], tmp_path: Path) -> None:
    (written,) = temporary_files(tmp_path)
    write_atomically(tmp_path / "a.bin", b"new", overwrite=False)
    assert temporary_files(tmp_path) == [written]
    writer.communicate("go on")
    assert writer.returncode == 0
    assert (tmp_path / "other.bin").read_bytes() == b"half"
    assert not temporary_files(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_a_file_that_is_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, swept = files.fcntl.flock, []

    def sweep_first(handle: int, how: int) -> None:
        if not swept:
            swept.extend(temporary_files(tmp_path))
            files._sweep.__wrapped__(tmp_path)
        lock(handle, how)

    monkeypatch.setattr(files.fcntl, "flock", sweep_first)
    write_atomically(tmp_path / "a.bin", b"new", overwrite=False)
    assert len(swept) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


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
