import copy

import numpy as np
import pytest
import torch
from torch import nn

from twinscale.training.checkpoint import RunState, load_checkpoint, save_checkpoint
from twinscale.training.muon import Muon, orthogonalised


def matrix(rows, columns, smallest=0.05, seed=0):
    """A random matrix in float64 whose singular values lie evenly between ``smallest`` and one."""
    rng = np.random.default_rng(seed)
    short = min(rows, columns)
    left = np.linalg.qr(rng.standard_normal((rows, short)))[0]
    right = np.linalg.qr(rng.standard_normal((columns, short)))[0]
    return torch.from_numpy(left * np.linspace(smallest, 1, short) @ right.T)


def pressed(values):
    """What five steps of Jordan's quintic make of singular values."""
    values = values / np.sqrt((values**2).sum())
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return values


def decomposed(values):
    """:func:`orthogonalised` by way of the singular values, in float64."""
    left, singular, right = np.linalg.svd(values, full_matrices=False)
    return left * pressed(singular) @ right


def moved(parameter, gradient, lr=0.01):
    """What one step along a gradient adds to a parameter."""
    parameter = nn.Parameter(parameter.clone())
    parameter.grad = gradient
    before = parameter.detach().clone()
    Muon([{"params": [parameter]}], lr=lr).step()
    return parameter.detach() - before


SHAPES = [(40, 90), (90, 40), (50, 50), (33, 577)]


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_vectors_stay_and_singular_values_come_near_one(shape):
    given = matrix(*shape)
    result = orthogonalised(given).numpy()
    assert result.shape == shape
    left, singular, right = np.linalg.svd(given.numpy(), full_matrices=False)
    inner = left.T @ result @ right.T
    np.testing.assert_allclose(inner, np.diag(np.diag(inner)), rtol=0, atol=1e-9)
    np.testing.assert_allclose(left @ inner @ right, result, rtol=0, atol=1e-9)  # and nothing beside them
    assert 0.65 < np.diag(inner).min() < np.diag(inner).max() < 1.25
    np.testing.assert_allclose(np.diag(inner), pressed(singular), rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_the_size_of_a_matrix_does_not_matter(size):
    given = matrix(40, 90).float()
    torch.testing.assert_close(orthogonalised(given * size), orthogonalised(given), rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(64, 576), (64, 64), (128, 64)])
def test_a_step_is_as_large_as_one_of_adam(shape):
    generator = torch.Generator().manual_seed(0)
    gradient = torch.randn(shape, generator=generator)
    step = moved(torch.zeros(shape), gradient, lr=0.01)
    assert 0.15 * 0.01 < step.square().mean().sqrt() < 0.24 * 0.01
    assert (step * gradient).sum() < 0


@pytest.mark.parametrize(
    ("shape", "is_large"),
    [
        ((32, 32), True),
        ((31, 400), False),
        ((400, 31), False),
        ((64, 4, 3, 3), True),  # 36 columns
        ((64, 3, 3, 3), False),  # 27 columns
        ((48, 64, 1, 1), True),
        ((3, 64, 3, 3), False),  # the last layer of an RGB network
        ((4096,), False),
    ],
)
def test_only_large_matrices_are_made_orthogonal(shape, is_large):
    generator = torch.Generator().manual_seed(0)
    gradient = torch.randn(shape, generator=generator)
    step = moved(torch.zeros(shape), gradient, lr=0.01)
    if is_large:
        rows = shape[0]
        columns = gradient.numel() // rows
        direction = -step.reshape(rows, columns).double() / (0.01 * 0.2 * max(rows, columns) ** 0.5)
        expected = decomposed(gradient.reshape(rows, columns).double().numpy())
        np.testing.assert_allclose(direction, expected, rtol=0, atol=1e-3)
    else:
        torch.testing.assert_close(step, -0.01 * gradient.sign(), rtol=1e-3, atol=0)  # Adam's first


def test_momentum_looks_ahead():
    """Nesterov's, as in Jordan's code: the new gradient counts once more beside the average."""
    rng = np.random.default_rng(0)
    parameter = nn.Parameter(torch.zeros(40, 48, dtype=torch.float64))
    optimiser = Muon([{"params": [parameter]}], lr=0.1)
    expected, momentum = np.zeros((40, 48)), np.zeros((40, 48))
    for _ in range(4):
        gradient = rng.standard_normal((40, 48))
        parameter.grad = torch.from_numpy(gradient)
        optimiser.step()
        momentum = 0.95 * momentum + 0.05 * gradient
        expected -= 0.1 * 0.2 * np.sqrt(48) * decomposed(0.05 * gradient + 0.95 * momentum)
        np.testing.assert_allclose(parameter.detach(), expected, rtol=0, atol=1e-6)


def test_small_tensors_follow_torchs_adam():
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((7,), (5, 9), (3, 64, 3, 3))]
    mine, theirs = ([nn.Parameter(tensor.clone()) for tensor in start] for _ in range(2))
    optimiser, reference = Muon([{"params": mine}], lr=0.01), torch.optim.Adam(theirs, lr=0.01)
    for step in range(60):
        before = [parameter.detach().clone() for parameter in theirs]
        for parameter, other in zip(mine, theirs, strict=True):
            parameter.grad = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) + step / 30
            other.grad = parameter.grad.clone()
        optimiser.step()
        reference.step()
        for parameter, other, old in zip(mine, theirs, before, strict=True):
            # 0.999 ** step is float32: a few millionths of a step.
            torch.testing.assert_close(parameter, other, rtol=0, atol=2e-5 * (other - old).abs().max().item())
            parameter.data.copy_(other)


def test_every_group_has_its_own_rate():
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.zeros(40, 40)) for _ in range(2)] + [nn.Parameter(torch.zeros(5))]
    optimiser = Muon([{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.001}], lr=0.01)
    gradient = torch.randn(40, 40)
    for parameter in parameters[:2]:
        parameter.grad = gradient.clone()
    optimiser.step()
    torch.testing.assert_close(parameters[0] / 10, parameters[1])
    assert parameters[2].abs().max() == 0  # it has no gradient


def test_no_gradient_no_step():
    assert moved(torch.ones(40, 40), torch.zeros(40, 40)).abs().max() == 0
    assert moved(torch.ones(4, 4), torch.zeros(4, 4)).abs().max() == 0


def test_least_squares():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(200, 40, generator=generator)
    wanted = inputs @ torch.randn(40, 36, generator=generator) * 0.2 + torch.randn(36, generator=generator)
    layer = nn.Linear(40, 36)
    optimiser = Muon([{"params": list(layer.parameters())}], lr=0.1)
    losses = []
    for step in range(150):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 150)
        loss = (layer(inputs) - wanted).square().mean()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 1e-3 * losses[0]


def make():
    """A large matrix, small ones and biases, in the memory format that training uses."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 33, 3), nn.Conv2d(33, 32, 3), nn.Conv2d(32, 1, 1))
    network = network.to(memory_format=torch.channels_last)
    return network, copy.deepcopy(network), Muon([{"params": list(network.parameters())}], lr=0.01)


def learn(network, optimiser, steps):
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        optimiser.zero_grad()
        network(torch.rand(2, 1, 8, 8, generator=generator)).square().mean().backward()
        optimiser.step()


def test_a_checkpoint_holds_its_state(tmp_path):
    network, average, optimiser = make()
    learn(network, optimiser, 3)
    save_checkpoint(tmp_path / "c.safetensors", network, average, optimiser, RunState(step=3))
    other, other_average, other_optimiser = make()
    load_checkpoint(tmp_path / "c.safetensors", other, other_average, other_optimiser, "")
    learn(network, optimiser, 3)
    learn(other, other_optimiser, 3)
    for parameter, theirs in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(parameter, theirs)
    forgetful, _, fresh = make()
    forgetful.load_state_dict(average.state_dict())
    learn(forgetful, fresh, 3)
    assert not any(torch.equal(p, q) for p, q in zip(forgetful.parameters(), other.parameters(), strict=True))
