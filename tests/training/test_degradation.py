from pathlib import Path

import numpy as np
import pytest
import torch

from tests.models import make_pair, make_upscaler, network
from twinscale.engine import Runtime
from twinscale.errors import ModelError, UsageError
from twinscale.images.downscaling import downscale
from twinscale.images.levels import to_levels, to_planes
from twinscale.images.picture import Picture
from twinscale.images.resize import imresize
from twinscale.rescale import load, shrink
from twinscale.training.degradation import Degradation
from twinscale.training.recipe import DataSpec

pytest.importorskip("onnxscript")

KERNELS = {
    "bilinear": lambda x: np.maximum(1 - np.abs(x), 0),
    "bicubic": lambda x: np.select(
        [np.abs(x) <= 1, np.abs(x) < 2],
        [1.5 * np.abs(x) ** 3 - 2.5 * x**2 + 1, -0.5 * np.abs(x) ** 3 + 2.5 * x**2 - 4 * np.abs(x) + 2],
    ),
}


def degradation(scale, colour="y", **data):
    return Degradation(scale, colour, DataSpec(train=[], crop=8, batch=1, **data))


def noise(height, width, channels):
    """8-bit levels as planes in [0, 1]."""
    levels = np.random.default_rng(height).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return to_planes(levels)


def halfway_up(image, scale):
    """Enlarge rows by straight lines between pixel centres; beyond the last centre nothing changes."""
    rows = (np.arange(len(image) * scale) + 0.5) / scale - 0.5
    columns = image.reshape(len(image), -1).T
    stretched = [np.interp(rows, np.arange(len(image)), column) for column in columns]
    return np.stack(stretched, axis=1).reshape(-1, *image.shape[1:])


# Kernels


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_kernels_are_widened_by_the_scale(kernel, scale):
    image = noise(6 * scale, 5 * scale, 1)
    expected = image.astype(np.float64)
    for _ in range(2):
        reach = 2 * scale  # the border is mirrored, the border pixel repeated
        padded = np.pad(expected, ((reach, reach), (0, 0), (0, 0)), mode="symmetric")
        rows = []
        for centre in (np.arange(len(expected) // scale) + 0.5) * scale - 0.5 + reach:
            weights = KERNELS[kernel]((np.arange(len(padded)) - centre) / scale)
            rows.append(np.tensordot(weights / weights.sum(), padded, 1))
        expected = np.stack(rows).swapaxes(0, 1)
    result = degradation(scale, reduced_by=kernel).reduce(image)
    assert result.shape == (6, 5, 1)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)


def test_nearest_takes_one_pixel_of_each_block():
    image = noise(12, 18, 1)
    np.testing.assert_array_equal(degradation(3, reduced_by="nearest").reduce(image), image[1::3, 1::3])


@pytest.mark.parametrize("kernel", ["nearest", "bilinear", "bicubic"])
def test_rgb_is_rounded_to_8_bits(kernel):
    image = noise(12, 18, 3)
    levels = np.round(image * 255).astype(np.uint8)
    made = degradation(3, "rgb", reduced_by=kernel, enlarged_by=kernel)
    small = imresize(levels, 1 / 3, kernel=kernel)
    np.testing.assert_allclose(made.reduce(image) * 255, small, rtol=0, atol=1e-4)
    enlarged = imresize(small, 3, kernel=kernel)
    np.testing.assert_allclose(made.enlarge(to_planes(small)) * 255, enlarged, rtol=0, atol=1e-4)


@pytest.mark.parametrize("scale", [2, 3])
def test_enlarged_by(scale):
    low = noise(5, 7, 1)
    nearest = degradation(scale, enlarged_by="nearest").enlarge(low)
    np.testing.assert_array_equal(nearest, low.repeat(scale, axis=0).repeat(scale, axis=1))
    expected = halfway_up(halfway_up(low.astype(np.float64), scale).swapaxes(0, 1), scale).swapaxes(0, 1)
    bilinear = degradation(scale, enlarged_by="bilinear").enlarge(low)
    np.testing.assert_allclose(bilinear, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(degradation(scale).enlarge(low), imresize(low, scale))


def test_bicubic_both_ways_by_default():
    image = noise(12, 18, 1)
    made = degradation(3)
    np.testing.assert_array_equal(made.reduce(image), imresize(image, 1 / 3))
    np.testing.assert_array_equal(made.enlarge(image), imresize(image, 3))
    # One is chosen without the other.
    np.testing.assert_array_equal(degradation(3, reduced_by="nearest").enlarge(image), imresize(image, 3))
    np.testing.assert_array_equal(degradation(3, enlarged_by="nearest").reduce(image), imresize(image, 1 / 3))


@pytest.mark.parametrize("method", ["area", "lanczos", "dpid", "perceptual", "l0"])
def test_other_classical_methods(method):
    image = noise(12, 18, 3)
    levels = np.round(image * 255).astype(np.uint8)
    small = degradation(3, "rgb", reduced_by=method).reduce(image)
    np.testing.assert_allclose(small * 255, downscale(levels, 3, method), rtol=0, atol=1e-4)
    luminance = image[:, :, :1].astype(np.float64)
    np.testing.assert_array_equal(degradation(3, reduced_by=method).reduce(luminance), downscale(luminance, 3, method))


def test_blur_takes_the_place_of_a_kernel():
    image = noise(12, 18, 1)
    blurred = degradation(3, blur=1.5).reduce(image)
    np.testing.assert_array_equal(degradation(3, blur=1.5, reduced_by="no such pair").reduce(image), blurred)
    assert not np.allclose(blurred, degradation(3).reduce(image), atol=0.01)


# A pair


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A pair of either colour, and a network that only enlarges."""
    folder = tmp_path_factory.mktemp("models")
    made = [make_pair(folder, 3, "y"), make_pair(folder, 2, "rgb"), make_upscaler(folder, 2, "y")]
    return {path.name: str(path) for path in made}


@pytest.mark.parametrize(("colour", "channels", "scale"), [("y", 1, 3), ("rgb", 3, 2)])
def test_a_pair_makes_the_small_picture(models, colour, channels, scale):
    image = noise(8 * scale, 12 * scale, channels)
    pair = models[f"pair-{colour}-x{scale}"]
    result = degradation(scale, colour, reduced_by=pair).reduce(image)
    assert result.dtype == np.float32
    assert result.shape == (8, 12, channels)
    levels = result.astype(np.float64) * 255
    np.testing.assert_allclose(levels, to_levels(result), rtol=0, atol=1e-4)
    if colour == "rgb":  # a grey picture is not yet Y
        small = shrink(Picture(np.round(image * 255).astype(np.uint8)), model=pair, runtime=Runtime(1))
        np.testing.assert_array_equal(to_levels(result), small.pixels)

    made = network("down", scale, channels)
    with torch.no_grad():
        unrounded = made(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    # Files hold the weights as halves, so the network's own output may lie a little further than half a level.
    np.testing.assert_allclose(levels, unrounded.clip(0, 1) * 255, rtol=0, atol=0.6)


def test_a_luminance_pair_sees_luminance_between_the_levels(models):
    """Y of an RGB picture is no whole level, and the pair meets it as it is."""
    image = np.random.default_rng(0).random((48, 48, 1))
    result = degradation(3, reduced_by=models["pair-y-x3"]).reduce(image)
    shrinking = load(models["pair-y-x3"], Runtime(1)).reduction
    np.testing.assert_array_equal(to_levels(result), to_levels(shrinking(image.astype(np.float32))))
    rounded = shrinking((to_levels(image) / 255).astype(np.float32))
    assert (to_levels(result) != to_levels(rounded)).any()


def test_a_shipped_pair_by_its_name():
    image = noise(12, 18, 1)
    result = degradation(2, reduced_by="dsn-y-x2").reduce(image)
    np.testing.assert_array_equal(to_levels(result), to_levels(load("dsn-y-x2", Runtime(1)).reduction(image)))


@pytest.mark.parametrize(
    ("name", "scale", "colour"),
    [("pair-y-x3", 2, "y"), ("pair-y-x3", 3, "rgb"), ("pair-rgb-x2", 2, "y"), ("srcnn-y-x2", 2, "y")],
)
def test_models_that_do_not_fit(models, name, scale, colour):
    message = rf"reduced_by = '.*{name}' must be a classical .*bicubic.* or a pair of scale {scale} and .* '{colour}'"
    with pytest.raises(UsageError, match=message) as error:
        degradation(scale, colour, reduced_by=models[name]).reduce(noise(12, 12, 1 if colour == "y" else 3))
    assert "\n" not in str(error.value)


def test_models_that_are_missing_or_damaged(tmp_path):
    with pytest.raises(
        ModelError, match=r"'bicubci' is neither a classical method \(nearest, .*\) nor a pair: no model 'bicubci'"
    ):
        degradation(3, reduced_by="bicubci").reduce(noise(12, 12, 1))
    pair = make_pair(tmp_path, 3, "y")
    down = Path(pair) / "down.onnx"
    down.write_bytes(down.read_bytes()[:-1])
    with pytest.raises(ModelError, match="does not match the SHA-256 of its card"):
        degradation(3, reduced_by=str(pair)).reduce(noise(12, 12, 1))


def test_grey_pictures_through_an_rgb_pair(models):
    """As a grey validation picture of an RGB network is."""
    grey = noise(12, 18, 1)
    made = degradation(2, "rgb", reduced_by=models["pair-rgb-x2"])
    low = made.reduce(grey)
    assert low.shape == (6, 9, 1)
    luma = made.reduce(np.repeat(grey, 3, axis=2)) @ np.array([[0.299], [0.587], [0.114]])
    np.testing.assert_allclose(low, luma, rtol=0, atol=1 / 255)  # both are rounded to 8 bits, one before the sum


def test_blurred_rgb_is_rounded_to_8_bits():
    image = noise(12, 18, 3)
    rounded, exact = (degradation(3, colour, blur=1.5).reduce(image) * 255 for colour in ("rgb", "y"))
    np.testing.assert_allclose(rounded, np.floor(exact + 0.5), rtol=0, atol=1e-4)
