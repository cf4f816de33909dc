"""Large arrays and files: what they hold, wherever they are."""

import gc
import io
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.awkward import pattern
from twinscale import spill
from twinscale.errors import OutOfMemoryError


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything from 1000 bytes on is large, and worked on 300 bytes at a time."""
    monkeypatch.setattr(spill, "LIMIT", 1000)
    monkeypatch.setattr(spill, "_BAND", 300)


def resident(array: np.ndarray) -> int:
    """The bytes of an array's file that this process holds in memory."""
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    start, held, inside = base.__array_interface__["data"][0], 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ")[0] and ":" not in line.split(" ")[0]:
            low, high = (int(number, 16) for number in line.split(" ")[0].split("-"))
            inside = low <= start < high
        elif inside and line.startswith("Rss:"):
            held += int(line.split()[1]) * 1024
    return held


@pytest.mark.usefixtures("_tiny")
def test_only_large_arrays_live_in_files() -> None:
    assert not spill.is_spilled(spill.empty((999,)))
    array = spill.empty((10, 20, 5), np.uint16)
    assert spill.is_spilled(array)
    assert spill.is_spilled(array[2:4, ::2].swapaxes(0, 1))
    assert (array.shape, array.dtype) == ((10, 20, 5), np.uint16)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not tell what is in memory")
def test_released_pages_leave_memory_and_keep_their_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "LIMIT", 2**20)
    array = spill.empty((2**22,))
    array[:] = 7
    assert resident(array) == 2**22
    spill.release(array[5:])
    assert resident(array) == 0
    assert (array == 7).all()
    for rows in spill.bands(array):
        array[rows] = 9
    assert resident(array) == 0
    with spill.sparing(array):
        array[:] = 3
    assert resident(array) == 0
    assert (array == 3).all()


@pytest.mark.usefixtures("_tiny")
def test_files_disappear_with_their_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    array, data = spill.empty((50, 60)), spill.join([bytes(2000)])
    array[:] = 1
    assert list(tmp_path.iterdir()) == []  # they have no names, so nothing can be left behind
    mapping = array.base
    assert isinstance(mapping, mmap.mmap)
    gone = weakref.ref(mapping)
    del array, data, mapping
    gc.collect()
    assert gone() is None


@pytest.mark.usefixtures("_tiny")
def test_without_room_on_the_disk_arrays_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spill, "_reserve", full)
    assert not spill.is_spilled(spill.empty((2000,)))
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert not spill.is_spilled(spill.empty((2000,)))
    with pytest.raises(OutOfMemoryError, match=r"takes no large file \(No space left on device\): .* TMPDIR"):
        spill.join([bytes(2000)])


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (7, 13), (40, 60), (1, 2000), (2000, 1)], ids=str)
def test_rows_are_mapped_in_bands(size: tuple[int, int]) -> None:
    pixels, alpha = pattern(*size, channels=3), pattern(*size, channels=1)[:, :, 0]
    heights: list[int] = []

    def joined(*parts: np.ndarray) -> np.ndarray:
        heights.append(len(parts[0]))
        return np.dstack(parts).astype(np.uint16)

    result = spill.map_rows(joined, pixels, alpha)
    np.testing.assert_array_equal(result, np.dstack((pixels, alpha)))
    assert result.dtype == np.uint16
    assert spill.is_spilled(result) == (result.nbytes >= 1000)
    assert sum(heights) == size[0]
    assert max(heights) * size[1] * 3 <= max(300, size[1] * 3)


@pytest.mark.usefixtures("_tiny")
def test_turned_rows_become_contiguous() -> None:
    pixels = pattern(30, 40)
    turned = spill.contiguous(pixels.swapaxes(0, 1)[::-1])
    assert turned.flags.c_contiguous
    assert spill.is_spilled(turned)
    np.testing.assert_array_equal(turned, pixels.swapaxes(0, 1)[::-1])
    assert spill.contiguous(turned) is turned


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize("sizes", [[], [5], [400, 400], [400, 400, 400], [5000], [999, 1], [1, 0, 3000, 2]], ids=str)
def test_pieces_become_a_file(sizes: list[int], tmp_path: Path) -> None:
    pieces = [os.urandom(size) for size in sizes]
    whole = b"".join(pieces)

    def given() -> Iterator[bytes | memoryview]:
        for count, piece in enumerate(pieces):
            yield memoryview(piece) if count % 2 else piece

    data = spill.join(given())
    assert isinstance(data, mmap.mmap if len(whole) >= 1000 else bytes)
    assert bytes(data) == whole
    assert b"".join(map(bytes, spill.parts(data))) == whole
    assert bytes(spill.join([b"a", data, b"b"])) == b"a" + whole + b"b"
    read = spill.read(io.BytesIO(whole))
    assert isinstance(read, mmap.mmap if len(whole) >= 1000 else bytes)
    assert bytes(read) == whole
