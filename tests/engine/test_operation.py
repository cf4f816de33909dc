"""How operations combine: alpha, luminance, grey, and the enlargement in front of a network."""

import numpy as np
import pytest

from tests.awkward import pattern
from twinscale.engine.operation import Operation, bicubic, interpolated, on_grey, on_luminance, with_alpha
from twinscale.images.colour import rgb_to_ycbcr
from twinscale.images.resize import imresize


def repeat(scale: int) -> Operation:
    """Each pixel ``scale`` x ``scale`` times."""
    return Operation(lambda planes: planes.repeat(scale, axis=0).repeat(scale, axis=1), up=scale)


def box(radius: int) -> Operation:
    """The mean of a square, with the border repeated: it uses every pixel within its radius."""

    def function(planes: np.ndarray) -> np.ndarray:
        height, width, _ = planes.shape
        padded = np.pad(planes, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
        side = range(2 * radius + 1)
        return sum(padded[i : i + height, j : j + width] for i in side for j in side) / (2 * radius + 1) ** 2

    return Operation(function, radius=radius)


IDENTITY = Operation(lambda planes: planes)
OPERATIONS = {"identity": IDENTITY, "twice": bicubic(up=2), "half": bicubic(down=2), "repeated": repeat(3)}


def reach(operation: Operation) -> int:
    """Farthest input pixel that changes any output pixel, measured from the pixels that one covers."""
    side = 40 // operation.multiple_of * operation.multiple_of
    flat = np.full((side, side, 1), 0.5, np.float32)
    farthest = 0
    for position in range(side // 2, side // 2 + 4):
        changed = flat.copy()
        changed[position, side // 2] = 1
        rows = np.flatnonzero(np.abs(operation(changed) - operation(flat)).max(axis=(1, 2)) > 1e-7)
        first = np.floor(rows * operation.down / operation.up)
        last = np.ceil((rows + 1) * operation.down / operation.up) - 1
        farthest = max(farthest, int((first - position).max()), int((position - last).max()))
    return farthest


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_is_imresize_and_declares_its_reach(factor: int) -> None:
    planes = pattern(24, 36, dtype=np.float32)
    np.testing.assert_array_equal(bicubic(up=factor)(planes), imresize(planes, factor))
    np.testing.assert_array_equal(bicubic(down=factor)(planes), imresize(planes, 1 / factor))
    assert bicubic(down=factor).multiple_of == factor
    assert 0 < reach(bicubic(up=factor)) <= bicubic(up=factor).radius
    assert 0 < reach(bicubic(down=factor)) <= bicubic(down=factor).radius


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("radius", [0, 1, 2, 5, 6, 8])
def test_interpolated(radius: int, scale: int) -> None:
    operation = interpolated(box(radius), scale)
    planes = pattern(12, 9, channels=1, dtype=np.float32)
    np.testing.assert_allclose(operation(planes), box(radius)(imresize(planes, scale)), rtol=0, atol=1e-6)
    assert (operation.up, operation.down) == (scale, 1)
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
    assert on_luminance(repeat(3)).radius == bicubic(up=3).radius
    assert on_luminance(box(9)).radius == 9


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
    np.testing.assert_allclose(result[:, :, :3], OPERATIONS[name](colour), rtol=0, atol=2e-6)
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
    np.testing.assert_allclose(green[alpha == 1], 1, rtol=0, atol=0.13)  # bicubic overshoot, no more
    assert alpha.min() == 0
    assert alpha.max() == 1
    flat = green[:, alpha.shape[1] * 3 // 4 :]
    np.testing.assert_allclose(flat, 1, rtol=0, atol=1e-5)


def test_colour_under_half_transparency_is_kept() -> None:
    planes = np.full((10, 10, 4), 0.25, np.float32)
    planes[:, :, 3] = 0.5
    np.testing.assert_allclose(with_alpha(repeat(2))(planes)[:, :, :3], 0.25, rtol=0, atol=1e-6)


def test_fully_transparent_picture() -> None:
    planes = np.full((10, 10, 4), 0.8, np.float32)
    planes[:, :, 3] = 0
    result = with_alpha(bicubic(up=2))(planes)
    assert np.isfinite(result).all()
    assert np.abs(result).max() == 0


def test_alpha_itself_is_resized_bicubically_and_clipped() -> None:
    planes = np.zeros((8, 8, 2), np.float32)
    planes[2:6, 2:6] = 1
    result = with_alpha(bicubic(up=2))(planes)
    np.testing.assert_array_equal(result[:, :, 1], np.clip(imresize(planes[:, :, 1], 2), 0, 1))
