"""Resizing, against a plain transcription of MATLAB's documented algorithm."""

import math

import numpy as np
import pytest

from twinscale.errors import UsageError
from twinscale.images.resize import Kernel, contributions, imresize

KERNELS: tuple[Kernel, ...] = ("nearest", "box", "bilinear", "bicubic", "lanczos2", "lanczos3")
SHAPES = [(1, 1), (1, 7), (7, 1), (2, 3), (5, 4), (12, 17), (40, 33), (9, 1, 3), (2, 5, 3), (13, 10, 4)]
SCALES = [1 / 2, 1 / 3, 1 / 4, 2, 3, 4, 0.7, 1.3]


def kernel_value(kernel: str, x: float) -> float:
    """The kernels one number at a time, as their textbooks have them."""
    distance = abs(x)
    if kernel in ("nearest", "box"):
        return float(-0.5 <= x < 0.5)
    if kernel == "bilinear":
        return max(0.0, 1 - distance)
    if kernel == "bicubic":
        if distance <= 1:
            return 1.5 * distance**3 - 2.5 * distance**2 + 1
        return -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2 if distance <= 2 else 0.0
    lobes = int(kernel[-1])
    if x == 0:
        return 1.0
    if distance >= lobes:
        return 0.0
    return lobes * math.sin(math.pi * x) * math.sin(math.pi * x / lobes) / (math.pi * x) ** 2


WIDTHS = {"nearest": 1, "box": 1, "bilinear": 2, "bicubic": 4, "lanczos2": 4, "lanczos3": 6}


def matrix(length: int, out: int, scale: float, kernel: str, antialias: bool = True) -> np.ndarray:
    """The dense ``(out, length)`` matrix that resizes one dimension."""
    stretch = scale if scale < 1 and antialias and kernel != "nearest" else 1.0
    width = WIDTHS[kernel] / stretch
    dense = np.zeros((out, length))
    mirror = [*range(1, length + 1), *range(length, 0, -1)]
    for x in range(1, out + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - width / 2)
        taps = math.ceil(width) + 2
        values = [kernel_value(kernel, stretch * (u - (left + k))) for k in range(taps)]
        for k, value in enumerate(values):
            dense[x - 1, mirror[(left + k - 1) % (2 * length)] - 1] += value / sum(values)
    return dense


def reference(image: np.ndarray, *arguments: object, **options: object) -> np.ndarray:
    """Slow MATLAB ``imresize`` in float64."""
    return reference_and_ties(image, *arguments, **options)[0]


def reference_and_ties(
    image: np.ndarray,
    scale: float | None = None,
    *,
    size: tuple[int, int] | None = None,
    kernel: str = "bicubic",
    antialias: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """The result, and where it hangs on a sum within 1e-9 of a half, which may be rounded either way."""
    if size is None:
        assert scale is not None
        size = (math.ceil(scale * image.shape[0]), math.ceil(scale * image.shape[1]))
        scales = [scale, scale]
    else:
        scales = [size[0] / image.shape[0], size[1] / image.shape[1]]
    values = image.astype(np.float64)
    ties = np.zeros(image.shape)
    for axis in (0, 1) if scales[0] <= scales[1] else (1, 0):
        dense = matrix(image.shape[axis], size[axis], scales[axis], kernel, antialias)
        values = np.moveaxis(np.tensordot(dense, values, axes=(1, axis)), 0, axis)
        ties = np.moveaxis(np.tensordot(np.abs(dense), ties, axes=(1, axis)), 0, axis)
        if np.issubdtype(image.dtype, np.integer):
            ties[np.abs(values - np.floor(values) - 0.5) < 1e-9] = 1
            values = np.clip(np.floor(values + 0.5), 0, np.iinfo(image.dtype).max)
    return values, ties > 1e-12


def picture(shape: tuple[int, ...], dtype: type = np.float64, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).random(shape)
    if np.issubdtype(dtype, np.integer):
        return np.floor(values * (np.iinfo(dtype).max + 1.0)).astype(dtype)
    return values.astype(dtype)


def assert_integers_match(image: np.ndarray, *arguments: float, exact: bool = False, **options: object) -> None:
    """Equal to the reference; without exact weights, ties may be rounded either way."""
    result = imresize(image, *arguments, **options)
    expected, ties = reference_and_ties(image, *arguments, **options)
    assert result.dtype == image.dtype
    if exact:
        np.testing.assert_array_equal(result, expected)
    else:
        np.testing.assert_array_equal(result[~ties], expected[~ties])
        assert np.abs(result[ties] - expected[ties]).max(initial=0) <= 2
        assert ties.mean() < 0.5 or ties.size < 100


def has_exact_weights(kernel: str, scale: float) -> bool:
    """Whether every weight is a sum of powers of two, so that ties are ties in any order of summation."""
    return kernel == "nearest" or (not kernel.startswith("lanczos") and scale in (0.25, 0.5, 2, 4))


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: f"x{scale:.2f}")
@pytest.mark.parametrize("kernel", KERNELS)
def test_float64_matches_matlab(kernel: Kernel, scale: float) -> None:
    for shape in SHAPES:
        image = picture(shape)
        result = imresize(image, scale, kernel=kernel)
        assert result.dtype == np.float64
        np.testing.assert_allclose(result, reference(image, scale, kernel=kernel), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: f"x{scale:.2f}")
@pytest.mark.parametrize("kernel", KERNELS)
def test_integers_match_matlab(kernel: Kernel, scale: float, dtype: type) -> None:
    for shape in SHAPES:
        image = picture(shape, dtype)
        assert_integers_match(image, scale, kernel=kernel, exact=has_exact_weights(kernel, scale))


@pytest.mark.parametrize("kernel", KERNELS)
def test_float32_is_the_float64_result_rounded(kernel: Kernel) -> None:
    image = picture((14, 11, 3), np.float32)
    result = imresize(image, 1 / 3, kernel=kernel)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, reference(image, 1 / 3, kernel=kernel), rtol=0, atol=3e-7)


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (40, 5), (12, 9), (7, 17), (12, 17), (24, 17), (100, 3)])
@pytest.mark.parametrize("kernel", ["box", "bicubic", "lanczos3"])
def test_size_matches_matlab(kernel: Kernel, size: tuple[int, int]) -> None:
    image = picture((12, 17, 3))
    result = imresize(image, size=size, kernel=kernel)
    assert result.shape == (*size, 3)
    np.testing.assert_allclose(result, reference(image, size=size, kernel=kernel), rtol=0, atol=1e-12)
    levels = picture((12, 17), np.uint8)
    assert_integers_match(levels, size=size, kernel=kernel)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", [0.5, 1 / 3, 0.7])
def test_without_antialiasing(kernel: Kernel, scale: float) -> None:
    image = picture((19, 12))
    result = imresize(image, scale, kernel=kernel, antialias=False)
    expected = reference(image, scale, kernel=kernel, antialias=False)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 3), (3, 2)])
def test_window_that_wraps_more_than_once(shape: tuple[int, int]) -> None:
    # At 1/40 a bicubic window spans 160 pixels: the mirror repeats dozens of times.
    image = picture(shape)
    np.testing.assert_allclose(imresize(image, 1 / 40), reference(image, 1 / 40), rtol=0, atol=1e-12)


def test_long_pictures_cross_the_band_and_column_blocks() -> None:
    wide, tall = picture((3, 5000), np.uint8), picture((5000, 3), np.uint8)
    np.testing.assert_array_equal(imresize(wide, 0.5), reference(wide, 0.5))
    np.testing.assert_array_equal(imresize(tall, 0.5), reference(tall, 0.5))


def test_published_weights_of_matlab() -> None:
    # Halving: the widely quoted eight taps. Doubling: four taps, mirrored for every other pixel.
    impulse = np.zeros((1, 40))
    impulse[0, 20] = 1
    half = imresize(impulse, size=(1, 20))[0]
    taps = [
        -0.01171875,
        -0.03515625,
        0.11328125,
        0.43359375,
        0.43359375,
        0.11328125,
        -0.03515625,
        -0.01171875,
    ]
    np.testing.assert_array_equal(half[8:13], [taps[7], taps[5], taps[3], taps[1], 0])
    double = imresize(impulse, size=(1, 80))[0]
    taps = [-0.0234375, -0.0703125, 0.2265625, 0.8671875, 0.8671875, 0.2265625, -0.0703125, -0.0234375]
    np.testing.assert_array_equal(double[37:45], taps)


def test_known_small_results() -> None:
    ramp = np.array([[0, 100, 200]], dtype=np.uint8)
    np.testing.assert_array_equal(imresize(ramp, size=(1, 6), kernel="bilinear")[0], [0, 25, 75, 125, 175, 200])
    np.testing.assert_array_equal(imresize(ramp, size=(1, 6), kernel="nearest")[0], [0, 0, 100, 100, 200, 200])
    checks = np.array([[0, 255], [255, 0]], dtype=np.uint8)
    np.testing.assert_array_equal(imresize(checks, 0.5, kernel="box"), [[128]])  # 127.5 rounds up


def test_dimension_that_shrinks_more_is_first() -> None:
    # Rounding to integers in between tells the two orders apart.
    image = picture((30, 30), np.uint8)
    rows_first = imresize(imresize(image, size=(10, 30)), size=(10, 20))
    columns_first = imresize(imresize(image, size=(30, 20)), size=(10, 20))
    assert (rows_first != columns_first).any()
    np.testing.assert_array_equal(imresize(image, size=(10, 20)), rows_first)
    np.testing.assert_array_equal(imresize(image.T, size=(20, 10)), rows_first.T)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("kernel", KERNELS)
def test_constant_stays_constant(kernel: Kernel, dtype: type) -> None:
    image = np.full((11, 6, 3), 201, dtype)
    for scale in SCALES:
        result = imresize(image, scale, kernel=kernel)
        np.testing.assert_allclose(result, np.full_like(result, 201), rtol=1e-6 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("kernel", KERNELS)
def test_scale_one_changes_nothing(kernel: Kernel, dtype: type) -> None:
    image = picture((7, 9, 3), dtype)
    np.testing.assert_array_equal(imresize(image, 1, kernel=kernel), image)
    np.testing.assert_array_equal(imresize(image, size=(7, 9), kernel=kernel), image)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_box_reduction_is_the_block_mean(scale: int) -> None:
    image = picture((6 * scale, 5 * scale, 3))
    blocks = image.reshape(6, scale, 5, scale, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(imresize(image, 1 / scale, kernel="box"), blocks, rtol=0, atol=1e-14)


def test_nearest_picks_pixels() -> None:
    image = picture((8, 12, 3))
    np.testing.assert_array_equal(imresize(image, 1 / 2, kernel="nearest"), image[1::2, 1::2])
    np.testing.assert_array_equal(imresize(image, 1 / 3, kernel="nearest")[:2], image[1:6:3, 1::3])
    enlarged = np.repeat(np.repeat(image, 3, axis=0), 3, axis=1)
    np.testing.assert_array_equal(imresize(image, 3, kernel="nearest"), enlarged)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: f"x{scale:.2f}")
def test_transposing_commutes(kernel: Kernel, scale: float) -> None:
    image = picture((15, 9))
    transposed = imresize(np.ascontiguousarray(image.T), scale, kernel=kernel)
    np.testing.assert_allclose(transposed.T, imresize(image, scale, kernel=kernel), rtol=0, atol=1e-13)


def test_input_may_be_any_view_and_is_not_changed() -> None:
    image = picture((20, 30, 3), np.uint8)
    before = image.copy()
    view = image[::-2, 1::3, ::-1]
    np.testing.assert_array_equal(imresize(view, 0.5), imresize(np.ascontiguousarray(view), 0.5))
    result = imresize(image, 1)
    np.testing.assert_array_equal(image, before)
    assert imresize(view, 2).flags.c_contiguous
    assert result.flags.c_contiguous


def test_overshoot_is_clipped_for_integers_and_kept_for_floats() -> None:
    edge = np.repeat(np.array([0.0, 1.0]), 8)[None].repeat(4, axis=0)
    assert imresize(edge, 2).min() < 0
    assert imresize(edge, 2).max() > 1
    levels = imresize((edge * 255).astype(np.uint8), 2)
    assert levels.min() == 0
    assert levels.max() == 255


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: f"x{scale:.2f}")
def test_contributions_sum_to_one(scale: float) -> None:
    for kernel in KERNELS:
        first, weights = contributions(10, math.ceil(10 * scale), scale, kernel, True)
        assert len(first) == len(weights) == math.ceil(10 * scale)
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("image", "arguments", "message"),
    [
        (np.zeros(4), {"scale": 2}, r"shape \(4,\).*give \(H, W\)"),
        (np.zeros((2, 2, 2, 2)), {"scale": 2}, r"shape \(2, 2, 2, 2\)"),
        (np.zeros((0, 3)), {"scale": 2}, "not empty"),
        (np.zeros((3, 3), np.int32), {"scale": 2}, "cannot resize int32 pixels: use uint8"),
        (np.zeros((3, 3), bool), {"scale": 2}, "cannot resize bool"),
        (np.zeros((3, 3)), {}, "either scale or size"),
        (np.zeros((3, 3)), {"scale": 2, "size": (6, 6)}, "either scale or size"),
        (np.zeros((3, 3)), {"scale": 0}, "scale 0 must be a positive number"),
        (np.zeros((3, 3)), {"scale": -1.5}, "scale -1.5 must be"),
        (np.zeros((3, 3)), {"scale": math.nan}, "scale nan must be"),
        (np.zeros((3, 3)), {"scale": math.inf}, "scale inf must be"),
        (np.zeros((3, 3)), {"size": (0, 3)}, r"size \(0, 3\) must be at least 1x1"),
        (np.zeros((3, 3)), {"size": (3, -1)}, "at least 1x1"),
        (np.zeros((3, 3)), {"scale": 2, "kernel": "sinc"}, "unknown kernel 'sinc': use one of nearest, box"),
    ],
)
def test_refuses(image: np.ndarray, arguments: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        imresize(image, **arguments)
