from pathlib import Path

import pytest

from twinscale.datasets import folders


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("TWINSCALE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA", "TWINSCALE_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", None, "/home/somebody/.cache/twinscale"),
        ("linux", "XDG_CACHE_HOME", "/chosen/twinscale"),
        ("linux", "TWINSCALE_CACHE", "/chosen"),
        ("darwin", None, "/home/somebody/Library/Caches/twinscale"),
        ("darwin", "TWINSCALE_CACHE", "/chosen"),
        ("win32", None, "/home/somebody/AppData/Local/twinscale"),
        ("win32", "LOCALAPPDATA", "/chosen/twinscale"),
        ("win32", "TWINSCALE_CACHE", "/chosen"),
    ],
)
def test_cache_folder(monkeypatch, platform, variable, expected):
    monkeypatch.setattr(folders.sys, "platform", platform)
    if variable:
        monkeypatch.setenv(variable, "/chosen")
    assert folders.cache_folder() == Path(expected)


def test_search_order(monkeypatch):
    cached = Path("/home/somebody/.cache/twinscale/data/Set5")
    monkeypatch.setattr(folders.sys, "platform", "linux")
    assert folders.search_folders("Set5") == [cached]
    monkeypatch.setenv("TWINSCALE_DATA", "/data")
    data = [Path("/data/test/Set5"), Path("/data/train/Set5"), Path("/data/Set5")]
    assert folders.search_folders("Set5") == [*data, cached]
