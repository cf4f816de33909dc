"""Interrupts, requests to end, and terminals that are closed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.awkward import pattern
from twinscale import cli
from twinscale.batch.journal import JOURNAL

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

NUMBERS = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def start(number: signal.Signals, folder: Path, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        # Jobs that a shell runs in the background ignore interrupts, and hand that on.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_a_batch_that_is_stopped_leaves_whole_files(number: signal.Signals, tmp_path: Path) -> None:
    Image.fromarray(pattern(41, 63)).save(tmp_path / "photo.png")
    Image.fromarray(pattern(600, 600)).save(tmp_path / "z.png")
    options = ["--ensemble", "-t", "32", "-o", "out"]
    with start(number, tmp_path, "-m", "twinscale", "upscale", "photo.png", "z.png", *options) as process:
        assert process.stdout is not None
        assert b"photo_x2.png" in process.stdout.readline()
        process.send_signal(number)
        assert b"Traceback" not in process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"photo_x2.png", JOURNAL}


WRITER = """
import os, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from twinscale import cli
from twinscale.images.files import write_atomically

def stopped_meanwhile(handle):
    os.fsync = lambda handle: None
    os.kill(os.getpid(), {number})
    time.sleep(0.2)

def write():
    write_atomically(Path("whole.bin"), b"whole", overwrite=False)

def command():
    os.fsync = stopped_meanwhile
    with ThreadPoolExecutor() as pool:
        write() if {in_main} else pool.submit(write).result()

cli._run = command
cli.main()
"""


@pytest.mark.parametrize("number", NUMBERS[1:])
@pytest.mark.parametrize("in_main", [True, False])
def test_a_file_that_is_being_written_is_removed_or_completed(
    in_main: bool, number: signal.Signals, tmp_path: Path
) -> None:
    """Removed by a command that writes itself; completed by a thread of a batch, which is waited for."""
    with start(number, tmp_path, "-c", WRITER.format(number=int(number), in_main=in_main)) as process:
        assert process.communicate() == (b"", b"")
    assert process.returncode == 128 + number
    assert [path.name for path in tmp_path.iterdir()] == ([] if in_main else ["whole.bin"])


def test_signals_that_are_ignored_stay_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As nohup wants it."""
    handled: list[int] = []
    hangup, ignored, default = signal.SIGHUP, signal.SIG_IGN, signal.SIG_DFL
    monkeypatch.setattr(signal, "getsignal", lambda number: ignored if number == hangup else default)
    monkeypatch.setattr(signal, "signal", lambda number, _: handled.append(number))
    cli._end_in_order_when_told()
    assert handled == [signal.SIGTERM]
