"""JPEGs made on the fly, against whole files by Pillow."""

import io
import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from twinscale.codecs.quantisation import Quantisation
from twinscale.training.compression import GRID, Compression
from twinscale.training.recipe import DataSpec

SAMPLINGS = {"4:2:0": (2, 2), "4:2:2": (1, 2), "4:4:4": (1, 1)}


def spec(qualities, subsampling="4:2:0"):
    return DataSpec(train=[], crop=16, batch=4, qualities=qualities, subsampling=subsampling)


def batch(count, channels, scale, side=16):
    """Smooth shapes with some noise, and full-size pictures whose pixels know where they are."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.random((count, channels, 5, 5), dtype=np.float32))
    side += GRID
    low = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    low = (low + torch.from_numpy(rng.normal(0, 0.03, low.shape)).float()).clamp(0, 1)
    places = torch.arange((side * scale) ** 2).reshape(1, 1, side * scale, side * scale).float()
    return low, places.expand(count, channels, -1, -1)


def as_file(crop, quality, subsampling):
    """What Pillow reads again of the file that it writes of a crop, ``(C, h, w)`` in [0, 1]."""
    levels = np.floor(crop.permute(1, 2, 0).double().numpy() * 255 + 0.5).astype(np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(levels if levels.shape[2] == 3 else levels[:, :, 0])
    image.save(file, "JPEG", quality=quality, **({"subsampling": subsampling} if levels.shape[2] == 3 else {}))
    pixels = np.asarray(Image.open(file), np.float32) / 255
    return torch.from_numpy(pixels.reshape(levels.shape)).permute(2, 0, 1)


def corner_of(truth, scale):
    """Where a crop was cut out, in small pixels."""
    y, x = divmod(int(truth[0, 0, 0]), (16 + GRID) * scale)
    assert y % scale == x % scale == 0
    return y // scale, x // scale


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize(
    ("channels", "quality", "subsampling"),
    [(3, 10, "4:2:0"), (3, 75, "4:2:2"), (3, 95, "4:4:4"), (3, 100, "4:2:0"), (1, 30, "4:2:0")],
)
def test_crops_are_cut_out_of_real_files(channels, quality, subsampling, scale):
    low, truth = batch(5, channels, scale)
    data = spec([quality, quality], subsampling)
    inputs, cut = Compression(data, is_told=True)(low, truth, np.random.default_rng(0))
    assert inputs.shape == (5, channels + 3, 16, 16)
    assert cut.shape == (5, channels, 16 * scale, 16 * scale)
    told = Quantisation.standard(quality, SAMPLINGS[subsampling], grey=channels == 1).conditions()
    for crop, given, part in zip(low, inputs, cut, strict=True):
        y, x = corner_of(part, scale)
        expected = as_file(crop, quality, subsampling)[:, y : y + 16, x : x + 16]
        torch.testing.assert_close(given[:channels], expected, rtol=0, atol=1e-6)
        for plane, condition in zip(given[channels:], told, strict=True):
            torch.testing.assert_close(plane, torch.full((16, 16), condition), rtol=0, atol=1e-6)
        step = (np.arange(16 * scale)[:, None] * (16 + GRID) + np.arange(16)[None]) if scale == 1 else None
        if step is not None:
            np.testing.assert_array_equal(part[0].numpy() - float(part[0, 0, 0]), step)


def test_a_network_that_is_not_told_sees_the_same_pictures():
    low, truth = batch(4, 3, 2)
    told, untold = (
        Compression(spec([10, 95], "any"), is_told=is_told)(low, truth, np.random.default_rng(3))[0]
        for is_told in (True, False)
    )
    assert untold.shape[1] == 3
    assert torch.equal(told[:, :3], untold)


def test_every_quality_subsampling_and_place_is_drawn():
    low, _ = batch(1, 3, 1)
    _, places = batch(1, 3, 1)
    compress = Compression(spec([40, 43], "any"), is_told=True)
    seen: dict[tuple, int] = {}
    corners = set()
    for step in range(40):
        inputs, cut = compress(low.expand(60, -1, -1, -1), places.expand(60, -1, -1, -1), np.random.default_rng(step))
        for given, part in zip(inputs, cut, strict=True):
            conditions = tuple(given[3:, 0, 0].tolist())
            seen[conditions] = seen.get(conditions, 0) + 1
            corners.add(corner_of(part, 1))
    assert corners == set(itertools.product(range(GRID + 1), repeat=2))
    expected = {
        (quality, subsampling): Quantisation.standard(quality, sampling).conditions()
        for quality in range(40, 44)
        for subsampling, sampling in SAMPLINGS.items()
    } | {(quality, "grey"): Quantisation.standard(quality, grey=True).conditions() for quality in range(40, 44)}
    shares = {}
    for (quality, subsampling), conditions in expected.items():
        (count,) = [n for found, n in seen.items() if np.allclose(found, conditions, atol=1e-6)]
        assert count > 0, quality
        shares[subsampling] = shares.get(subsampling, 0) + count / 2400
    assert sum(seen.values()) == pytest.approx(2400 * sum(shares.values()))
    assert shares == pytest.approx({"4:2:0": 0.6, "4:4:4": 0.25, "4:2:2": 0.1, "grey": 0.05}, abs=0.03)


def test_qualities_are_even_in_the_logarithm_of_the_steps():
    low, truth = batch(1, 1, 1)
    compress = Compression(spec([10, 100]), is_told=True)
    told = [
        compress(low.expand(100, -1, -1, -1), truth.expand(100, -1, -1, -1), np.random.default_rng(step))[0][:, 1, 0, 0]
        for step in range(20)
    ]
    highest = Quantisation.standard(10).conditions()[0]
    counts, _ = np.histogram(torch.cat(told).numpy() / highest, bins=5, range=(0, 1))
    np.testing.assert_allclose(counts / 2000, 0.2, atol=0.06)  # few qualities are at the end of small steps


def test_what_a_grey_file_shows_is_compared_with_grey():
    low, _ = batch(1, 3, 1)
    compress = Compression(spec([90, 90], "any"), is_told=True)
    inputs, cut = compress(low.expand(80, -1, -1, -1), low.expand(80, -1, -1, -1), np.random.default_rng(0))
    grey = inputs[:, 4, 0, 0] == 0
    assert 0 < grey.sum() < 20
    for pictures in (inputs[grey][:, :3], cut[grey]):
        assert (pictures == pictures[:, :1]).all()
    assert not (cut[~grey] == cut[~grey][:, :1]).all()
    np.testing.assert_allclose(inputs[grey][:, :3], cut[grey], rtol=0, atol=0.1)
