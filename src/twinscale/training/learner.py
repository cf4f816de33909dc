"""One training step, and the weights averaged over steps."""

import copy
from itertools import compress

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from twinscale.errors import UsageError
from twinscale.nets import Pair, Upscaler
from twinscale.training.losses import colour_fidelity_loss, fidelity_loss, offset_distance, offset_variation, pixel_loss
from twinscale.training.optimisation import learning_rate, make_optimiser
from twinscale.training.recipe import OptimisationSpec


class Learner:
    """A network with its optimiser and its averaged copy, which is validated and exported.

    Args:
        network: what learns; it changes in place.
        spec: how it learns.
        fabric: the device and the precision it learns in, launched.

    Raises:
        UsageError: the network has no part of a name that is to be frozen.
    """

    def __init__(self, network: Upscaler | Pair, spec: OptimisationSpec, fabric: Fabric) -> None:
        frozen = [_part(network, name).requires_grad_(False) for name in spec.frozen]
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(network).to(fabric.device).eval().requires_grad_(False)
        self.optimiser = make_optimiser(network, spec)
        self.learning_rate = 0.0
        """Learning rate of the last step, before a layer's own rate."""
        self._spec, self._fabric = spec, fabric
        self._model, self._stepper = fabric.setup(network, self.optimiser)
        self._model.train()
        for part in frozen:
            part.eval()  # so that normalisation does not learn either
        # Buffers too: statistics gathered in training belong to the weights that they were gathered with.
        own, averaged = ([*each.parameters(), *each.buffers()] for each in (network, self.average))
        is_averaged = [tensor.is_floating_point() for tensor in own]
        self._own, self._averaged = list(compress(own, is_averaged)), list(compress(averaged, is_averaged))
        self._counters = [(a, b) for a, b, floats in zip(averaged, own, is_averaged, strict=True) if not floats]

    def step(self, position: float, inputs: Tensor, truth: Tensor) -> Tensor:
        """Learn from one batch.

        Args:
            position: number of the recipe's steps that lie behind; it decides the learning rate and the averaging.
            inputs: what the network sees, ``(N, C, h, w)`` in [0, 1].
            truth: what it should return, ``(N, C, H, W)`` in [0, 1].

        Returns:
            The loss before the step, a detached scalar.
        """
        self.learning_rate = learning_rate(position, self._spec)
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate * group["rate"]
        output = self._model(inputs)
        if isinstance(self.network, Pair):
            loss = pixel_loss(self._spec.loss, output.restored, truth)
            if self._spec.fidelity:
                loss = loss + self._spec.fidelity * fidelity_loss(output.sent, truth)
            if self._spec.colour_fidelity:
                loss = loss + self._spec.colour_fidelity * colour_fidelity_loss(output.sent, truth)
            if self._spec.rate:
                loss = loss + self._spec.rate * output.rate.mean()
            if self._spec.offset_distance and output.resampling:
                loss = loss + self._spec.offset_distance * offset_distance(output.resampling)
            if self._spec.offset_variation and output.resampling:
                loss = loss + self._spec.offset_variation * offset_variation(output.resampling)
        else:
            loss = pixel_loss(self._spec.loss, output, truth)
        self._stepper.zero_grad()
        self._fabric.backward(loss)
        if self._spec.clip_norm:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._spec.clip_norm)
        self._stepper.step()
        with torch.no_grad():
            # Early averages forget faster; otherwise they would retain the random start.
            keep = min(self._spec.ema, (position + 1) / (position + 10))
            torch._foreach_lerp_(self._averaged, self._own, 1 - keep)
            for averaged, own in self._counters:
                averaged.copy_(own)
        return loss.detach()


def _part(network: nn.Module, name: str) -> nn.Module:
    """Return a part of a network by its name."""
    parts = dict(network.named_children())
    if name not in parts:
        raise UsageError(f"frozen = {name!r} is no part of the network: use {', '.join(parts)}")
    return parts[name]
