"""What holds for all classical methods."""

import math

import numpy as np
import pytest

from twinscale.errors import UsageError
from twinscale.images.downscaling import KERNELS, METHODS, downscale
from twinscale.images.downscaling import methods as module
from twinscale.images.resize import imresize

SHAPES = [(1, 1), (1, 9), (17, 1, 3), (13, 22, 3), (16, 12, 1), (5, 5, 4)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_sizes_and_types(method: str, dtype: type) -> None:
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        values = rng.random(shape)
        image = (
            (values * np.iinfo(dtype).max).astype(dtype) if np.issubdtype(dtype, np.integer) else values.astype(dtype)
        )
        before = image.copy()
        for scale in (2, 3, 16):
            small = downscale(image, scale, method)
            assert small.dtype == dtype
            assert small.shape == (math.ceil(shape[0] / scale), math.ceil(shape[1] / scale), *shape[2:])
            assert np.isfinite(small).all()
        np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0, 1, 77, 255])
def test_flat_pictures_stay_flat(method: str, level: int) -> None:
    for scale in (2, 3, 7, 16):
        assert (downscale(np.full((37, 21, 3), level, np.uint8), scale, method) == level).all()


@pytest.mark.parametrize("method", METHODS)
def test_last_rows_and_columns_are_repeated(method: str) -> None:
    image = np.random.default_rng(1).integers(0, 256, (11, 13, 3), dtype=np.uint8)
    completed = image[np.minimum(np.arange(12), 10)][:, np.minimum(np.arange(16), 12)]
    np.testing.assert_array_equal(downscale(image, 4, method), downscale(completed, 4, method))


@pytest.mark.parametrize("method", ["dpid", "perceptual"])
@pytest.mark.parametrize("scale", [2, 5])
def test_bands_cannot_be_seen(method: str, scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(2).random((33 * scale - 1, 9 * scale, 3))
    whole = downscale(image, scale, method)
    monkeypatch.setattr(module, "_SAMPLES", 1)
    np.testing.assert_array_equal(downscale(image, scale, method), whole)


@pytest.mark.parametrize(("method", "kernel"), KERNELS.items())
def test_kernels_are_those_of_imresize(method: str, kernel: str) -> None:
    image = np.random.default_rng(3).integers(0, 256, (24, 36, 3), dtype=np.uint8)
    for scale in (2, 3, 4):
        np.testing.assert_array_equal(downscale(image, scale, method), imresize(image, 1 / scale, kernel=kernel))


@pytest.mark.parametrize("method", ["dpid", "perceptual"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_levels_are_rounded_from_the_exact_result(method: str, dtype: type) -> None:
    peak = np.iinfo(dtype).max
    image = np.random.default_rng(4).integers(0, peak, (30, 28, 3), dtype=dtype, endpoint=True)
    exact = np.clip(downscale(image / peak, 2, method) * peak, 0, peak)
    np.testing.assert_allclose(downscale(image, 2, method), exact, rtol=0, atol=0.6)


@pytest.mark.parametrize(
    ("image", "scale", "method", "message"),
    [
        (np.zeros((4, 4)), 2, "cubic", "unknown method 'cubic': use one of nearest, bilinear, area, bicubic, lanczos"),
        (np.zeros((4, 4)), 1, "dpid", "scale 1 of dpid must be a whole number from 2 to 16"),
        (np.zeros((4, 4)), 2.5, "area", "scale 2.5 of area must be a whole number from 2 to 16"),
        (np.zeros((4, 4)), 17, "l0", "scale 17 of l0 must be a whole number from 2 to 16"),
        (np.zeros((4, 0)), 2, "dpid", r"cannot reduce an array of shape \(4, 0\): give"),
        (np.zeros(4), 2, "l0", r"cannot reduce an array of shape \(4,\): give"),
        (np.zeros((4, 4), np.int32), 2, "perceptual", "cannot reduce int32 pixels: use uint8"),
    ],
)
def test_errors(image: np.ndarray, scale: int, method: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        downscale(image, scale, method)
    assert "\n" not in str(error.value)
