"""SPAN, against Fig. 2 and equations 3 to 6 of Wan et al."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from tests.nets.test_edsr import shuffled  # noqa: E402
from twinscale.nets.layers.collapsed import collapsed  # noqa: E402
from twinscale.nets.span import SPAN  # noqa: E402
from twinscale.training.export import count_multiply_adds  # noqa: E402


def test_size_of_the_challenge_network() -> None:
    # NTIRE 2024, x4: 0.151 million parameters, 9.83 G multiply-adds for 256x256 pixels.
    network = SPAN(4, 3, width=28)
    assert sum(p.numel() for p in collapsed(network).parameters()) == pytest.approx(0.151e6, rel=0.005)
    assert count_multiply_adds(network) * 256**2 == pytest.approx(9.83e9, rel=0.005)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_layer_by_layer() -> None:
    network = collapsed(randomised(SPAN(2, 3, width=4))).double()
    low = picture(3, 3, 4)
    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        features = x = correlate(given, network.head)
        after_first = inner = x
        for place, block in enumerate(network.body):
            first, second, third = block.convs
            inner = correlate(x, first)
            inner = inner * sigmoid(inner)
            residual = correlate(inner, second)
            residual = correlate(residual * sigmoid(residual), third)
            x = (x + residual) * (sigmoid(residual) - 0.5)
            if place == 0:
                after_first = x
        joined = np.concatenate((features, correlate(x, network.after), after_first, inner))
        patterns = correlate(correlate(joined, network.fuse), network.subpixels)
        np.testing.assert_allclose(result, shuffled(patterns, 2), rtol=0, atol=1e-12)
