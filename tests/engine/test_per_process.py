"""Networks in forked processes, and what a runtime does beside running them."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.models import onnx_bytes
from twinscale.engine.backends import backends
from twinscale.engine.per_process import PerProcess

INSTALLED = [name for name, backend in backends().items() if backend.installed]

FORK = """
import gc, os, signal, sys, threading
from pathlib import Path
import numpy as np
from twinscale.engine import Runtime

batch = np.random.default_rng(0).random((1, 70, 90, 3), dtype=np.float32)
inherited = [Runtime(2, {backend!r}).load(Path("up.onnx").read_bytes(), name="test") for _ in range(2)]
expected = inherited[0](batch)
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
signal.signal(signal.SIGINT, lambda number, frame: print("handled", flush=True))
{deed}
os.kill(os.getpid(), signal.SIGINT)
"""
DEEDS = {
    "nothing": "",
    "evicts": "inherited.clear(); gc.collect()",
    "uses": "assert np.array_equal(inherited[0](batch), expected)",
    "loads": """
own = Runtime(2, {backend!r}).load(Path("up.onnx").read_bytes(), name="test")
assert np.array_equal(own(batch), expected)
""",
    "uses and frees in other threads": """
for work in (lambda: [network(batch) for network in inherited], inherited.clear, gc.collect):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
""",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("backend", INSTALLED)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_fork_after_use_works_ends_and_takes_signals(deed: str, backend: str, tmp_path: Path) -> None:
    (tmp_path / "up.onnx").write_bytes(onnx_bytes("up", 2, 3))
    script = FORK.format(backend=backend, deed=DEEDS[deed].format(backend=backend))
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_another_thread_was_making_does_not_stop_a_fork() -> None:
    begun, end = threading.Event(), threading.Event()
    parent = os.getpid()

    def make() -> int:
        if os.getpid() == parent:
            begun.set()
            end.wait()
        return os.getpid()

    process = PerProcess(make)
    maker = threading.Thread(target=process)
    maker.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        os._exit(0 if process() == os.getpid() else 1)
    assert os.waitpid(child, 0)[1] == 0
    end.set()
    maker.join()
    assert process() == parent


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and the cache of Linux")
def test_onnxruntime_reports_nothing_to_its_makers(tmp_path: Path) -> None:
    """It would write an identity of the machine and a database of what to send into the user's cache."""
    (tmp_path / "up.onnx").write_bytes(onnx_bytes("up", 2, 3))
    script = """
import os
from pathlib import Path
from twinscale.engine import Runtime

before = len(os.listdir("/proc/self/task"))
Runtime(1, "onnxruntime").load(Path("up.onnx").read_bytes(), name="test")
print(len(os.listdir("/proc/self/task")) - before, os.listdir(os.environ["HOME"]))
"""
    (tmp_path / "home").mkdir()
    environment = {**os.environ, "HOME": str(tmp_path / "home")}
    environment.pop("XDG_CACHE_HOME", None)
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "0 []\n", done.stderr
