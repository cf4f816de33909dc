"""Networks as the evaluation measures them, as trained and as shipped."""

import numpy as np
import pytest
import torch

from twinscale.engine import run
from twinscale.engine.tiling import padded, without_padding
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.trial import Trial
from twinscale.nets import create
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
    [("dsn", "rgb", 3), ("dsn", "rgb", 1), ("vdsr", "y", 3), ("espcn", "rgb", 3)],
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


@pytest.mark.parametrize("scale", [2, 4])
def test_a_pair_that_works_in_eighths_shrinks_pictures_of_any_size(recipe, scale):
    """Torch and the engine agree at the border, in tiles, and on pictures smaller than an eighth's pixel."""
    parameters = {"upscaler": "bicubic", "width": 4, "blocks": 1}
    made = recipe(architecture="car", colour="rgb", scale=scale, parameters=parameters)
    network = build(made).eval()
    for conv in network.down.output_layers():
        torch.nn.init.normal_(conv.weight, std=0.1)
    network.half().float()  # as weights are stored
    reduced = [way(network, made.network, made.data).reduce for way in (as_trained, as_shipped)]
    for height, width, channels in ((1, 1, 3), (2, 3, 3), (1, 50, 1), (16, 17, 3), (61, 90, 3)):
        trained, shipped = (reduce(noise(height, width, channels)) for reduce in reduced)
        assert trained.shape == shipped.shape == (-(-height // scale), -(-width // scale), channels)
        np.testing.assert_allclose(trained, shipped, rtol=0, atol=1.01 / 255)
        assert (trained == shipped).mean() > 0.98  # but for what lies between two levels
    operation, planes = exported(network.down), noise(150, 131, 3)
    whole = run(operation, planes, tile=0)
    np.testing.assert_allclose(run(operation, planes, tile=16), whole, rtol=0, atol=1e-5)
    np.testing.assert_allclose(whole, trained_whole(network.down, planes), rtol=0, atol=1e-5)


def trained_whole(network, planes):
    operation = in_torch(network)
    return without_padding(operation(padded(planes, operation)), planes, operation)


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
