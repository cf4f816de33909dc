"""What a batch shows while it runs, in a terminal and without one."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.awkward import pattern
from tests.cli.conftest import Run

pty = pytest.importorskip("pty")

LINE = r"{0}\.png -> out/{0}_x2\.png \(24x20, \S+ (bytes|kB) -> \S+ (bytes|kB), \d+\.\d s\)"
TIME_LEFT = re.compile(r"\d:\d\d:\d\d")


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Three small pictures; the name of the last one is longer than a line of the terminal."""
    names = ["one", "two", "three" * 20]
    for name in names:
        Image.fromarray(pattern(10, 12)).save(tmp_path / f"{name}.png")
    return names


def run_in_terminal(folder: Path, *arguments: str, output: int | None = None) -> tuple[str, bytes, int]:
    """Run a command whose standard error is a terminal; return what that received, standard output, and the code."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "twinscale", *arguments],
        stdout=end if output is None else output,
        stderr=end,
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(end)
    received = b""
    with contextlib.suppress(OSError):  # Linux says so when the process has closed its end
        while some := os.read(terminal, 65536):
            received += some
    os.close(terminal)
    written = process.stdout.read() if process.stdout else b""
    return received.decode(), written, process.wait()


def lines_on_screen(received: str) -> list[str]:
    """What stands in a terminal, of endless lines, after it has received all this."""
    lines, row, column = [""], 0, 0
    for command, text in re.findall(r"(\x1b\[[?\d;]*[a-zA-Z]|\r|\n)|([^\x1b\r\n]+)", received):
        if text:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
        elif command == "\r":
            column = 0
        elif command == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif command.endswith("A"):
            row -= int(command[2:-1] or 1)
        elif command.endswith("K"):
            assert command == "\x1b[2K"
            lines[row] = ""
        else:  # colours, and whether the cursor is visible
            assert command[-1] in "mlh"
    return [line for line in lines if line]


class TestInATerminal:
    def test_lines_stay_whole_above_a_bar_that_tells_the_time_left(self, tmp_path: Path, photos: list[str]) -> None:
        inputs = [f"{name}.png" for name in photos]
        received, _, code = run_in_terminal(tmp_path, "upscale", "--ensemble", "-t", "4", *inputs, "-o", "out/")
        assert code == 0
        shown = lines_on_screen(received)
        assert len(shown) == 3
        for name, line in zip(photos, shown, strict=True):
            assert re.fullmatch(LINE.format(name), line)
        before_the_first = received[: received.index(" -> ")]
        assert "0/3 pictures" in before_the_first
        assert TIME_LEFT.search(before_the_first)
        assert "1/3 pictures" in received

    def test_results_in_a_pipe_and_the_bar_in_the_terminal(self, tmp_path: Path, photos: list[str]) -> None:
        command = ("upscale", "one.png", "missing.png", "-o", "out/")
        received, written, code = run_in_terminal(tmp_path, *command, output=subprocess.PIPE)
        assert code == 1
        assert re.fullmatch(LINE.format("one") + "\n", written.decode())
        assert lines_on_screen(received) == [
            "twinscale: missing.png: no such file; check the path",
            "twinscale: 1 done, 1 failed",
        ]
        assert "0/2 pictures" in received

    def test_quiet_shows_no_bar(self, tmp_path: Path, photos: list[str]) -> None:
        assert run_in_terminal(tmp_path, "upscale", "one.png", "--quiet") == ("", b"", 0)


def test_without_a_terminal_there_is_no_bar(run: Run, tmp_path: Path, photos: list[str]) -> None:
    done = run("upscale", "one.png", "two.png", "-o", "out/")
    assert done.stderr == b""
    assert len(done.stdout.splitlines()) == 2
    again = run("upscale", "one.png", "two.png", "-o", "out/", "--skip-existing")
    assert again.stdout.decode().splitlines()[0].startswith("one.png: skipped, out/one_x2.png is up to date")
