"""Running commands as a user does, in a process of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models import make_pair, make_upscaler

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run("info", "a.png")`` in a fresh folder; returns exit code and both streams as bytes."""

    def run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "twinscale", *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "100"}
        return subprocess.run(command, input=stdin, capture_output=True, cwd=tmp_path, env=environment, check=False)

    return run


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pair with random weights, x2, RGB."""
    return make_pair(tmp_path_factory.mktemp("models"), 2, "rgb")


@pytest.fixture(scope="session")
def upscaler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an upscaler with random weights, x2, luminance."""
    return make_upscaler(tmp_path_factory.mktemp("models"), 2, "y")
