"""What the README and the pages of the documentation tell a reader to type works, word by word and in that order."""

import contextlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from tests.awkward import pattern
from tests.models import make_upscaler
from twinscale.cli.app import app

ROOT = Path(__file__).parents[1]
TEXTS = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
GUIDES = sorted(path for path in TEXTS if re.search(r"^```(sh|python)$", path.read_text(encoding="utf-8"), re.M))

# What is only parsed here, and why.
NOT_RUN = {
    r"\bpip install\b|-m venv|\.venv": "it sets up an environment: .ci/run does, in a fresh clone",
    r"\bdata get\b": "it needs the internet",
    r"cuda|bfloat16|--cluster=|head:6379": "it needs a device or a cluster that this machine may not have",
    r"\btensorboard\b|\bstudy serve\b": "it serves until it is stopped",
    r"\bstudy results\b": "it needs people's answers",
    r"\breproduce\b|\bbench\b|\bSet5\b|docs/experiments": "it takes minutes, or picture sets",
}
SHORTER = (r"--minutes [\d.]+", "--minutes 0.02")  # the one word that is not run as it stands


def _blocks(text: str) -> list[tuple[str, str]]:
    """Return language and contents of the shell and Python blocks."""
    return re.findall(r"^```(sh|python)\n(.*?)^```$", text, re.M | re.S)


def _lines(block: str) -> list[str]:
    return [line for line in block.splitlines() if line and not line.startswith("#")]


def _commands(path: Path) -> list[str]:
    """Return every twinscale command in a text, in blocks and between backticks."""
    text = path.read_text(encoding="utf-8")
    spans = re.findall(r"`(twinscale [^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))
    lines = [line for language, block in _blocks(text) if language == "sh" for line in _lines(block)]
    parts = [part.strip() for line in lines for part in re.split(r"&&|\|", line)]
    return [" ".join(command.split()) for command in spans + [p for p in parts if p.startswith("twinscale ")]]


NAMED = sorted({(path, command) for path in TEXTS for command in _commands(path)})


@pytest.mark.parametrize(("path", "command"), NAMED, ids=[f"{p.stem}: {c}" for p, c in NAMED])
def test_a_command_that_is_named_exists_with_its_options(path, command):
    _, *words = shlex.split(command.replace("…", " "), comments=True)
    current, parent = app, None
    while isinstance(current, click.Group) and words and not words[0].startswith("-"):
        # With the settings, because a command keeps the help options of the first context that it meets.
        parent = click.Context(current, parent, current.name, **current.context_settings)
        name = words.pop(0)
        found = current.get_command(parent, name)
        assert found is not None, f"{path.name} names {command!r}, but there is no command {name!r}"
        current = found
    incomplete = (click.MissingParameter, click.exceptions.NoArgsIsHelpError)  # a text may speak of it in passing
    with contextlib.suppress(*incomplete, click.exceptions.Exit):  # help and the version end it
        current.make_context(current.name, words, parent, resilient_parsing=isinstance(current, click.Group))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the commands of this environment and the pictures that the texts speak of."""
    folder = tmp_path_factory.mktemp("reader")
    scripts = folder / "bin"
    scripts.mkdir()
    for name, command in {"twinscale": "-m twinscale", "python": ""}.items():
        script = scripts / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {command} "$@"\n')
        script.chmod(0o755)
    return folder


@pytest.fixture
def desk(home: Path, request: pytest.FixtureRequest) -> Path:
    """A fresh folder for one text, in which its reader works."""
    desk = home / request.node.callspec.id
    sizes = {"photo.jpg": 1, "photo.png": 2, "old.jpg": 3, "folder/a.png": 5, "folder/b.jpg": 6}
    sizes |= {"folder/below/c.png": 7, "photographs/d.png": 8, "scans/e.tif": 9}
    sizes |= {f"{album}/{k}.png": k for album in ("Pictures", "OtherPictures") for k in range(10, 14)}
    for name, seed in sizes.items():
        path = desk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 30, (72, 96, 3), np.uint8)
        Image.fromarray(pattern(72, 96) // 10 * 8 + noise).save(path)
    make_upscaler(desk / "runs" / "mine" / "models", 2, "y", name="mine")
    (desk / "docs").symlink_to(ROOT / "docs")
    return desk


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_the_commands_of_a_text_work_in_its_order(path, home, desk):
    environment = {**os.environ, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(desk)}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)

    def run(*command: str) -> None:
        ran = subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{path.name}: {command[-1]}\n{ran.stdout}{ran.stderr}"

    for language, block in _blocks(path.read_text(encoding="utf-8")):
        for piece in [block] if language == "python" else _lines(block):
            if any(re.search(pattern, piece) for pattern in NOT_RUN):
                continue
            if language == "python":
                run("python", "-c", piece)
                continue
            run("bash", "-euc", re.sub(*SHORTER, piece))
            said = re.search(r"\s# ([\w./-]+\.(?:png|jpg|tif|webp))\b", piece)
            assert said is None or (desk / said[1]).is_file(), f"{path.name} says that {piece!r} makes {said[1]}"
