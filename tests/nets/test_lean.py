"""Lean: its layers one by one, and how it grows."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from tests.nets.test_edsr import shuffled  # noqa: E402
from twinscale.nets.lean import Lean  # noqa: E402


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_layer_by_layer(scale: int) -> None:
    network = randomised(Lean(scale, 3, width=4, blocks=2))
    low = picture(3, 3, 4)
    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        features = x = correlate(given, network.head)
        for first, second in network.body:
            x = x + correlate(np.maximum(correlate(x, first), 0), second)
        patterns = correlate(x + features, network.subpixels)
        nearest = given.repeat(scale, axis=1).repeat(scale, axis=2)
        np.testing.assert_allclose(result, shuffled(patterns, scale) + nearest, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_starts_near_the_nearest_enlargement(scale: int) -> None:
    torch.manual_seed(0)
    low = picture(3, 6, 6).float()
    nearest = low.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    assert (Lean(scale)(low) - nearest).abs().max() < 0.2


class TestGrowth:
    def test_same_scale_starts_as_the_smaller_network(self) -> None:
        smaller = randomised(Lean(2, 3, width=4, blocks=2))
        larger = Lean(2, 3, width=7, blocks=4).double()
        larger.load_state_dict(larger.grown_from(smaller.state_dict()))
        low = picture(3, 6, 5)
        torch.testing.assert_close(larger(low), smaller(low), rtol=0, atol=1e-12)

    def test_what_is_new_learns(self) -> None:
        smaller = randomised(Lean(2, 3, width=4, blocks=2))
        larger = Lean(2, 3, width=7, blocks=3).double()
        larger.load_state_dict(larger.grown_from(smaller.state_dict()))
        optimiser = torch.optim.SGD(larger.parameters(), lr=1e-2)
        for _ in range(3):  # zeros in front of zeros need a step each to come alive
            optimiser.zero_grad()
            larger(picture(3, 6, 5)).square().mean().backward()
            optimiser.step()
        for name, parameter in larger.named_parameters():
            assert parameter.grad is not None
            assert parameter.grad.abs().max() > 0, name
        assert larger.subpixels.weight[:, 4:].abs().max() > 0

    def test_another_scale_keeps_all_but_the_last_layer(self) -> None:
        smaller = randomised(Lean(2, 3, width=4, blocks=2))
        larger = Lean(3, 3, width=4, blocks=2).double()
        before = larger.subpixels.weight.clone()
        weights = larger.grown_from(smaller.state_dict())
        assert torch.equal(weights["subpixels.weight"], before)
        for name, tensor in smaller.state_dict().items():
            if not name.startswith("subpixels"):
                assert torch.equal(weights[name], tensor), name

    @pytest.mark.parametrize("size", [{"width": 8}, {"blocks": 3}, {"channels": 1}])
    def test_refuses_what_is_larger_or_of_another_kind(self, size: dict[str, int]) -> None:
        other = Lean(2, **({"channels": 3, "width": 4, "blocks": 2} | size))
        with pytest.raises(ValueError, match="not fit into"):
            Lean(2, 3, width=4, blocks=2).grown_from(other.state_dict())
