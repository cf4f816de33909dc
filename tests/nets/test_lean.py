"""Lean: its layers one by one, and how it grows."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
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


@pytest.mark.parametrize("conditions", [0, 3])
@pytest.mark.parametrize("scale", [1, 2])
class TestCompressed:
    def test_layer_by_layer(self, scale: int, conditions: int) -> None:
        network = randomised(Lean(scale, 3, width=4, blocks=2, conditions=conditions))
        low = torch.cat((picture(3, 6, 8), torch.rand(2, conditions, 1, 1).double().expand(-1, -1, 6, 8)), dim=1)
        for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
            if scale == 1:  # every plane as four: the pixels of each 2x2 square
                planes = np.stack([plane[y::2, x::2] for plane in given for y in range(2) for x in range(2)])
            else:
                planes = given
            features = x = correlate(planes, network.head)
            for first, second in network.body:
                x = x + correlate(np.maximum(correlate(x, first), 0), second)
            nearest = given[:3].repeat(scale, axis=1).repeat(scale, axis=2)
            expected = shuffled(correlate(x + features, network.subpixels), 2) + nearest
            np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)

    def test_declarations(self, scale: int, conditions: int) -> None:
        network = Lean(scale, 1, width=4, blocks=2, conditions=conditions)
        assert (network.factor, network.conditions, network.planes) == (scale, conditions, 1 + conditions)
        assert network.multiple_of == (2 if scale == 1 else 1)
        assert network.radius == measured_radius(network)


def test_repair_starts_near_the_picture() -> None:
    torch.manual_seed(0)
    low = picture(3, 6, 6).float()
    assert (Lean(1)(low) - low).abs().max() < 0.2


class TestGrowth:
    @pytest.mark.parametrize("scale", [1, 2, 4])
    def test_whatever_it_is_newly_told_it_starts_as_before(self, scale: int) -> None:
        smaller = randomised(Lean(scale, 3, width=4, blocks=2))
        larger = Lean(scale, 3, width=6, blocks=3, conditions=3).double()
        larger.load_state_dict(larger.grown_from(smaller.state_dict()))
        low = picture(3, 6, 8)
        told = torch.cat((low, torch.full_like(low, 0.7)), dim=1)
        torch.testing.assert_close(larger(told), smaller(low), rtol=0, atol=1e-12)
        again = Lean(scale, 3, width=6, blocks=3, conditions=3).double()
        again.load_state_dict(again.grown_from(larger.state_dict()))
        torch.testing.assert_close(again(told), larger(told), rtol=0, atol=0)

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

    @pytest.mark.parametrize("size", [{"width": 8}, {"blocks": 3}, {"channels": 1}, {"conditions": 3}])
    def test_refuses_what_is_larger_or_of_another_kind(self, size: dict[str, int]) -> None:
        other = Lean(2, **({"channels": 3, "width": 4, "blocks": 2} | size))
        with pytest.raises(ValueError, match="not fit into"):
            Lean(2, 3, width=4, blocks=2).grown_from(other.state_dict())
