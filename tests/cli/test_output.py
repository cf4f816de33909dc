"""Streams that are full, closed or unbuffered, and the exit codes that follow."""

import errno
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.awkward import pattern
from tests.cli.conftest import Run
from tests.cli.test_commands import one_line
from twinscale import cli
from twinscale.cli.app import app
from twinscale.cli.console import output, readable_size

FULL = Path("/dev/full")


@pytest.fixture
def photo(tmp_path: Path) -> str:
    Image.fromarray(pattern(300, 400)).save(tmp_path / "photo.png")
    return "photo.png"


def write_to(file: str, folder: Path, *arguments: str, unbuffered: bool = False) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1" if unbuffered else ""}
    with Path(file).open("wb") as stream:
        return subprocess.run(
            [sys.executable, "-m", "twinscale", *arguments],
            stdout=stream,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            check=False,
        )


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", [("upscale", "photo.png", "-o", "-"), ("info", "photo.png"), ("models", "list")])
@pytest.mark.parametrize("unbuffered", [False, True])
def test_a_full_disk_is_one_error(photo: str, tmp_path: Path, command: tuple[str, ...], unbuffered: bool) -> None:
    refused = write_to(str(FULL), tmp_path, *command, unbuffered=unbuffered)
    assert refused.returncode == 3
    assert "output cannot be written (No space left on device)" in one_line(refused.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="sets limits of Linux")
@pytest.mark.parametrize(
    ("command", "unbuffered"),
    [
        (("upscale", "photo.png", "-o", "-"), True),
        (("info", "--json", "photo.png"), True),
        (("upscale", "photo.png", "-o", "large.png"), False),
    ],
)
def test_a_disk_that_becomes_full_is_an_error(
    photo: str, tmp_path: Path, command: tuple[str, ...], unbuffered: bool
) -> None:
    """The first bytes still fit, so that what is written is cut."""
    import resource

    environment = {**os.environ, "PYTHONUNBUFFERED": "1" if unbuffered else ""}
    with (tmp_path / "output").open("wb") as stream:
        refused = subprocess.run(
            [sys.executable, "-m", "twinscale", *command],
            stdout=stream,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)),
        )
    assert refused.returncode == 3
    assert "cannot be written (File too large)" in one_line(refused.stderr)
    assert not (tmp_path / "large.png").exists()


def test_unbuffered_output_is_complete(photo: str, tmp_path: Path, run: Run) -> None:
    """A pipe takes 64 kB at a time."""
    command = [sys.executable, "-u", "-m", "twinscale", "upscale", photo, "-o", "-"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, check=True)
    assert len(done.stdout) > 2**17
    with Image.open(io.BytesIO(done.stdout)) as image:
        image.load()
        assert image.size == (800, 600)


@pytest.mark.parametrize("command", [("info", "photo.png"), ("models", "list"), ("upscale", "photo.png", "-o", "-")])
def test_a_closed_pipe_ends_quietly(photo: str, tmp_path: Path, command: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "twinscale", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait() == 1


def test_an_error_of_the_file_system_is_one_line(run: Run) -> None:
    name = "x" * 300 + ".png"
    refused = run("upscale", "photo.png", "-o", name)
    assert refused.returncode == 3
    assert f"{name}: File name too long" in one_line(refused.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have names of characters only")
def test_names_that_are_not_text(photo: str, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.png")
    (tmp_path / photo).rename(tmp_path / name)
    command = [sys.executable, "-m", "twinscale", "info", name]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    told = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment, check=True)
    assert told.stdout.startswith(b"\xff.png\n")


@pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX")
@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("info photo.png >&-", 0, ""),
        ("models list >&-", 0, ""),
        ("upscale photo.png -o - >&-", 3, "photo.png: standard output is closed"),
        ("upscale - -o large.png <&-", 3, "-: standard input is closed"),
        ("upscale - -o large.png 0>written", 3, "-: standard input cannot be read (Bad file descriptor)"),
        ("upscale missing.png 2>&-", 3, ""),
        ("upscale photo.png -o large.png <&- >&- 2>&-", 0, ""),
    ],
)
def test_streams_that_are_closed(photo: str, tmp_path: Path, command: str, code: int, message: str) -> None:
    line = f"{shlex.quote(sys.executable)} -m twinscale {command}"
    done = subprocess.run(line, shell=True, capture_output=True, cwd=tmp_path)
    assert (done.returncode, done.stdout if "info" not in command else b"") == (code, b"")
    assert message in (one_line(done.stderr) if message else "")
    assert bool(message) == bool(done.stderr)
    if code == 0 and "large.png" in command:
        with Image.open(tmp_path / "large.png") as image:
            image.load()


def test_verbose_changes_no_exit_code(run: Run, tmp_path: Path) -> None:
    for command, code in (
        (("-v", "info", "missing.png"), 3),
        (("info", "-v", "missing.png"), 3),
        (("upscale", "missing.png", "-v"), 3),
        (("upscale", "missing.png", "-f", "foo", "-v"), 2),
        (("models", "-v", "show", "no-such-model"), 4),
    ):
        refused = run(*command)
        assert refused.returncode == code
        assert b"Traceback" in refused.stderr


def test_verbose_shows_the_traceback_of_every_file(run: Run, tmp_path: Path) -> None:
    for command in (("upscale", "-v", "-o", "out/"), ("info", "-v")):
        refused = run(*command, "missing.png", "other.png")
        assert refused.returncode == 1
        assert refused.stderr.count(b"Traceback") == 2
        assert b"PictureError: other.png: no such file" in refused.stderr


def test_tables_in_pipes_are_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", stream := io.StringIO())
    output().print("word " * 500)
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (9949, "9.9 kB"),
        (9951, "10 kB"),
        (310_000, "310 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (12_345_678, "12 MB"),
        (4_200_000_000, "4.2 GB"),
        (5_000_000_000_000, "5000 GB"),
    ],
)
def test_sizes_in_words(count: int, text: str) -> None:
    assert readable_size(count) == text


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        ImportError("libtorch.so: failed to map segment from shared object"),
    ],
)
def test_memory_that_runs_out_has_a_code_of_its_own_in_every_command(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_out(**_: object) -> None:
        raise error

    monkeypatch.setattr(app, "main", run_out)
    assert cli._run() == 5
    assert one_line(capsys.readouterr().err.encode()).startswith("twinscale: memory ran out: ")


@pytest.mark.parametrize("error", [RuntimeError("a bug"), OSError(errno.EBADF, "alloc"), ImportError("no memory_map")])
def test_other_errors_are_not_taken_for_a_lack_of_memory(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(app, "main", fail)
    with pytest.raises(type(error)):
        cli._run()
