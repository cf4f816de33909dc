"""Networks as the evaluation measures them, as trained and as shipped."""

import numpy as np
import pytest
import torch

from twinscale.codecs.quantisation import Quantisation
from twinscale.engine import run
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.trial import Trial
from twinscale.nets import Upscaler, create
from twinscale.rescale.channel import Jpeg
from twinscale.training.build import build
from twinscale.training.rescaler import as_shipped, as_trained, baseline, exported, in_torch

pytest.importorskip("onnxscript")


def noise(height, width, channels):
    return np.random.default_rng(0).random((height, width, channels), dtype=np.float32)


@pytest.mark.parametrize("runs", [in_torch, lambda network: exported(network)], ids=["torch", "exported"])
def test_a_network_becomes_an_operation_that_says_its_scale(runs):
    espcn, pair = create("espcn", scale=3).eval(), create("dsn", scale=2).eval()
    enlarging, reducing = runs(espcn), runs(pair.down)
    assert (enlarging.scale, enlarging.radius, enlarging.multiple_of) == (3, espcn.radius, 1)
    assert (reducing.scale, reducing.multiple_of) == (1 / 2, 2)
    assert enlarging(noise(5, 7, 1)).shape == (15, 21, 1)
    assert reducing(noise(6, 8, 1)).shape == (3, 4, 1)


@pytest.mark.parametrize(
    ("architecture", "colour", "channels"),
    [("dsn", "rgb", 3), ("dsn", "rgb", 1), ("twin", "rgb", 3), ("twin", "y", 3), ("vdsr", "y", 3), ("espcn", "rgb", 3)],
)
def test_trained_and_shipped_are_the_same_network(recipe, architecture, colour, channels):
    """But for clipping, and for weights that are stored in 16 bits, which may turn a level of the small picture."""
    made = recipe(architecture=architecture, colour=colour, scale=2)
    network, protocol = build(made).eval(), Protocol(2, colour)
    planes = noise(33, 40, channels)
    trials = [Trial.of(way(network, made.network, made.data), protocol, planes) for way in (as_trained, as_shipped)]
    for trial in trials:
        assert trial.truth.shape[:2] == trial.result.shape[:2] == (32, 40)
        assert trial.low.shape == (16, 20, 1 if colour == "y" else channels)
        np.testing.assert_allclose(trial.low, trials[0].low, rtol=0, atol=1.01 / 255)
    trained, shipped = (trial.result for trial in trials)
    np.testing.assert_allclose(np.clip(trained, 0, 1), shipped, rtol=0, atol=2 / 255)


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(("colour", "channels"), [("rgb", 3), ("rgb", 1), ("y", 3)])
def test_networks_are_told_how_the_small_picture_was_compressed(recipe, scale, colour, channels):
    """A network that adds up what it is told to its input."""

    class Sum(Upscaler):
        def __init__(self):
            super().__init__(scale, 3 if colour == "rgb" else 1, radius=0, conditions=3)
            self.weights = torch.nn.Parameter(torch.tensor([0.1, 0.2, 0.3])[:, None, None])

        def forward(self, low):
            told = (low[:, self.channels :] * self.weights).sum(dim=1, keepdim=True)
            return (low[:, : self.channels] + told).repeat_interleave(scale, 2).repeat_interleave(scale, 3)

    made, network, protocol = (
        recipe(architecture="lean", colour=colour, scale=scale),
        Sum().eval(),
        Protocol(scale, colour),
    )
    channel = Jpeg(quality=30)
    trial = Trial.of(as_trained(network, made.network, made.data, channel), protocol, noise(32, 40, channels))
    plain = Trial.of(as_trained(network, made.network, made.data), protocol, noise(32, 40, channels))
    np.testing.assert_array_equal(trial.low, channel(plain.low))
    grey = colour == "y" or channels == 1
    told = np.dot(Quantisation.standard(30, grey=grey).conditions(), [0.1, 0.2, 0.3])
    for each, added in ((trial, told), (plain, 0)):
        repeated = each.low.repeat(scale, axis=0).repeat(scale, axis=1)
        np.testing.assert_allclose(each.result, repeated + added, rtol=0, atol=1e-5)


def test_what_is_told_is_shipped_too(recipe):
    parameters = {"width": 4, "blocks": 1, "conditions": 3}
    made = recipe(architecture="lean", colour="rgb", scale=2, parameters=parameters)
    network = build(made).half().float().eval()  # as weights are stored
    trained, shipped = (
        Trial.of(way(network, made.network, made.data), Protocol(2, "rgb"), noise(33, 40, 3)).result
        for way in (as_trained, as_shipped)
    )
    np.testing.assert_allclose(np.clip(trained, 0, 1), shipped, rtol=0, atol=1e-4)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_pair_that_works_in_eighths_shrinks_pictures_of_any_size(recipe, scale):
    """Torch and the engine agree at the border, in tiles, and on pictures smaller than an eighth's pixel."""
    parameters = {"upscaler": "bicubic", "width": 4, "blocks": 1, "size": 5}
    made = recipe(architecture="car", colour="rgb", scale=scale, parameters=parameters)
    network = build(made).eval()
    for conv in network.down.output_layers():
        torch.nn.init.normal_(conv.weight, std=0.1)
    network.half().float()  # as weights are stored
    trained, operation = as_trained(network, made.network, made.data), exported(network.down)
    for height, width in ((1, 1), (2, 3), (1, 50), (16, 17), (61, 90)):
        planes = noise(height, width, 3)
        expected, shipped = trained.reduce(planes), run(operation, planes, tile=0)
        assert shipped.shape == expected.shape == (-(-height // scale), -(-width // scale), 3)
        np.testing.assert_allclose(shipped, expected, rtol=0, atol=0.51 / 255)  # which was rounded
    planes = noise(150, 131, 3)
    np.testing.assert_allclose(run(operation, planes, tile=16), run(operation, planes, tile=0), rtol=0, atol=2e-5)


@pytest.mark.parametrize("way", [as_trained, as_shipped])
def test_bicubic_is_the_baseline_but_for_rounding(recipe, way):
    made = recipe(architecture="bicubic", colour="rgb", scale=4)
    network, protocol = create("bicubic", scale=4).eval(), Protocol(4, "rgb")
    planes = noise(33, 40, 3)
    ours, theirs = (
        Trial.of(rescaler, protocol, planes)
        for rescaler in (way(network, made.network, made.data), baseline(made.network, made.data))
    )
    # The baseline is rounded after each dimension, and the second may enlarge the first error by a quarter.
    np.testing.assert_allclose(np.clip(ours.result, 0, 1), theirs.result, rtol=0, atol=1.13 / 255)
