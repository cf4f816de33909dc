"""EDSR, against Fig. 3 and Table 1 of Lim et al."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from twinscale.nets.edsr import EDSR  # noqa: E402


# Baseline and large network at x2 and x4: "1.5M" and "43M" in Table 1; 40.7 and 43.1 million by published sizes.
@pytest.mark.parametrize(
    ("scale", "width", "blocks", "millions"),
    [(2, 64, 16, 1.37), (4, 64, 16, 1.52), (2, 256, 32, 40.7), (4, 256, 32, 43.1)],
)
def test_parameters(scale: int, width: int, blocks: int, millions: float) -> None:
    with torch.device("meta"):
        network = EDSR(scale, width=width, blocks=blocks)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(
        millions, abs=0.05 if width > 64 else 0.005
    )


def shuffled(x: np.ndarray, r: int) -> np.ndarray:
    result = np.empty((len(x) // r**2, x.shape[1] * r, x.shape[2] * r))
    for c, row, column in np.ndindex(*result.shape):
        result[c, row, column] = x[c * r * r + r * (row % r) + column % r, row // r, column // r]
    return result


@pytest.mark.parametrize(("scale", "steps"), [(2, [2]), (3, [3]), (4, [2, 2])])
def test_layer_by_layer(scale: int, steps: list[int]) -> None:
    network = randomised(EDSR(scale, width=4, blocks=2, residual_scale=0.1))
    low = picture(3, 3, 4)
    mean = np.array([0.4488, 0.4371, 0.4040])[:, None, None]
    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        features = x = correlate(given - mean, network.head)
        for first, second in network.body:
            x = x + 0.1 * correlate(np.maximum(correlate(x, first), 0), second)
        x = correlate(x, network.after) + features
        for step, conv in zip(steps, network.enlarge, strict=True):
            x = shuffled(correlate(x, conv), step)
        np.testing.assert_allclose(
            result, correlate(x, network.output) + mean, rtol=0, atol=1e-7
        )  # the mean is float32
