from pathlib import Path

import pytest

from twinscale import cache


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("TWINSCALE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
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
    monkeypatch.setattr(cache.sys, "platform", platform)
    if variable:
        monkeypatch.setenv(variable, "/chosen")
    assert cache.cache_folder() == Path(expected)
