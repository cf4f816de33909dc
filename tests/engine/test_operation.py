"""How operations combine: alpha, luminance, grey, self-ensemble, and the enlargement in front of a network."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import scipy.ndimage

from tests.awkward import pattern
from twinscale.engine import run
from twinscale.engine.operation import (
    Operation,
    bicubic,
    clamped_to_neighbours,
    interpolated,
    on_grey,
    on_luminance,
    on_luminance_range,
    self_ensemble,
    told,
    with_alpha,
)
from twinscale.images.colour import rgb_to_ycbcr
from twinscale.images.resize import imresize


def repeat(scale: int) -> Operation:
    """Each pixel ``scale`` x ``scale`` times."""
    return Operation(lambda planes: planes.repeat(scale, axis=0).repeat(scale, axis=1), scale=Fraction(scale))


def box(radius: int) -> Operation:
    """The mean of a square, with the border repeated: it uses every pixel within its radius."""

    def function(planes: np.ndarray) -> np.ndarray:
        height, width, _ = planes.shape
        padded = np.pad(planes, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
        side = range(2 * radius + 1)
        return sum(padded[i : i + height, j : j + width] for i in side for j in side) / (2 * radius + 1) ** 2

    return Operation(function, radius=radius)


IDENTITY = Operation(lambda planes: planes)
OPERATIONS = {
    "identity": IDENTITY,
    "twice": bicubic(Fraction(2)),
    "half": bicubic(Fraction(1, 2)),
    "repeated": repeat(3),
}


def reach(operation: Operation) -> int:
    """Farthest input pixel that changes any output pixel, measured from the pixels that one covers."""
    side = 40 // operation.multiple_of * operation.multiple_of
    flat = np.full((side, side, 1), 0.5, np.float32)
    farthest = 0
    for position in range(side // 2, side // 2 + 4):
        changed = flat.copy()
        changed[position, side // 2] = 1
        rows = np.flatnonzero(np.abs(operation(changed) - operation(flat)).max(axis=(1, 2)) > 1e-7)
        first = np.floor(rows / float(operation.scale))
        last = np.ceil((rows + 1) / float(operation.scale)) - 1
        farthest = max(farthest, int((first - position).max()), int((position - last).max()))
    return farthest


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_is_imresize_and_declares_its_reach(factor: int) -> None:
    planes = pattern(24, 36, dtype=np.float32)
    np.testing.assert_array_equal(bicubic(Fraction(factor))(planes), imresize(planes, factor))
    np.testing.assert_array_equal(bicubic(Fraction(1, factor))(planes), imresize(planes, 1 / factor))
    assert bicubic(Fraction(1, factor)).multiple_of == factor
    assert 0 < reach(bicubic(Fraction(factor))) <= bicubic(Fraction(factor)).radius
    assert 0 < reach(bicubic(Fraction(1, factor))) <= bicubic(Fraction(1, factor)).radius


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("radius", [0, 1, 2, 5, 6, 8])
def test_interpolated(radius: int, scale: int) -> None:
    operation = interpolated(box(radius), scale)
    planes = pattern(12, 9, channels=1, dtype=np.float32)
    np.testing.assert_allclose(operation(planes), box(radius)(imresize(planes, scale)), rtol=0, atol=1e-6)
    assert operation.scale == scale
    assert reach(operation) <= operation.radius <= reach(operation) + 2  # enough, and not wasteful


@pytest.mark.parametrize("name", OPERATIONS)
def test_flat_grey_stays_flat_grey_through_luminance(name: str) -> None:
    grey = np.full((12, 18, 3), 0.37, np.float32)
    result = on_luminance(OPERATIONS[name])(grey)
    np.testing.assert_allclose(result, np.full_like(result, 0.37), rtol=0, atol=2e-6)


def test_luminance_goes_through_the_network_and_chrominance_beside_it() -> None:
    rgb = pattern(15, 21, dtype=np.float32)
    y, cb, cr = np.moveaxis(rgb_to_ycbcr(rgb.astype(np.float64)), 2, 0)
    result = rgb_to_ycbcr(on_luminance(repeat(3))(rgb).astype(np.float64))
    np.testing.assert_allclose(result[:, :, 0], y.repeat(3, axis=0).repeat(3, axis=1), rtol=0, atol=1e-5)
    np.testing.assert_allclose(result[:, :, 1], imresize(cb, 3), rtol=0, atol=1e-5)
    np.testing.assert_allclose(result[:, :, 2], imresize(cr, 3), rtol=0, atol=1e-5)
    assert on_luminance(repeat(3)).radius == bicubic(Fraction(3)).radius
    assert on_luminance(box(9)).radius == 9


def test_grey_through_luminance_is_what_becomes_of_the_same_grey_in_rgb() -> None:
    not_linear = Operation(lambda y: np.maximum(y, 0.1) ** 2)
    grey = pattern(15, 21, channels=1, dtype=np.float32)
    through_rgb = on_luminance(not_linear)(np.repeat(grey, 3, axis=2))
    np.testing.assert_allclose(on_luminance_range(not_linear)(grey), through_rgb[:, :, :1], rtol=0, atol=5e-6)


def test_grey_through_rgb() -> None:
    grey = pattern(9, 14, channels=1, dtype=np.float32)
    np.testing.assert_allclose(on_grey(IDENTITY)(grey), grey, rtol=0, atol=1e-6)
    only_green = Operation(lambda planes: planes * np.float32([0, 1, 0]))
    np.testing.assert_allclose(on_grey(only_green)(grey), 0.587 * grey, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", OPERATIONS)
def test_opaque_alpha_equals_no_alpha(name: str) -> None:
    colour = pattern(24, 18, dtype=np.float32)
    planes = np.concatenate((colour, np.ones((24, 18, 1), np.float32)), axis=2)
    result = with_alpha(OPERATIONS[name])(planes)
    np.testing.assert_allclose(result[:, :, :3], OPERATIONS[name](colour), rtol=0, atol=1e-6)
    np.testing.assert_allclose(result[:, :, 3], 1, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", OPERATIONS)
def test_transparent_red_does_not_bleed_into_opaque_green(name: str) -> None:
    planes = np.zeros((24, 36, 4), np.float32)
    planes[:, :18] = (1, 0, 0, 0)
    planes[:, 18:] = (0, 1, 0, 1)
    result = with_alpha(OPERATIONS[name])(planes)
    red, green, blue, alpha = np.moveaxis(result, 2, 0)
    assert np.abs(red).max() == 0
    assert np.abs(blue).max() == 0
    np.testing.assert_allclose(green[alpha > 0.01], 1, rtol=0, atol=1e-5)  # no rim, lighter or darker
    assert alpha.min() == 0
    assert alpha.max() == 1


def test_hidden_colour_is_continued_from_the_nearest_visible() -> None:
    planes = pattern(20, 30, channels=4, dtype=np.float32)
    planes[:, :12, 3] = 1
    planes[:, 12:] = (7, 7, 7, 0)
    seen: list[np.ndarray] = []
    with_alpha(Operation(lambda colour: seen.append(colour) or colour))(planes)
    np.testing.assert_array_equal(seen[0][:, :12], planes[:, :12, :3])
    last = np.pad(planes[:, 11, :3], ((1, 1), (0, 0)), mode="edge")
    np.testing.assert_allclose(seen[0][:, 12], (last[:-2] + last[1:-1] + last[2:]) / 3, rtol=0, atol=1e-6)
    np.testing.assert_allclose(seen[0][:, 12:16].mean(axis=1), planes[:, 11, :3], rtol=0, atol=0.05)
    assert seen[0].max() <= 1


def test_hidden_colour_is_continued_in_blocks() -> None:
    """A block with something visible takes its mean, mixed with that of its neighbours as far as it is hidden."""
    planes = np.zeros((20, 40, 4), np.float32)
    planes[:, :, :3] = 7
    planes[:, :10] = (0.2, 0.4, 0.6, 1)  # two blocks and a half
    planes[4:8, 4:8, 0] = 0.9
    seen: list[np.ndarray] = []
    made = with_alpha(Operation(lambda colour: seen.append(colour) or colour, multiple_of=4), block=4)
    made(planes)
    np.testing.assert_array_equal(seen[0][:, :10], planes[:, :10, :3])
    np.testing.assert_allclose(seen[0][:, 10:34, 1:], np.broadcast_to([0.4, 0.6], (20, 24, 2)), rtol=0, atol=1e-6)
    assert 0.2 < seen[0][5, 11, 0] < 0.3
    assert made.radius == 24


def test_clamped_to_neighbours_nothing_rings() -> None:
    planes = np.zeros((12, 15, 1), np.float32)
    planes[:, 7:] = 1
    ringing, result = bicubic(Fraction(3))(planes), clamped_to_neighbours(bicubic(Fraction(3)))(planes)
    assert ringing.min() < -0.03
    np.testing.assert_array_equal(result, np.clip(ringing, 0, 1))
    assert np.abs(result[:, :18]).max() == 0
    assert np.abs(result[:, 24:] - 1).max() == 0
    brighter = Operation(lambda planes: planes + 0.5)
    expected = scipy.ndimage.maximum_filter(planes, (3, 3, 1), mode="nearest")
    np.testing.assert_array_equal(clamped_to_neighbours(brighter)(planes), np.minimum(planes + 0.5, expected))
    assert clamped_to_neighbours(IDENTITY).radius == 1
    with_slack = clamped_to_neighbours(bicubic(Fraction(3)), slack=0.02)(planes)
    np.testing.assert_allclose(with_slack[:, 18:24], np.clip(ringing, -0.02, 1.02)[:, 18:24], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(with_slack[:, :18], result[:, :18])


def test_alpha_may_have_an_operation_of_its_own() -> None:
    planes = pattern(9, 7, channels=2, dtype=np.float32)
    result = with_alpha(bicubic(Fraction(3)), repeat(3))(planes)
    np.testing.assert_array_equal(result[:, :, 1:], repeat(3)(planes[:, :, 1:]))
    assert with_alpha(IDENTITY, box(30)).radius == 30
    assert with_alpha(box(30), IDENTITY).radius > 30


def test_colour_under_half_transparency_is_kept() -> None:
    planes = np.full((10, 10, 4), 0.25, np.float32)
    planes[:, :, 3] = 0.5
    np.testing.assert_allclose(with_alpha(repeat(2))(planes)[:, :, :3], 0.25, rtol=0, atol=1e-6)


def test_fully_transparent_picture() -> None:
    planes = np.full((10, 10, 4), 0.8, np.float32)
    planes[:, :, 3] = 0
    result = with_alpha(bicubic(Fraction(2)))(planes)
    assert np.isfinite(result).all()
    assert np.abs(result).max() == 0


def test_alpha_itself_is_resized_bicubically_and_clipped() -> None:
    planes = np.zeros((8, 8, 2), np.float32)
    planes[2:6, 2:6] = 1
    result = with_alpha(bicubic(Fraction(2)))(planes)
    np.testing.assert_array_equal(result[:, :, 1], np.clip(imresize(planes[:, :, 1], 2), 0, 1))


def lopsided() -> Operation:
    """Twice the size, different in every direction, not linear, and at its border as on the picture's mirror image."""

    def function(planes: np.ndarray) -> np.ndarray:
        padded = np.pad(planes, ((1, 1), (1, 1), (0, 0)), mode="symmetric")
        mixed = planes**2 + 0.3 * padded[1:-1, :-2] - 0.2 * padded[2:, 1:-1] * padded[:-2, 2:]
        gains = np.float32([[1, 0.5], [0.25, 0]])[None, :, None, :, None]
        height, width, channels = planes.shape
        return (mixed[:, None, :, None] * gains).reshape(2 * height, 2 * width, channels)

    return Operation(function, scale=Fraction(2), radius=1)


TURNS = [(quarters, mirrored) for quarters in range(4) for mirrored in (False, True)]


def turn(planes: np.ndarray, quarters: int, mirrored: bool) -> np.ndarray:
    """Mirror top to bottom, or not, then turn by quarters."""
    return np.rot90(planes[::-1] if mirrored else planes, quarters)


def turn_back(planes: np.ndarray, quarters: int, mirrored: bool) -> np.ndarray:
    """Undo :func:`turn`."""
    return np.rot90(planes, -quarters)[::-1] if mirrored else np.rot90(planes, -quarters)


TOLD = (0.25, 0.5)


def listening(operation: Operation, channels: int) -> Operation:
    """The same for one that insists on being told the same everywhere, and adds it to its result."""

    def function(planes: np.ndarray) -> np.ndarray:
        assert planes.dtype == np.float32
        assert planes.shape[2] == channels + len(TOLD)
        assert (planes[:, :, channels:] == np.float32(TOLD)).all()
        return operation(planes[:, :, :channels]) + planes[0, 0, channels:].sum()

    return replace(operation, function=function)


@pytest.mark.parametrize("channels", [1, 3])
def test_told_is_told_the_same_everywhere(channels: int) -> None:
    """Whatever is wrapped around it, in tiles, in the mirror image and in what is padded."""
    deaf = replace(lopsided(), multiple_of=2, mirrored=True)
    network = told(listening(deaf, channels), TOLD)
    pixels = pattern(13, 18, channels=channels + 1, dtype=np.float32)
    wrappers: list[Callable[[Operation], Operation]] = [lambda operation: operation, self_ensemble]
    for wrapper in wrappers:
        colour = pixels[:, :, :channels]
        for tile in (0, 4):
            expected = run(wrapper(deaf), colour / 4, dtype=np.float32, tile=tile) + np.float32(sum(TOLD))
            result = run(wrapper(network), colour / 4, dtype=np.float32, tile=tile)
            np.testing.assert_allclose(result, np.minimum(expected, 1), rtol=0, atol=1e-6)
        run(with_alpha(wrapper(network)), pixels, tile=4)
        if channels == 1:
            run(on_luminance_range(wrapper(network)), colour, tile=4)
            run(on_luminance(wrapper(network)), np.repeat(colour, 3, axis=2), tile=4)
        else:
            run(on_grey(wrapper(network)), colour[:, :, :1], tile=4)
    run(interpolated(told(listening(box(2), channels), TOLD), 3), pixels[:, :, :channels], tile=4)
    for declared in ("scale", "radius", "multiple_of", "mirrored"):
        assert getattr(network, declared) == getattr(deaf, declared)


def test_self_ensemble_is_the_mean_of_eight_runs() -> None:
    planes = pattern(9, 14, dtype=np.float32)
    runs = [turn_back(lopsided()(turn(planes, *how)), *how) for how in TURNS]
    result = self_ensemble(lopsided())(planes)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, np.mean(runs, axis=0, dtype=np.float64), rtol=0, atol=1e-6)
    assert np.abs(runs[0] - result).max() > 0.1
    for declared in ("scale", "radius", "multiple_of"):
        assert getattr(self_ensemble(bicubic(Fraction(1, 3))), declared) == getattr(bicubic(Fraction(1, 3)), declared)


@pytest.mark.parametrize("wrapper", [lambda operation: operation, on_luminance], ids=["itself", "on luminance"])
def test_self_ensemble_commutes_with_turning(wrapper: Callable[[Operation], Operation]) -> None:
    operation = wrapper(self_ensemble(lopsided()))
    planes = pattern(9, 14, dtype=np.float32)
    for how in TURNS:
        np.testing.assert_allclose(operation(turn(planes, *how)), turn(operation(planes), *how), rtol=0, atol=2e-6)


@pytest.mark.parametrize("operation", [*OPERATIONS.values(), box(2)], ids=[*OPERATIONS, "box"])
def test_self_ensemble_of_what_is_symmetric_changes_nothing(operation: Operation) -> None:
    planes = pattern(24, 18, dtype=np.float32)
    np.testing.assert_allclose(self_ensemble(operation)(planes), operation(planes), rtol=0, atol=2e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (23, 37)], ids=str)
def test_self_ensemble_is_seamless(size: tuple[int, int]) -> None:
    pixels = pattern(*size, channels=4, dtype=np.float32)
    ensemble = self_ensemble(lopsided())
    for operation, planes in [
        (ensemble, pixels),
        (with_alpha(on_luminance(ensemble)), pixels),
        (on_grey(ensemble), pixels[:, :, :1]),
    ]:
        whole = run(operation, planes, dtype=np.float32, tile=0)
        for tile in (3, 16):
            np.testing.assert_allclose(run(operation, planes, dtype=np.float32, tile=tile), whole, rtol=0, atol=2e-6)
