import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from twinscale import datasets
from twinscale.cli.app import app
from twinscale.errors import DatasetError


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command, on a machine that has Set5 and nothing else."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TWINSCALE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TWINSCALE_DATA", str(tmp_path))
    folder = tmp_path / "test" / "Set5"
    folder.mkdir(parents=True)
    for name in ("baby", "bird", "butterfly", "head", "woman"):
        (folder / f"{name}_GT.png").touch()
    return lambda *args: CliRunner().invoke(app, ["data", *args])


def test_list_shows_where_each_set_is(run, tmp_path):
    result = run("list")
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert str(tmp_path / "test") in result.stdout.replace("\n", "")
    assert "—" not in lines["Set5"]
    assert "—" in lines["Set14"]
    assert "unrestricted" in lines["Kodak24"]


def test_list_as_json(run, tmp_path):
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert rows["Set5"]["folder"] == str(tmp_path / "test" / "Set5")
    assert rows["Urban100"]["folder"] is None
    assert rows["BSDS200"]["files"] == 199
    assert rows["T91"]["kind"] == "train"
    assert rows["T91"]["megapixels"] == 5.4


def test_get_prints_folders_and_nothing_else_on_stdout(run, monkeypatch):
    def get(name, *, progress):
        progress(1, 1)
        return Path("cache") / name

    monkeypatch.setattr(datasets, "get", get)
    result = run("get", "Set5", "Kodak24")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(Path("cache/Set5")), str(Path("cache/Kodak24"))]
    # Terms, but no progress bar, where stderr is no terminal.
    first, second = result.stderr.splitlines()
    assert first.startswith("Set5: no licence stated")
    assert second.startswith("Kodak24: released")


def test_get_unknown_set(run):
    result = run("get", "Kodak")
    assert isinstance(result.exception, DatasetError)
    assert "did you mean Kodak24?" in str(result.exception)


def test_get_needs_a_name(run):
    assert run("get").exit_code == 2
