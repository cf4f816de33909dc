"""RCAN, against Fig. 2 to 4 and §4.1 of Zhang et al."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised, shuffled  # noqa: E402
from twinscale.nets.rcan import RCAN  # noqa: E402


# Tables of later papers give 15.4, 15.6 and 15.6 million for x2, x3 and x4.
@pytest.mark.parametrize(("scale", "millions"), [(2, 15.4), (3, 15.6), (4, 15.6)])
def test_parameters(scale: int, millions: float) -> None:
    with torch.device("meta"):
        network = RCAN(scale, width=64, groups=10, blocks=20, reduction=16)
    conv = 9 * 64 * 64 + 64
    attention = (64 * 4 + 4) + (4 * 64 + 64)
    ends = (27 * 64 + 64) + conv + (27 * 64 + 3)
    enlarging = {2: 4 * conv, 3: 9 * conv, 4: 8 * conv}[scale]
    counted = sum(p.numel() for p in network.parameters())
    assert counted == 10 * (20 * (2 * conv + attention) + conv) + ends + enlarging
    assert counted / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize(("scale", "steps"), [(2, [2]), (3, [3]), (4, [2, 2])])
def test_layer_by_layer(scale: int, steps: list[int]) -> None:
    network = randomised(RCAN(scale, width=4, groups=2, blocks=2, reduction=2))
    low = picture(3, 3, 4)
    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        features = x = correlate(given, network.head)
        for group in network.body:
            before = x
            for block in group.blocks:
                residual = correlate(np.maximum(correlate(x, block.first), 0), block.second)
                squeezed = np.maximum(correlate(residual.mean(axis=(1, 2), keepdims=True), block.squeeze), 0)
                x = x + residual / (1 + np.exp(-correlate(squeezed, block.excite)))
            x = correlate(x, group.after) + before
        x = correlate(x, network.after) + features
        for step, conv in zip(steps, network.enlarge, strict=True):
            x = shuffled(correlate(x, conv), step)
        np.testing.assert_allclose(result, correlate(x, network.output), rtol=0, atol=1e-12)


def test_attention_looks_at_the_whole_picture() -> None:
    network = randomised(RCAN(2, channels=1, width=16, groups=1, blocks=1, reduction=2))
    assert network.radius == math.inf
    low = picture(1, 40, 40).requires_grad_()
    (gradient,) = torch.autograd.grad(network(low)[0, 0, 0, 0], low)
    assert gradient[0, 0, 39, 39] != 0
