"""Exact tiling: a seam is a failing test."""

import dataclasses
import itertools
import math
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage

from tests.awkward import pattern
from tests.models import make_jpeg, make_pair, make_upscaler
from twinscale import spill
from twinscale.engine import Operation, Runtime, run, tiling
from twinscale.engine.operation import bicubic, interpolated, on_grey, on_luminance, with_alpha
from twinscale.errors import OutOfMemoryError, UsageError
from twinscale.rescale import Model, load
from twinscale.zoo import model_names

SIZES = [(1, 1), (1, 50), (50, 1), (5, 7), (33, 64), (71, 45)]


def median(radius: int = 2) -> Operation:
    """A filter that is not linear and not separable."""
    side = 2 * radius + 1
    return Operation(lambda planes: scipy.ndimage.median_filter(planes, (side, side, 1), mode="nearest"), radius=radius)


def block_minimum(scale: int) -> Operation:
    """The smallest of each block, after a median filter."""

    def function(planes: np.ndarray) -> np.ndarray:
        planes = median(1)(planes)
        height, width, channels = planes.shape
        return planes.reshape(height // scale, scale, width // scale, scale, channels).min(axis=(1, 3))

    return Operation(function, scale=Fraction(1, scale), radius=1, multiple_of=scale)


NUMPY_OPERATIONS = {
    "median": median(),
    "block minimum by 2": block_minimum(2),
    "block minimum by 3": block_minimum(3),
    "block minimum by 2, in eights": dataclasses.replace(block_minimum(2), multiple_of=8),
    "bicubic up 2": bicubic(Fraction(2)),
    "bicubic up 3": bicubic(Fraction(3)),
    "bicubic down 2": bicubic(Fraction(1, 2)),
    "bicubic down 4": bicubic(Fraction(1, 4)),
    "on the enlargement": interpolated(median(1), 3),
}


def assert_seamless(operation: Operation, pixels: np.ndarray, tiles: tuple[int, ...]) -> None:
    whole = run(operation, pixels, dtype=np.float32, tile=0)
    for tile in tiles:
        tiled = run(operation, pixels, dtype=np.float32, tile=tile)
        assert tiled.shape == whole.shape
        np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", NUMPY_OPERATIONS)
def test_numpy_operation_is_seamless(name: str, size: tuple[int, int]) -> None:
    assert_seamless(NUMPY_OPERATIONS[name], noise(size), (3, 16, 1000))


@pytest.mark.parametrize("name", ["median", "block minimum by 3", "bicubic up 2"])
def test_wrapped_operations_are_seamless(name: str) -> None:
    operation = NUMPY_OPERATIONS[name]
    pixels = noise((37, 52), channels=4)
    pixels[10:20, 5:30, 3] = 0
    pixels[20:30, :, 3] = 1
    assert_seamless(on_luminance(operation), pixels[:, :, :3], (9,))
    assert_seamless(with_alpha(operation), pixels, (9,))
    assert_seamless(with_alpha(on_luminance(operation)), pixels, (9,))
    assert_seamless(on_grey(operation), pixels[:, :, :1], (9,))


@pytest.mark.parametrize("size", [*SIZES, (8, 9), (16, 17)], ids=str)
@pytest.mark.parametrize("tile", [0, 16])
def test_what_padding_to_a_multiple_adds_is_cut_off(size: tuple[int, int], tile: int) -> None:
    """However many rows and columns were repeated: sides are rounded up to what the scale makes of them."""
    expected = run(block_minimum(2), noise(size))
    for multiple in (8, 16):
        result = run(dataclasses.replace(block_minimum(2), multiple_of=multiple), noise(size), tile=tile)
        np.testing.assert_array_equal(result, expected)
        assert result.shape == (math.ceil(size[0] / 2), math.ceil(size[1] / 2), 3)
        assert result.flags.c_contiguous
    enlarged = run(dataclasses.replace(bicubic(Fraction(3)), multiple_of=4), noise(size), tile=tile)
    assert enlarged.shape == (3 * size[0], 3 * size[1], 3)


def noise(size: tuple[int, int], channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((*size, channels), dtype=np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    folder = tmp_path_factory.mktemp("models")
    made = [
        make_pair(folder, 2, "rgb"),
        make_pair(folder, 3, "y"),
        make_upscaler(folder, 2, "y"),
        make_upscaler(folder, 3, "rgb"),
    ]
    return {path.name: load(path, runtime=Runtime(1)) for path in made}


@pytest.mark.parametrize("kind", ["grey", "grey with alpha", "rgb", "rgb with alpha"])
@pytest.mark.parametrize("name", ["pair-rgb-x2", "pair-y-x3", "srcnn-y-x2", "srcnn-rgb-x3"])
def test_random_network_is_seamless(name: str, kind: str, models: dict[str, Model]) -> None:
    for operation in operations(models[name], kind):
        for size in [(1, 1), (1, 40), (5, 3), (49, 66)]:
            assert_seamless(operation, picture_of_kind(size, kind), (8, 32))


@pytest.mark.parametrize("kind", ["grey", "grey with alpha", "rgb"])
@pytest.mark.parametrize("scale", [1, 2])
def test_told_network_is_seamless(scale: int, kind: str, tmp_path: Path) -> None:
    model = load(make_jpeg(tmp_path, scale), runtime=Runtime(1))
    channels = 1 if kind.startswith("grey") else 3
    for conditions in (None, (0.5, 0.6, 0.75)):
        told = model.on_channels(model.enlargement_told(conditions), channels)
        operation = with_alpha(told) if kind.endswith("alpha") else told
        for size in [(1, 1), (1, 40), (5, 3), (49, 66)]:
            assert_seamless(operation, picture_of_kind(size, kind), (8, 31))


@pytest.mark.parametrize("kind", ["grey with alpha", "rgb"])
@pytest.mark.parametrize("name", model_names())
def test_shipped_model_is_seamless(name: str, kind: str) -> None:
    for operation in operations(load(name, runtime=Runtime(1)), kind):
        for size in [(1, 1), (3, 40), (75, 90)]:
            assert_seamless(operation, picture_of_kind(size, kind), (32,))


def operations(model: Model, kind: str) -> list[Operation]:
    """Both parts of a model, for pictures of this kind."""
    parts = [model.enlargement, model.reduction] if model.card.kind == "pair" else [model.enlargement]
    wrapped = [model.on_channels(part, 1 if kind.startswith("grey") else 3) for part in parts]
    return [with_alpha(part) for part in wrapped] if kind.endswith("alpha") else wrapped


def picture_of_kind(size: tuple[int, int], kind: str) -> np.ndarray:
    channels = (1 if kind.startswith("grey") else 3) + kind.endswith("alpha")
    smooth = pattern(*size, channels=channels, dtype=np.float32)
    pixels = 0.7 * smooth + 0.3 * noise(size, channels)
    return np.clip(pixels, 0, 1).astype(np.float32)


class Spy:
    """An operation that remembers the shapes it is given, and may run out of memory."""

    def __init__(self, operation: Operation, largest: float = math.inf) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.operation = operation
        self.largest = largest

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        self.shapes.append(planes.shape)
        if planes.shape[0] * planes.shape[1] > self.largest:
            raise MemoryError("too large for the test")
        return self.operation(planes)


def spied(operation: Operation, spy: Spy) -> Operation:
    return Operation(spy, operation.scale, operation.radius, operation.multiple_of)


@pytest.mark.parametrize("name", NUMPY_OPERATIONS)
@pytest.mark.parametrize("tile", [8, 20])
def test_windows_have_one_shape_which_the_tile_bounds(name: str, tile: int) -> None:
    operation = NUMPY_OPERATIONS[name]
    spy = Spy(operation)
    run(spied(operation, spy), noise((103, 151)), tile=tile)
    assert len(set(spy.shapes)) == 1
    halo = math.ceil(operation.radius / operation.multiple_of) * operation.multiple_of
    assert max(spy.shapes[0][:2]) <= tile * operation.scale.denominator + 2 * halo
    assert spy.shapes[0][0] % operation.multiple_of == spy.shapes[0][1] % operation.multiple_of == 0


def blurred_with_zeros(radius: int) -> Operation:
    """A box filter that takes what lies beyond its input for black."""
    side = 2 * radius + 1
    return Operation(
        lambda planes: scipy.ndimage.uniform_filter(planes, (side, side, 0), mode="constant"),
        radius=radius,
        mirrored=True,
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_mirrored_operation_sees_the_mirror_image_beyond_the_picture(size: tuple[int, int]) -> None:
    pixels = noise(size)
    expected = scipy.ndimage.uniform_filter(pixels, (9, 9, 0), mode="reflect")  # what scipy calls it: d c b a | a b c d
    for tile in (0, 3, 16, 1000):
        result = run(blurred_with_zeros(4), pixels, tile=tile)
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [2, 3])
def test_mirrored_operation_that_shrinks(scale: int) -> None:
    operation = dataclasses.replace(block_minimum(scale), mirrored=True)
    for size in [(1, 1), (31, 46)]:
        assert_seamless(operation, noise(size), (7,))
        np.testing.assert_array_equal(run(operation, noise(size)), run(block_minimum(scale), noise(size)))


def test_mirrored_windows_have_one_shape() -> None:
    spy = Spy(blurred_with_zeros(4))
    run(dataclasses.replace(blurred_with_zeros(4), function=spy), noise((103, 151)), tile=20)
    assert set(spy.shapes) == {(18 + 8, 19 + 8, 3)}  # 6 tiles of 18 make 103, 8 of 19 make 151


def test_a_picture_little_larger_than_a_tile_is_split_evenly() -> None:
    spy = Spy(median())
    run(spied(median(), spy), noise((258, 258)), tile=256)
    assert spy.shapes == [(129 + 4, 129 + 4, 3)] * 4


def test_tile_larger_than_the_picture_and_tile_zero_are_one_window() -> None:
    for tile in (0, 64, 10_000):
        spy = Spy(median())
        run(spied(median(), spy), noise((60, 40)), tile=tile)
        assert spy.shapes == [(60, 40, 3)]


@pytest.mark.parametrize("tile", [0, 256])
def test_tiles_are_halved_while_memory_runs_out(tile: int) -> None:
    pixels = noise((300, 420))
    spy = Spy(median(), largest=110 * 110)
    result = run(spied(median(), spy), pixels, tile=tile)
    np.testing.assert_array_equal(result, median()(pixels))
    assert spy.shapes[0][0] * spy.shapes[0][1] > 110 * 110  # it was tried
    assert spy.shapes[-1][0] * spy.shapes[-1][1] <= 110 * 110


@pytest.mark.parametrize("tile", [0, 256, 40])
def test_gives_up_when_even_small_tiles_do_not_fit(tile: int) -> None:
    spy = Spy(median(), largest=0)
    with pytest.raises(OutOfMemoryError, match="memory ran out on a picture of 90x70") as caught:
        run(spied(median(), spy), noise((70, 90)), tile=tile)
    assert caught.value.exit_code == 5
    assert len(spy.shapes) < 8


@pytest.mark.parametrize("tile", [-1, -5])
def test_negative_tiles_are_refused(tile: int) -> None:
    with pytest.raises(UsageError, match=f"tile {tile} must be at least 1, or 0 for the whole picture at once"):
        run(median(), noise((7, 9)), tile=tile)


def test_gives_up_when_there_is_no_memory_for_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(spill, "empty", full)
    for operation in (block_minimum(2), dataclasses.replace(block_minimum(2), mirrored=True)):
        with pytest.raises(OutOfMemoryError, match="memory ran out on a picture of 9x7"):
            run(operation, noise((7, 9)))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_sides_are_padded_to_multiples_by_repeating_the_edge(scale: int) -> None:
    for size in [(1, 1), (7, 9), (scale, scale + 1)]:
        pixels = noise(size)
        bottom, right = (-side % scale for side in size)
        padded = np.pad(pixels, ((0, bottom), (0, right), (0, 0)), mode="edge")
        result = run(block_minimum(scale), pixels)
        assert result.shape == (math.ceil(size[0] / scale), math.ceil(size[1] / scale), 3)
        np.testing.assert_array_equal(result, block_minimum(scale)(padded))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_pixels_keep_their_type_and_are_rounded_once(dtype: type) -> None:
    pixels = pattern(40, 30, dtype=dtype)
    identity = Operation(lambda planes: planes)
    np.testing.assert_array_equal(run(identity, pixels, tile=16), pixels)
    half = Operation(lambda planes: planes / 2)
    expected = np.floor(pixels / 2 + 0.5) if dtype != np.float32 else pixels / 2
    result = run(half, pixels, tile=16)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=0)


def test_result_is_clipped_and_may_have_another_type() -> None:
    result = run(Operation(lambda planes: planes * 3 - 1), pattern(20, 20), dtype=np.uint16)
    assert result.dtype == np.uint16
    assert result.min() == 0
    assert result.max() == 65535


def test_progress_counts_every_tile() -> None:
    calls: list[tuple[int, int]] = []
    run(median(), noise((50, 70)), tile=20, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(k + 1, 12) for k in range(12)]


def test_input_is_not_changed(tmp_path: Path) -> None:
    pixels = noise((33, 20))
    before = pixels.copy()
    run(Operation(lambda planes: planes * 0), pixels, tile=8)
    np.testing.assert_array_equal(pixels, before)


def needing(bytes_per_pixel: float, operation: Operation) -> Operation:
    return dataclasses.replace(operation, activation_bytes=bytes_per_pixel)


@pytest.mark.parametrize("size", [(70, 90), (64, 1000), (400, 300), (33, 2000)], ids=str)
@pytest.mark.parametrize("memory", [10_000, 50_000, 1_000_000])
def test_tiles_are_few_and_within_the_memory_budget(
    size: tuple[int, int], memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiling, "MEMORY", memory)
    spy = Spy(median())
    pixels = noise(size, channels=1)
    result = run(needing(4, spied(median(), spy)), pixels)
    np.testing.assert_array_equal(result, median()(pixels))
    (shape,) = set(spy.shapes)
    assert shape[0] * shape[1] * 4 <= memory
    work = len(spy.shapes) * shape[0] * shape[1]
    for rows, columns in itertools.product(range(1, 14), range(1, 64)):  # no other grid is less work
        tall, wide = (min(side, math.ceil(side / n) + 4) for side, n in zip(size, (rows, columns), strict=True))
        assert (
            tall * wide * 4 > memory
            or min(size[0] / rows, size[1] / columns) < 32
            or rows * columns * tall * wide >= work
        )


def test_a_picture_that_fits_is_one_tile() -> None:
    spy = Spy(median())
    run(needing(tiling.MEMORY / (60 * 40), spied(median(), spy)), noise((60, 40)))
    assert spy.shapes == [(60, 40, 3)]


def test_tiles_of_the_budget_are_halved_while_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise((300, 420))
    spy = Spy(median(), largest=110 * 110)
    np.testing.assert_array_equal(run(needing(1000, spied(median(), spy)), pixels), median()(pixels))
    assert spy.shapes[0] == (300, 420, 3)


def brightest() -> Operation:
    """Every pixel divided by the largest of the picture: its receptive field is the whole picture."""
    return Operation(lambda planes: planes / planes.max(), radius=math.inf, activation_bytes=1000)


@pytest.mark.parametrize("tile", [None, 0, 8, 32])
def test_operation_on_the_whole_picture_is_never_tiled(tile: int | None) -> None:
    pixels = noise((100, 70))
    np.testing.assert_array_equal(run(brightest(), pixels, tile=tile), pixels / pixels.max())
    enlarged = interpolated(brightest(), 2)
    assert math.isinf(enlarged.radius)
    assert enlarged.activation_bytes == 4000
    np.testing.assert_array_equal(run(enlarged, pixels, tile=tile), enlarged(pixels).clip(0, 1))
    for wrapped in (on_luminance(brightest()), with_alpha(brightest())):
        planes = noise((100, 70), 3)
        np.testing.assert_array_equal(run(wrapped, planes, tile=tile), wrapped(planes).clip(0, 1))


def test_mirrored_operation_on_the_whole_picture_sees_a_border_of_mirror_image() -> None:
    spy = Spy(brightest())
    pixels = noise((100, 70))
    mirrored = dataclasses.replace(brightest(), function=spy, mirrored=True)
    np.testing.assert_array_equal(run(mirrored, pixels), pixels / pixels.max())
    assert spy.shapes == [(164, 134, 3)]


def test_whole_picture_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "WHOLE_PICTURE_MEMORY", 6_000_000)
    with pytest.raises(OutOfMemoryError, match=r"70x100 takes about 0\.0 GiB, more than .*: use a smaller"):
        run(brightest(), noise((100, 70)))
    run(brightest(), noise((100, 60)))


def test_whole_picture_that_does_not_fit_is_not_tried_in_tiles() -> None:
    spy = Spy(brightest(), largest=0)
    with pytest.raises(OutOfMemoryError, match=r"70x100 takes about .* more than is free"):
        run(dataclasses.replace(brightest(), function=spy), noise((100, 70)))
    assert len(spy.shapes) == 1


def test_what_surrounds_the_network_overlaps_with_it() -> None:
    """A tile waits inside the operation until the next one is there too."""
    meeting = threading.Barrier(2, timeout=30)

    def function(planes: np.ndarray) -> np.ndarray:
        meeting.wait()
        return planes

    pixels = noise((64, 64))
    np.testing.assert_array_equal(run(Operation(function), pixels, tile=32), pixels)


def test_progress_is_told_in_the_thread_that_called() -> None:
    threads: list[threading.Thread] = []
    run(median(), noise((50, 70)), tile=20, progress=lambda done, total: threads.append(threading.current_thread()))
    assert threads == [threading.current_thread()] * 12


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_ends_the_work(error: type[BaseException]) -> None:
    spy = Spy(median())
    before = threading.active_count()

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise error

    with pytest.raises(error):
        run(spied(median(), spy), noise((320, 320)), tile=32, progress=stop)
    assert threading.active_count() == before
    assert len(spy.shapes) < 100

    def fail(planes: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Operation(fail), noise((320, 320)), tile=32)
    assert threading.active_count() == before
