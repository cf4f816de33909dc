"""EDSR, against Fig. 3 and Table 1 of Lim et al."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised, shuffled  # noqa: E402
from twinscale.nets.edsr import EDSR  # noqa: E402


# Baseline and large network at x2 and x4: "1.5M" and "43M" in Table 1; CAR guides itself by 40.73M and 43.09M.
@pytest.mark.parametrize(
    ("scale", "width", "blocks", "residual_scale", "millions"),
    [(2, 64, 16, 1, 1.37), (4, 64, 16, 1, 1.52), (2, 256, 32, 0.1, 40.73), (4, 256, 32, 0.1, 43.09)],
)
def test_parameters(scale: int, width: int, blocks: int, residual_scale: float, millions: float) -> None:
    with torch.device("meta"):
        network = EDSR(scale, width=width, blocks=blocks, residual_scale=residual_scale)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


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


@pytest.mark.parametrize(("scale", "fresh"), [(2, []), (3, ["enlarge.0"]), (4, ["enlarge.1"])])
def test_grows_from_another_scale(scale: int, fresh: list[str]) -> None:
    trained = EDSR(2, width=4, blocks=2).state_dict()
    network = EDSR(scale, width=4, blocks=2)
    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(network.grown_from(trained))
    for name, tensor in network.state_dict().items():
        begun = own if name.rpartition(".")[0] in fresh else trained
        assert torch.equal(tensor, begun[name]), name


def test_does_not_grow_from_another_width() -> None:
    with pytest.raises(ValueError, match=r"head\.weight"):
        EDSR(4, width=4, blocks=2).grown_from(EDSR(2, width=6, blocks=2).state_dict())
