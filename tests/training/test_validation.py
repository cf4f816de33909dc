"""Validation on whole pictures, against the same arithmetic in NumPy."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from twinscale.evaluation.protocol import Protocol
from twinscale.images.colour import luminance
from twinscale.images.resize import imresize
from twinscale.nets import Upscaler
from twinscale.rescale.channel import Jpeg
from twinscale.training.build import build
from twinscale.training.recipe import ChannelSpec, OptimisationSpec
from twinscale.training.validation import bicubic_psnr, validate, validation_steps


def test_validation_starts_from_the_recipes_small_picture(recipe):
    """A network that returns the enlargement scores what that enlargement scores."""
    planes = np.random.default_rng(0).random((31, 37, 1), dtype=np.float32)

    class Same(Upscaler):
        interpolated_input = True

        def __init__(self):
            super().__init__(3, 1, radius=0)
            self.unused = nn.Parameter(torch.zeros(1))

        def forward(self, enlarged):
            return enlarged

    truth = planes[:30, :36]
    for reduced_by, enlarged_by in (("bicubic", "bicubic"), ("nearest", "bilinear"), ("bilinear", "nearest")):
        made = recipe(architecture="vdsr", scale=3, reduced_by=reduced_by, enlarged_by=enlarged_by)
        psnr, loss, looks = validate(Same(), [planes], made)
        result = imresize(imresize(truth, 1 / 3, kernel=reduced_by), 3, kernel=enlarged_by)
        levels = [
            np.floor(np.clip(image[3:-3, 3:-3], 0, 1).astype(np.float64) * 255 + 0.5) for image in (truth, result)
        ]
        assert loss == pytest.approx(np.abs(result - truth).mean(), rel=1e-5)  # in float, to the border
        assert psnr == pytest.approx(10 * math.log10(255**2 / ((levels[0] - levels[1]) ** 2).mean()), abs=1e-6)
        assert looks is None


def test_grey_pictures_validate_rgb_networks(recipe):
    """A DSN that starts from averaging and repeating does on RGB what it does on luminance."""
    grey = [np.random.default_rng(0).random((30, 32, 1), dtype=np.float32)]
    scores = []
    for colour in ("y", "rgb"):
        network = build(recipe(colour=colour)).eval()
        for part in (network.down, network.up):
            nn.init.zeros_(part.residual.weight)
        scores.append(validate(network, grey, recipe(colour=colour)).psnr_y)
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    srcnn = recipe(architecture="srcnn", colour="rgb")
    assert math.isfinite(validate(build(srcnn).eval(), grey, srcnn).psnr_y)


@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_the_loss_of_a_pair_is_that_of_its_restored_pictures(recipe, loss):
    """A DSN whose residuals are zero averages blocks of four pixels, rounds, and repeats."""
    rng = np.random.default_rng(0)
    pictures = [rng.random((30, 32, 1)), rng.random((40, 38, 1))]
    made = recipe(loss=loss, fidelity=5.0)
    network = build(made).eval()
    for part in (network.down, network.up):
        nn.init.zeros_(part.residual.weight)
    errors = []
    for truth in pictures:
        height, width = truth.shape[0] // 2, truth.shape[1] // 2
        small = np.floor(truth.reshape(height, 2, width, 2).mean(axis=(1, 3)) * 255 + 0.5) / 255
        errors.append(np.kron(small, np.ones((2, 2)))[:, :, None] - truth)
    expected = np.mean([np.mean(np.abs(error) if loss == "l1" else error**2) for error in errors])
    assert validate(network, pictures, made).loss == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "reduced_by"),
    [
        ({}, "bicubic"),
        ({"architecture": "espcn"}, "bicubic"),
        ({"architecture": "espcn", "reduced_by": "nearest"}, "nearest"),
    ],
)
def test_bicubic_enlarges_what_the_network_starts_from(recipe, changes, reduced_by):
    rng = np.random.default_rng(0)
    pictures = {"a": rng.random((31, 32, 1)), "b": rng.random((40, 38, 1))}
    expected = []
    for planes in pictures.values():
        truth = planes[: planes.shape[0] // 2 * 2]
        enlarged = imresize(imresize(truth, 0.5, kernel=reduced_by), 2)
        given, result = (np.floor(np.clip(image[2:-2, 2:-2], 0, 1) * 255 + 0.5) for image in (truth, enlarged))
        expected.append(10 * math.log10(255**2 / np.mean((given - result) ** 2)))
    assert bicubic_psnr(pictures, recipe(**changes)) == pytest.approx(np.mean(expected), abs=1e-3)


def test_a_lossy_channel_is_measured_at_the_bytes_of_the_bicubic_reduction(recipe):
    """At qualities spread over its range, one picture after the other."""
    rng = np.random.default_rng(0)
    pictures = [rng.random((48, 64, 3)).astype(np.float32) for _ in range(6)]
    made = recipe(
        architecture="twin", colour="rgb", channel=ChannelSpec(name="jpeg", parameters={"lowest": 20, "highest": 70})
    )
    torch.manual_seed(0)
    network, protocol = build(made).eval(), Protocol(2, "rgb")
    scores, baseline = [], []
    for truth, quality in zip(pictures, (25, 35, 45, 55, 65, 25), strict=True):
        reference = Jpeg(quality=quality)
        bicubic = imresize(np.floor(truth * 255 + 0.5).astype(np.uint8), 0.5) / np.float32(255)
        baseline.append(protocol.score(truth, protocol.enlarge(reference(bicubic))).psnr_y)
        with torch.no_grad():
            sent = network.down.within_mirror_image(torch.from_numpy(truth).permute(2, 0, 1)[None])
            planes = sent[0].permute(1, 2, 0).numpy()
            room = len(reference.file(bicubic).data)
            fitting = [q for q in range(1, 101) if len(Jpeg(quality=q).file(planes).data) <= room]
            network._differentiable.channel = Jpeg(quality=max(fitting))
            restored = network._restored(sent).restored[0].permute(1, 2, 0).numpy()
        scores.append(protocol.score(truth, restored).psnr_y)
    assert len(set(scores)) == 6
    assert bicubic_psnr(dict(zip("abcdef", pictures, strict=True)), made) == pytest.approx(np.mean(baseline), abs=1e-3)
    assert validate(network, pictures, made).psnr_y == pytest.approx(np.mean(scores), abs=1e-3)


@pytest.mark.parametrize(("colour", "scale"), [("y", 1), ("y", 2), ("rgb", 1), ("rgb", 2)])
def test_jpegs_of_all_qualities_are_validated(recipe, colour, scale):
    """Against files by Pillow; a network that repairs nothing scores what the JPEGs score."""
    rng = np.random.default_rng(0)
    channels = 1 if colour == "y" else 3
    pictures = [imresize(rng.random((8, 9, channels)), 4).clip(0, 1) for _ in range(7)]
    parameters = {"width": 4, "blocks": 1, "conditions": 3}
    made = recipe(
        architecture="lean", colour=colour, scale=scale, parameters=parameters, qualities=[10, 60], subsampling="any"
    )
    expected = []
    for planes, quality in zip(pictures, (15, 25, 35, 45, 55, 15, 25), strict=True):
        truth = planes[: planes.shape[0] // scale * scale, : planes.shape[1] // scale * scale]
        levels = np.floor(truth * 255 + 0.5).astype(np.uint8)
        small = imresize(levels if colour == "rgb" else truth, 1 / scale) if scale > 1 else levels
        if small.dtype != np.uint8:
            small = np.floor(small.clip(0, 1) * 255 + 0.5).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(small if channels == 3 else small[:, :, 0]).save(file, "JPEG", quality=quality)
        received = np.asarray(Image.open(file)).reshape(small.shape)
        enlarged = imresize(received if colour == "rgb" else received / 255, scale) if scale > 1 else received
        result = enlarged.astype(np.float64) * (1 if enlarged.dtype == np.uint8 else 255)
        given, result = (
            image[scale:-scale, scale:-scale]
            for image in (levels.astype(np.float64), np.floor(result.clip(0, 255) + 0.5))
        )
        if channels == 3:
            given, result = (luminance(image / 255) * 255 for image in (given, result))
        expected.append(10 * math.log10(255**2 / np.mean((given - result) ** 2)))
    named = dict(zip("abcdefg", pictures, strict=True))
    assert bicubic_psnr(named, made) == pytest.approx(np.mean(expected), abs=1e-2)
    network = build(made).eval()
    nn.init.zeros_(network.subpixels.weight)
    if scale == 1:
        assert validate(network, pictures, made).psnr_y == pytest.approx(np.mean(expected), abs=1e-2)
    assert validate(network, pictures, made) == validate(network, pictures, made)


@pytest.mark.parametrize(
    ("steps", "every", "expected"),
    [
        (7, 3, [3, 6, 7]),
        (6, 3, [3, 6]),
        (250, 100, [64, 100, 200, 250]),
        (100, 2500, [64, 100]),
        (3000, 2500, [64, 128, 256, 512, 1024, 2048, 2500, 3000]),
        (128, 128, [64, 128]),
    ],
)
def test_validations_come_early_and_regularly_and_at_the_end(steps, every, expected):
    assert validation_steps(OptimisationSpec(steps=steps, validate_every=every)) == expected
