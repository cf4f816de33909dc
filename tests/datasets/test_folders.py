from pathlib import Path

import pytest

from twinscale import cache
from twinscale.datasets import folders


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("TWINSCALE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA", "TWINSCALE_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))


def test_search_order(monkeypatch):
    cached = Path("/home/somebody/.cache/twinscale/data/Set5")
    monkeypatch.setattr(cache.sys, "platform", "linux")
    assert folders.search_folders("Set5") == [cached]
    monkeypatch.setenv("TWINSCALE_DATA", "/data")
    data = [Path("/data/test/Set5"), Path("/data/train/Set5"), Path("/data/Set5")]
    assert folders.search_folders("Set5") == [*data, cached]
