"""Networks as the evaluation measures them, as trained and as shipped."""

import numpy as np
import pytest

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
