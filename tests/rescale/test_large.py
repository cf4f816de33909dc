"""Pictures too large for memory: results are to the bit those of pictures in memory."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.awkward import exif_block, icc_profile, pattern
from twinscale import Picture, Runtime, repair, restore, shrink, spill, upscale

RUNTIME = Runtime(1, "onnxruntime")
WORKS: dict[str, Callable[[Picture], Picture]] = {
    "upscale": lambda picture: upscale(picture, 2, model="fast-x2", tile=20, runtime=RUNTIME),
    "upscale to a size": lambda picture: upscale(picture, width=97, model="fast", tile=20, runtime=RUNTIME),
    "shrink": lambda picture: shrink(picture, 2, tile=10, runtime=RUNTIME),
    "shrink classically": lambda picture: shrink(picture, 3, method="bicubic"),
    "shrink by blocks": lambda picture: shrink(picture, 2, method="dpid"),
    "restore": lambda picture: restore(shrink(picture, 2, runtime=RUNTIME), tile=20, runtime=RUNTIME),
    "repair": lambda picture: repair(picture, saved_at=40, tile=20, runtime=RUNTIME),
}


@pytest.mark.parametrize(
    ("channels", "dtype", "extension"),
    [(3, np.uint8, "jpg"), (4, np.uint8, "png"), (1, np.uint16, "tif"), (4, np.uint16, "tif")],
)
@pytest.mark.parametrize("name", WORKS)
def test_from_file_to_file(
    name: str, channels: int, dtype: type, extension: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = pattern(37, 53, channels, dtype)
    if channels == 4:
        samples[:9, :20, 3] = 0
    icc = icc_profile(b"GRAY" if channels == 1 else b"RGB ")
    Picture.from_array(samples, icc=icc, exif=exif_block()).write(tmp_path / f"small.{extension}")

    def from_file_to_file() -> tuple[Picture, Picture]:
        result = WORKS[name](Picture.read(tmp_path / f"small.{extension}"))
        result.write(tmp_path / f"result.{extension}", overwrite=True)
        return result, Picture.read(tmp_path / f"result.{extension}")

    in_memory, its_file = from_file_to_file()
    monkeypatch.setattr(spill, "LIMIT", 1)
    monkeypatch.setattr(spill, "_BAND", 700)
    result, file = from_file_to_file()
    assert spill.is_spilled(result.pixels)
    assert spill.is_spilled(file.pixels)
    np.testing.assert_array_equal(result.to_array(), in_memory.to_array())
    np.testing.assert_array_equal(file.to_array(), its_file.to_array())
    assert (file.icc, file.exif, file.xmp) == (its_file.icc, its_file.exif, its_file.xmp)
