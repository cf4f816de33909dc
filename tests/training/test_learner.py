"""One training step."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.training.tiny import Normalised, Tiny, batches, parameters
from twinscale.errors import UsageError
from twinscale.images.resize import imresize
from twinscale.training.build import build
from twinscale.training.data import Crops, load_examples
from twinscale.training.learner import Learner
from twinscale.training.losses import offset_distance, offset_variation
from twinscale.training.mixed import open_fabric
from twinscale.training.recipe import ChannelSpec, OptimisationSpec


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_output_layers_learn_at_their_own_rate(fabric, optimiser):
    moves = []
    for relative in (1.0, 0.1):
        network = Tiny()
        before = [p.detach().clone() for p in network.parameters()]
        spec = OptimisationSpec(
            steps=9, optimiser=optimiser, learning_rate=0.01, output_layer_rate=relative, decay="none"
        )
        Learner(network, spec, fabric).step(0, *batches(1)[0])
        moves.append([p.detach() - b for p, b in zip(network.parameters(), before, strict=True)])
    for layer, full, own in zip(("inner", "inner", "outer", "outer"), *moves, strict=True):
        assert full.abs().max() > 0
        torch.testing.assert_close(own, full * (0.1 if layer == "outer" else 1.0), rtol=1e-3, atol=1e-7)


def test_averaged_weights_against_the_recursion(fabric):
    network = Tiny()
    learner = Learner(network, OptimisationSpec(steps=40, learning_rate=0.01, ema=0.7), fabric)
    expected = parameters(network)
    for step, batch in enumerate(batches(40)):
        learner.step(step, *batch)
        keep = min(0.7, (step + 1) / (step + 10))
        expected = keep * expected + (1 - keep) * parameters(network)
        torch.testing.assert_close(parameters(learner.average), expected, rtol=0, atol=1e-6)
    assert not torch.allclose(expected, parameters(network), atol=1e-6)


def test_without_averaging_the_last_weights_count(fabric):
    learner = Learner(Tiny(), OptimisationSpec(steps=3), fabric)
    for step, batch in enumerate(batches(3)):
        learner.step(step, *batch)
        assert torch.equal(parameters(learner.average), parameters(learner.network))


def test_running_statistics_are_averaged_like_the_weights(fabric):
    learner = Learner(Normalised(), OptimisationSpec(steps=40, learning_rate=0.01, ema=0.7), fabric)
    own, averaged = learner.network.normalise, learner.average.normalise
    mean, variance = own.running_mean.clone(), own.running_var.clone()
    for step, batch in enumerate(batches(40)):
        learner.step(step, *batch)
        keep = min(0.7, (step + 1) / (step + 10))
        mean = keep * mean + (1 - keep) * own.running_mean
        variance = keep * variance + (1 - keep) * own.running_var
        torch.testing.assert_close(averaged.running_mean, mean, rtol=0, atol=1e-6)
        torch.testing.assert_close(averaged.running_var, variance, rtol=0, atol=1e-6)
        assert averaged.num_batches_tracked == own.num_batches_tracked == step + 1
    assert not torch.allclose(mean, own.running_mean, atol=1e-6)


def test_the_average_normalises_by_what_was_seen(fabric):
    """With one batch over and over and weights at rest, evaluation mode knows that batch's mean and variance."""
    learner = Learner(Normalised(), OptimisationSpec(steps=150, learning_rate=0.0, ema=0.7), fabric)
    (batch,) = batches(1)
    for step in range(150):
        learner.step(step, *batch)
    with torch.no_grad():
        inner = learner.average.inner(batch[0])
    averaged = learner.average.normalise
    torch.testing.assert_close(averaged.running_mean, inner.mean((0, 2, 3)), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(averaged.running_var, inner.var((0, 2, 3)), rtol=1e-3, atol=1e-5)


def test_without_averaging_the_last_statistics_count(fabric):
    learner = Learner(Normalised(), OptimisationSpec(steps=3), fabric)
    for step, batch in enumerate(batches(3)):
        learner.step(step, *batch)
    for own, averaged in zip(learner.network.buffers(), learner.average.buffers(), strict=True):
        assert torch.equal(own, averaged)


def test_gradients_are_clipped(fabric):
    network = Tiny()
    before = parameters(network)
    spec = OptimisationSpec(steps=9, loss="l2", optimiser="sgd", learning_rate=1.0, decay="none", clip_norm=1e-3)
    Learner(network, spec, fabric).step(0, *batches(1)[0])
    assert (parameters(network) - before).norm().item() == pytest.approx(1e-3, rel=1e-3)


def blurred_noise(scale, channels=1):
    """Eight pictures, smooth enough that a small picture can resemble them: ``(N, C, H, W)``."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(8, channels, 6, 5, generator=generator)
    return nn.functional.interpolate(coarse, scale_factor=2 * scale, mode="bilinear")


def bicubic(pictures, scale):
    """In float64."""
    planes = pictures.double().permute(0, 2, 3, 1).numpy()
    return np.stack([imresize(picture, 1 / scale) for picture in planes]).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("architecture", ["dsn", "twin"])
@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_fidelity_is_added_to_the_loss_with_its_weight(recipe, fabric, architecture, colour):
    torch.manual_seed(0)
    network = build(recipe(architecture=architecture, scale=3, colour=colour))
    truth = blurred_noise(3, network.channels)
    made = network(truth)
    low, restored = (tensor.detach().double().numpy() for tensor in (made.sent, made.restored))
    pixel = np.abs(restored - truth.numpy()).mean()
    fidelity = ((low - bicubic(truth, 3)) ** 2).mean()
    for weight in (0.0, 0.3, 50.0):
        copied = build(recipe(architecture=architecture, scale=3, colour=colour))
        copied.load_state_dict(network.state_dict())
        loss = Learner(copied, OptimisationSpec(steps=9, fidelity=weight), fabric).step(0, truth, truth)
        assert loss.item() == pytest.approx(pixel + weight * fidelity, rel=1e-4)
    assert 50 * fidelity > 0.01 * pixel  # or the last weight would show nothing


def test_colour_fidelity_is_added_to_the_loss_with_its_weight(recipe, fabric):
    truth, losses = blurred_noise(3, 3), []
    for weight in (0.0, 0.5, 40.0):
        torch.manual_seed(0)
        network = build(recipe(architecture="twin", colour="rgb"))
        difference = network(truth).sent.detach().double().numpy() - bicubic(truth, 2)
        spec = OptimisationSpec(steps=9, colour_fidelity=weight)
        losses.append(Learner(network, spec, fabric).step(0, truth, truth).item())
    colour = difference - np.einsum("nchw,c->nhw", difference, [0.299, 0.587, 0.114])[:, None]
    error = (colour**2).mean()
    assert 40 * error > 0.01 * losses[0]  # or the last weight would show nothing
    assert losses == pytest.approx([losses[0] + weight * error for weight in (0, 0.5, 40)], rel=1e-4)


def test_fidelity_brings_the_small_picture_near_the_bicubic_one(recipe, fabric):
    truth = torch.rand(3, 1, 24, 20, generator=torch.Generator().manual_seed(0))
    distances = {}
    for weight, steps in ((0.0, 0), (0.0, 40), (100.0, 40)):
        torch.manual_seed(0)
        network = build(recipe(architecture="twin"))
        learner = Learner(network, OptimisationSpec(steps=40, loss="l2", fidelity=weight, warmup=5), fabric)
        for step in range(steps):
            learner.step(step, truth, truth)
        low = network.eval()(truth).sent.detach().double().numpy()
        distances[weight, steps] = ((low - bicubic(truth, 2)) ** 2).mean()
    # Nearer than the averages that training starts from, and than what restoring alone makes of them.
    assert distances[100.0, 40] < 0.1 * distances[0.0, 0]
    assert distances[100.0, 40] < 0.1 * distances[0.0, 40]


def test_the_rate_is_added_to_the_loss_with_its_weight(recipe, fabric):
    truth, losses, rates = blurred_noise(2), [], []
    for weight in (0.0, 0.2, 3.0):
        torch.manual_seed(0)
        network = build(recipe(architecture="twin", channel=ChannelSpec(name="jpeg")))
        torch.manual_seed(1)
        rates.append(network(truth).rate.mean().item())
        torch.manual_seed(1)
        losses.append(Learner(network, OptimisationSpec(steps=9, rate=weight), fabric).step(0, truth, truth).item())
    assert rates[0] > 0
    assert losses == pytest.approx([losses[0] + weight * rates[0] for weight in (0, 0.2, 3)], rel=1e-4)


def test_the_rate_falls_where_it_is_all_that_counts(recipe, fabric):
    torch.manual_seed(0)
    network = build(recipe(architecture="twin", channel=ChannelSpec(name="jpeg", parameters={"lowest": 80})))
    learner = Learner(network, OptimisationSpec(steps=30, rate=100.0, optimiser="muon", warmup=5), fabric)
    truth = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    before = network(truth).rate.mean()
    for step in range(30):
        learner.step(step, truth, truth)
    assert network(truth).rate.mean() < 0.6 * before


def test_fidelity_is_for_pairs(fabric):
    """Super-resolution does not make the small picture, so there is nothing to hold."""
    batch = batches(1)[0]
    losses = [
        Learner(Tiny(), OptimisationSpec(steps=9, fidelity=weight), fabric).step(0, *batch) for weight in (0.0, 9.0)
    ]
    assert losses[0] == losses[1]


def test_muon_trains_the_large_layers_and_adam_the_others(recipe, fabric):
    torch.manual_seed(0)
    network = build(recipe())
    learner = Learner(network, OptimisationSpec(steps=9, optimiser="muon", output_layer_rate=0.1), fabric)
    truth = blurred_noise(2)
    learner.step(0, truth, truth)
    kinds = {
        name: "momentum" if "momentum" in learner.optimiser.state[parameter] else "adam"
        for name, parameter in network.named_parameters()
    }
    large = {f"down.features.{i}.weight" for i in (1, 2)}
    large |= {f"up.{layer}.{i}.weight" for layer in ("bottlenecks", "convs") for i in range(3)}
    assert {name for name, kind in kinds.items() if kind == "momentum"} == large
    assert [group["lr"] for group in learner.optimiser.param_groups] == pytest.approx([1e-3, 1e-4])


def test_bfloat16_steps_keep_float32_weights():
    fabric = open_fabric("cpu", 1, "bf16-mixed")
    learner = Learner(Tiny(), OptimisationSpec(steps=9), fabric)
    loss = learner.step(0, *batches(1)[0])
    assert loss.dtype == torch.float32
    assert all(p.dtype == torch.float32 for p in learner.network.parameters())


def test_in_bfloat16_pictures_are_not_rounded():
    """As long as no convolution has seen them: 1/512 more than one half is lost in bfloat16."""
    truth = torch.full((1, 1, 6, 6), 0.5 + 1 / 512)

    class Echo(Tiny):
        def forward(self, low):
            return low + 0 * super().forward(low)

    losses = [
        Learner(Echo(), OptimisationSpec(steps=9), open_fabric("cpu", 1, precision)).step(0, truth, truth)
        for precision in ("32-true", "bf16-mixed")
    ]
    assert losses == [0, 0]


def test_only_what_learns_is_compiled(fabric, monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda network: compiled.append(network))
    learner = Learner(Tiny(), OptimisationSpec(steps=9, compile=True), fabric)
    assert compiled == [learner.network]
    Learner(Tiny(), OptimisationSpec(steps=9), fabric)
    assert len(compiled) == 1


class Recorded(TorchDispatchMode):
    """Notes what torch is asked to compute."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": "lean", "colour": "rgb", "optimiser": "muon", "by_detail": True},
        {"architecture": "twin", "optimiser": "adam", "fidelity": 0.1, "precision": "bf16-mixed"},
        {"stride": 16, "loss": "psnr"},
    ],
)
def test_a_step_waits_for_no_result_and_sends_nothing(recipe, folder, monkeypatch, changes):
    """No number is read from the device, and none is made of Python's or NumPy's: each would let a GPU wait."""
    made = recipe(**{"clip_norm": 0.1, "ema": 0.9, "warmup": 2, **changes})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = build(made)
    crops = Crops(load_examples(sorted(folder.iterdir()), made, network), made.data, 0, device)
    learner = Learner(network, made.optimisation, open_fabric("auto", 1, made.optimisation.precision))
    for step in range(2):
        learner.step(step, *crops.batch(step))
    for name in ("numpy", "tolist", "item", "cpu"):
        monkeypatch.setattr(torch.Tensor, name, lambda *_: pytest.fail("a step reads a result"))
    for name in ("from_numpy", "tensor", "as_tensor"):
        monkeypatch.setattr(torch, name, lambda *_, **__: pytest.fail("a step sends numbers"))
    if device.type == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        with Recorded() as recorded:
            learner.step(2, *crops.batch(2))
    finally:
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    assert "convolution" in recorded.names
    assert not recorded.names & {"_local_scalar_dense", "nonzero", "equal", "lift_fresh"}


def test_offsets_are_held_with_their_weights(recipe, fabric):
    """Equation 11 of CAR's paper: restoration, plus λ times the offsets' lengths, plus γ times their variation."""
    made = recipe(architecture="car", colour="rgb", parameters={"upscaler": "bicubic", "width": 4, "blocks": 0})
    network, truth = build(made), blurred_noise(8, 3)
    for conv in network.down.output_layers():
        nn.init.normal_(conv.weight, std=0.1)
    weights = network.state_dict()
    output = network(truth)
    pixel = (output.restored - truth).abs().mean().item()
    distance, variation = offset_distance(output.resampling).item(), offset_variation(output.resampling).item()
    assert min(distance, variation) > 1e-3
    for first, second in ((0.0, 0.0), (0.3, 0.0), (0.0, 5.0), (2.0, 7.0)):
        copied = build(made)
        copied.load_state_dict(weights)
        spec = OptimisationSpec(steps=9, offset_distance=first, offset_variation=second)
        loss = Learner(copied, spec, fabric).step(0, truth, truth)
        assert loss.item() == pytest.approx(pixel + first * distance + second * variation, rel=1e-4)


def test_a_frozen_part_stays_as_it_is(fabric):
    network = Normalised()
    network.normalise.running_var.fill_(0.5)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    spec = OptimisationSpec(steps=3, learning_rate=0.01, ema=0.7, frozen=["inner", "normalise"])
    learner = Learner(network, spec, fabric)
    for step, batch in enumerate(batches(3)):
        learner.step(step, *batch)
    for each in (learner.network, learner.average):
        changed = {name for name, tensor in each.state_dict().items() if not torch.equal(tensor, before[name])}
        assert changed == {"outer.weight", "outer.bias"}


def test_only_parts_can_be_frozen(fabric):
    with pytest.raises(UsageError, match=r"^frozen = 'outter' is no part of the network: use inner, outer$"):
        Learner(Tiny(), OptimisationSpec(steps=3, frozen=["outter"]), fabric)
