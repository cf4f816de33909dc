"""Previews: the pictures that they should show, at their places."""

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from twinscale.images.resize import imresize  # noqa: E402
from twinscale.nets import Upscaler  # noqa: E402
from twinscale.training.build import build  # noqa: E402
from twinscale.training.previews import draw_preview, preview_crops  # noqa: E402


def levels(planes):
    return np.floor(np.clip(planes, 0, 1) * 255 + 0.5)


def test_the_centres_of_the_first_three():
    rng = np.random.default_rng(0)
    pictures = [rng.random(shape) for shape in ((480, 200, 3), (60, 50, 1), (300, 160, 3), (99, 99, 3))]
    crops = preview_crops(pictures)
    assert len(crops) == 3
    np.testing.assert_array_equal(crops[0], pictures[0][160:320, 20:180])
    np.testing.assert_array_equal(crops[1], pictures[1])
    np.testing.assert_array_equal(crops[2], pictures[2][70:230])


class Nearest(Upscaler):
    """Repeats every pixel, and makes everything brighter by 0.05."""

    def __init__(self):
        super().__init__(2, 3, radius=0)
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, low):
        return low.repeat_interleave(2, 2).repeat_interleave(2, 3) + 0.05


def test_input_bicubic_output_truth_and_difference_side_by_side(recipe, tmp_path):
    rng = np.random.default_rng(0)
    truths = [0.8 * rng.random((30, 40, 3)), 0.8 * rng.random((32, 36, 3))]
    path = tmp_path / "preview.png"
    returned = draw_preview(path, Nearest(), truths, recipe(architecture="espcn", colour="rgb"))
    drawn = np.asarray(Image.open(path)).astype(float)
    np.testing.assert_array_equal(drawn, returned)
    top = 0
    for truth in truths:
        height, width = truth.shape[:2]
        small = levels(imresize(levels(truth) / 255, 0.5)) / 255
        enlarged = np.kron(small, np.ones((2, 2, 1)))
        bicubic = imresize(imresize(levels(truth).astype(np.uint8), 0.5), 2) / 255
        tiles = [enlarged, bicubic, enlarged + 0.05, truth, 8 * np.abs(np.clip(enlarged + 0.05, 0, 1) - truth)]
        for place, tile in enumerate(tiles):
            left = place * (width + 6)
            shown = drawn[top : top + height, left : left + width]
            np.testing.assert_allclose(shown, levels(tile), atol=8 if place == 4 else 1)
        top += height + 24 + 6


def test_a_luminance_pair_shows_its_small_picture_in_grey(recipe, tmp_path):
    truth = np.random.default_rng(0).random((30, 40, 1))
    made = recipe()
    network = build(made).eval()
    for part in (network.down, network.up):
        nn.init.zeros_(part.residual.weight)  # averages, and repeats
    drawn = draw_preview(tmp_path / "preview.png", network, [truth], made).astype(float)
    small = levels(truth.reshape(15, 2, 20, 2).mean(axis=(1, 3)))
    expected = np.broadcast_to(np.kron(small, np.ones((2, 2)))[:, :, None], (30, 40, 3))
    np.testing.assert_allclose(drawn[:30, :40], expected, atol=1)
    bicubic = np.floor(np.clip(imresize(imresize(truth, 0.5), 2), 0, 1) * 255 + 0.5)
    np.testing.assert_allclose(drawn[:30, 46:86], np.broadcast_to(bicubic, (30, 40, 3)), atol=1)
    np.testing.assert_allclose(drawn[:30, 92:132], expected, atol=1)
