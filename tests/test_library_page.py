"""The page about the library runs as it stands, and prints what it says."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.awkward import pattern

PAGE = Path(__file__).parents[1] / "docs" / "library.md"


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(pattern(80, 120)).save("photo.jpg")
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    printed = capsys.readouterr().out
    assert "<Picture 120x80 RGB 8-bit JPEG>" in printed
    assert "floating-point pixel values run from 255 to 255; scale them to 0 to 1" in printed
    assert [line.split()[0] for line in printed.splitlines() if "Apache" in line] == ["best-x2", "fast-x2", "srcnn-x2"]
    with Image.open("large.png") as large, Image.open("back.png") as back:
        assert (large.size, back.size) == ((240, 160), (120, 80))
