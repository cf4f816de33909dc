import pytest

torch = pytest.importorskip("torch")

from twinscale.nets.layers.inward_clamp import inward_clamp  # noqa: E402


def test_values_are_those_of_a_clamp() -> None:
    x = torch.linspace(-2, 3, 51)
    assert torch.equal(inward_clamp(x, 0.25, 1.0), x.clamp(0.25, 1.0))


def test_inside_every_gradient_passes_and_beyond_only_those_that_lead_back() -> None:
    """A step goes against the gradient: what is too low may rise, what is too high may fall."""
    x = torch.tensor([-1.0, -1.0, 0.0, 0.5, 0.5, 1.0, 2.0, 2.0], requires_grad=True)
    arriving = torch.tensor([3.0, -3.0, 3.0, 3.0, -3.0, -3.0, 3.0, -3.0])
    inward_clamp(x, 0.0, 1.0).backward(arriving)
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, -3.0, 3.0, 3.0, -3.0, -3.0, 3.0, 0.0]


def test_what_left_the_bounds_finds_its_way_back() -> None:
    x = torch.tensor([-0.5, 1.5], requires_grad=True)
    optimiser = torch.optim.SGD([x], lr=0.1)
    for _ in range(50):
        optimiser.zero_grad()
        ((inward_clamp(x, 0.0, 1.0) - 0.5) ** 2).sum().backward()
        optimiser.step()
    torch.testing.assert_close(x.detach(), torch.full((2,), 0.5), rtol=0, atol=1e-3)
