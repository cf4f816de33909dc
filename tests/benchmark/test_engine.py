"""What is measured; how fast it is belongs to the machine."""

from pathlib import Path

import pytest

from tests.models import make_pair, make_upscaler
from twinscale import load
from twinscale.benchmark import engine as benchmark
from twinscale.engine import Runtime


@pytest.mark.parametrize(("colour", "channels"), [("y", 1), ("rgb", 3)])
def test_networks_run_on_pictures_of_their_own(
    colour: str, channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[object, tuple[int, ...]]] = []
    monkeypatch.setattr(benchmark, "run", lambda operation, pixels: ran.append((operation, pixels.shape)))
    pair = load(make_pair(tmp_path, 3, colour), runtime=Runtime(1))
    speed = benchmark.measure_networks(pair)
    assert speed.down is not None
    assert min(speed.down, speed.up) > 0
    assert set(ran) == {(pair.reduction, (120, 120, channels)), (pair.enlargement, (40, 40, channels))}

    ran.clear()
    upscaler = load(make_upscaler(tmp_path, 2, colour), runtime=Runtime(1))
    assert benchmark.measure_networks(upscaler).down is None
    assert set(ran) == {(upscaler.enlargement, (60, 60, channels))}
