import pytest

from twinscale.benchmark import downscaling as module
from twinscale.benchmark.downscaling import measure_downscaling
from twinscale.errors import UsageError


def test_pillow_is_measured_beside_the_methods() -> None:
    speeds = measure_downscaling(["dpid", "area"], 3, 0.01, 1)
    assert list(speeds) == ["dpid", "area", "Pillow bicubic", "Pillow area"]
    assert min(speeds.values()) > 0


def test_times_are_per_megapixel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "medians", lambda rounds, *functions, per: [1000 / per] * len(functions))
    assert measure_downscaling(["area"], 2, 0.12, 1)["area"] == pytest.approx(1000 / 0.12)  # each takes a second


def test_errors() -> None:
    with pytest.raises(UsageError, match="unknown method 'cubic'"):
        measure_downscaling(["cubic"], 2, 0.01, 1)
