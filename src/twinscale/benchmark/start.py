"""How long commands take to start, next to importing what they are built on."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from twinscale.benchmark.timing import medians, random_pixels

_IMPORTS = ("-c", "import numpy, onnxruntime, PIL.Image")


@dataclass(frozen=True, slots=True)
class StartSpeed:
    """Whole processes, in milliseconds."""

    imports: float
    """Python, importing NumPy, ONNX Runtime and Pillow."""
    version: float
    """``twinscale --version``."""
    upscale: float
    """``twinscale upscale`` of a picture of 64x64."""


def measure_start(rounds: int) -> StartSpeed:
    """Start the processes in turns.

    Args:
        rounds: how often each is started.
    """
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.png", Path(folder) / "large.png"
        Image.fromarray(random_pixels(64, 64)).save(small)
        upscale = ("-m", "twinscale", "upscale", str(small), "-o", str(large), "--overwrite")
        imports, version, enlarged = medians(
            rounds,
            lambda: _python(_IMPORTS),
            lambda: _python(("-m", "twinscale", "--version")),
            lambda: _python(upscale),
        )
    return StartSpeed(imports, version, enlarged)


def _python(arguments: Sequence[str]) -> None:
    # As installed: the warm-up leaves byte code behind, whatever this environment says.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
