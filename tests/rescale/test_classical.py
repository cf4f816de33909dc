"""``shrink`` by classical methods, on every kind of picture."""

import math

import numpy as np
import pytest

from tests.awkward import exif_block, icc_profile, pattern
from twinscale import Picture, restore, shrink
from twinscale.engine import tiling
from twinscale.errors import OutOfMemoryError, UsageError
from twinscale.images.downscaling import METHODS, downscale
from twinscale.rescale import classical
from twinscale.rescale.tag import Tag
from twinscale.rescale.xmp import add_tag, read_tag


def picture(height: int, width: int, channels: int = 3, dtype: type = np.uint8, *, alpha: bool = False) -> Picture:
    opacity = np.ascontiguousarray(pattern(height, width, 4, dtype)[:, :, 3]) if alpha else None
    profile = icc_profile(b"GRAY" if channels == 1 else b"RGB ")
    return Picture(pattern(height, width, channels, dtype), opacity, profile, exif_block(), format="JPEG")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_picture(method: str, channels: int, dtype: type, alpha: bool) -> None:
    for height, width, scale in ((17, 26, 2), (1, 1, 3), (1, 40, 16), (35, 18, 5)):
        original = picture(height, width, channels, dtype, alpha=alpha)
        small = shrink(original, scale, method=method)
        assert small.pixels.shape == (math.ceil(height / scale), math.ceil(width / scale), channels)
        assert small.pixels.dtype == dtype
        assert (small.alpha is not None) == alpha
        assert (small.icc, small.exif, small.format) == (original.icc, original.exif, original.format)


@pytest.mark.parametrize("method", METHODS)
def test_opaque_pictures_are_what_the_method_makes(method: str) -> None:
    original = picture(21, 34)
    expected = downscale(original.pixels, 2, method)
    np.testing.assert_array_equal(shrink(original, method=method).pixels, expected)
    opaque = Picture(original.pixels, np.full((21, 34), 255, np.uint8))
    small = shrink(opaque, method=method)
    np.testing.assert_array_equal(small.pixels, expected)
    assert (small.alpha == 255).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [2, 4, 7, 16])
def test_hidden_colour_does_not_bleed(method: str, scale: int) -> None:
    """Whatever is hidden, what is visible stays the same, and of one colour if it was."""
    size = 6 * scale + 1
    alpha = np.zeros((size, size), np.uint8)
    alpha[2 * scale + 1 : 4 * scale + 1, scale // 2 :] = 255
    alpha[1, 1] = 128
    hidden = np.random.default_rng(scale).integers(0, 256, (size, size, 3), dtype=np.uint8)
    visible = alpha[:, :, None] > 0
    first, second = (
        shrink(Picture(np.where(visible, np.uint8([200, 30, 90]), other), alpha), scale, method=method)
        for other in (hidden, np.uint8([0, 255, 0]))
    )
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.alpha, second.alpha)
    assert first.alpha.max() > 200
    assert np.abs(first.pixels[first.alpha > 2] - np.int16([200, 30, 90])).max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_alpha_goes_the_way_of_the_colour_by_kernels_and_is_smooth_otherwise(method: str) -> None:
    original = picture(24, 30, alpha=True)
    small = shrink(original, 3, method=method)
    beside = "bicubic" if method in ("dpid", "perceptual", "l0") else method
    expected = np.clip(downscale(original.alpha / 255, 3, beside), 0, 1) * 255
    np.testing.assert_allclose(small.alpha, expected, rtol=0, atol=0.51)


@pytest.mark.parametrize("method", ["nearest", "lanczos", "dpid", "perceptual"])
def test_tiles_cannot_be_seen(method: str) -> None:
    original = picture(150, 130, alpha=True)
    whole = shrink(original, 4, method=method, tile=0)
    tiled = shrink(original, 4, method=method, tile=11)
    np.testing.assert_array_equal(tiled.pixels, whole.pixels)
    np.testing.assert_array_equal(tiled.alpha, whole.alpha)


def test_floats_stay_in_their_range() -> None:
    steps = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((5, 5)))[:, :, None].astype(np.float32)
    for method in METHODS:
        pixels = shrink(Picture(steps), 2, method=method).pixels
        assert 0 <= pixels.min() <= pixels.max() <= 1


def test_no_tag_so_restore_says_what_to_do() -> None:
    tagged = Picture(pattern(20, 30), xmp=add_tag(None, Tag("twin-x2", "0" * 64, 2, 60, 40)))
    small = shrink(tagged, method="dpid")
    assert read_tag(small.xmp) is None
    with pytest.raises(UsageError, match=r"carries no tag .*\(no pair shrank it"):
        restore(small)
    assert restore(small, fallback="bicubic").pixels.shape == (20, 30, 3)


def test_scales_of_any_type_of_number() -> None:
    for original in (picture(20, 30), picture(20, 30, alpha=True)):
        expected = shrink(original, 3, method="dpid")
        for scale in (3.0, np.int64(3), np.uint8(3)):
            np.testing.assert_array_equal(shrink(original, scale, method="dpid").pixels, expected.pixels)


def test_progress_ends() -> None:
    calls: list[tuple[int, int]] = []
    for alpha in (False, True):
        shrink(picture(20, 30, alpha=alpha), method="area", progress=lambda done, of: calls.append((done, of)))
    assert calls == [(1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "dpdi"}, "unknown method 'dpdi': use one of nearest, .*dpid"),
        ({"method": "dpid", "scale": 0}, "scale 0 of dpid must be a whole number from 2 to 16"),
        ({"method": "dpid", "model": "twin"}, "the method 'dpid' needs no model: give one of them"),
    ],
)
def test_errors(options: dict, message: str) -> None:
    for alpha in (False, True):
        with pytest.raises(UsageError, match=message):
            shrink(picture(20, 30, alpha=alpha), **options)


def test_too_little_memory_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(classical, "downscale", exhausted)
    monkeypatch.setattr(tiling, "_SMALLEST_TILE", 1000)
    for alpha in (False, True):
        with pytest.raises(OutOfMemoryError, match="memory ran out on a picture of 30x20"):
            shrink(picture(20, 30, alpha=alpha), method="area")
