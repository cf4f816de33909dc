"""SESR, against Fig. 2 and Table 1 of Bhardwaj et al."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from tests.nets.test_edsr import shuffled  # noqa: E402
from twinscale.nets.layers.collapsed import collapsed  # noqa: E402
from twinscale.nets.sesr import SESR  # noqa: E402


# "SESR-M5: 13.52K, SESR-M11: 27.34K, SESR-XL: 105.37K" parameters at x2, biases and slopes not counted.
@pytest.mark.parametrize(
    ("features", "blocks", "thousands"), [(16, 3, 8.91), (16, 5, 13.52), (16, 11, 27.34), (32, 11, 105.37)]
)
def test_parameters_as_published(features: int, blocks: int, thousands: float) -> None:
    network = collapsed(SESR(2, 1, features, blocks))
    weights = sum(p.numel() for p in network.parameters() if p.ndim == 4)
    assert weights / 1e3 == pytest.approx(thousands, abs=0.01)


@pytest.mark.parametrize("scale", [2, 3])
def test_layer_by_layer(scale: int) -> None:
    network = collapsed(randomised(SESR(scale, 3, features=4, blocks=2))).double()
    low = picture(3, 3, 4)

    def activated(x: np.ndarray, place: int) -> np.ndarray:
        slope = network.activations[place].weight.detach().numpy()[:, None, None]
        return np.maximum(x, 0) + slope * np.minimum(x, 0)

    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        features = x = activated(correlate(given, network.head), 0)
        for place, block in enumerate(network.body):
            x = activated(correlate(x, block), place + 1)
        patterns = correlate(x + features, network.subpixels)
        nearest = given.repeat(scale, axis=1).repeat(scale, axis=2)
        np.testing.assert_allclose(result, shuffled(patterns, scale) + nearest, rtol=0, atol=1e-12)
