"""``plot``: a drawing, or one line that says why not."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("tomli_w")
pytest.importorskip("matplotlib")

from tests.runs import make_run
from twinscale.cli.app import app
from twinscale.errors import UsageError


def plot(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["plot", *arguments])
    if result.exception:
        raise result.exception
    return result.stdout.strip()


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs, ``one`` and ``two``, in the working directory."""
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "one")
    make_run(tmp_path / "two", rows=["50,0.5,0.001,,28.0,60.0,80.0"])  # of an older version


def test_where_the_drawing_goes() -> None:
    for arguments, path in (
        (["one"], "one/curves.png"),
        (["one", "two"], "curves.png"),
        (["one", "-o", "a.PNG"], "a.PNG"),
    ):
        assert Path(plot(*arguments)) == Path(path)
        with Image.open(path) as image:
            assert image.format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is not a run folder"),
        (["one", "empty"], "empty has logged nothing yet: wait for its first validation"),
        (["one", "-o", "a.jpg"], r"a\.jpg is not a PNG file: name one that ends in \.png"),
        (["one", "-o", "no/a.png"], r"no/a\.png cannot be written"),
    ],
)
def test_what_cannot_be_drawn(tmp_path: Path, arguments: list[str], message: str) -> None:
    make_run(tmp_path / "empty", rows=[])
    with pytest.raises(UsageError, match=message):
        plot(*arguments)
    assert not list(tmp_path.glob("*.png"))


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        UsageError, match=r"plotting needs matplotlib: install it with pip install 'twinscale\[train\]'"
    ):
        plot("one")
