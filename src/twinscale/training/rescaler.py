"""A torch network as the evaluation measures it: as it is trained, or as it would ship."""

from collections.abc import Callable
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from twinscale import engine
from twinscale.engine import Operation, run
from twinscale.engine.operation import on_grey
from twinscale.engine.tiling import padded, without_padding
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.provenance import REFERENCE
from twinscale.evaluation.trial import Rescaler, Transform
from twinscale.nets import Network, Pair, Upscaler
from twinscale.training.degradation import Degradation
from twinscale.training.export import to_onnx
from twinscale.training.recipe import DataSpec, NetworkSpec


def as_trained(network: Upscaler | Pair, spec: NetworkSpec, data: DataSpec) -> Rescaler:
    """Make a rescaler that runs a network in torch, on whole pictures and on its device; results are not clipped.

    Args:
        network: the network, in evaluation mode; super-resolution starts from small pictures made as ``data`` says.
        spec: scale and colour.
        data: how small pictures are made, and enlarged before networks that want it.
    """

    def transform(part: Network) -> Transform:
        operation = in_torch(part)

        def whole(planes: NDArray) -> NDArray:
            result = _fitting(operation, network, planes)(padded(planes.astype(np.float32), operation))
            return without_padding(result, planes, operation)

        return whole

    return _rescaler(network, spec, data, transform)


def as_shipped(network: Upscaler | Pair, spec: NetworkSpec, data: DataSpec) -> Rescaler:
    """Make a rescaler that exports a network and runs it in the engine, in tiles."""

    def transform(part: Network) -> Transform:
        operation = exported(part)
        return lambda planes: run(_fitting(operation, network, planes), planes.astype(np.float32))

    return _rescaler(network, spec, data, transform)


def baseline(spec: NetworkSpec, data: DataSpec) -> Rescaler:
    """Make what a network is compared with: bicubic enlargement of what super-resolution starts from.

    A pair's recipe does not say how pictures are made small, which means bicubically.
    """
    return Rescaler(Degradation(spec.scale, spec.colour, data).reduce, Protocol(spec.scale, spec.colour).enlarge)


def _rescaler(
    network: Upscaler | Pair, spec: NetworkSpec, data: DataSpec, transform: Callable[[Network], Transform]
) -> Rescaler:
    if isinstance(network, Pair):
        down, up = transform(network.down), transform(network.up)
        return Rescaler(lambda truth: network.channel(down(truth)), up)
    degradation, enlarge = Degradation(spec.scale, spec.colour, data), transform(network)
    if network.interpolated_input:
        return Rescaler(degradation.reduce, lambda low: enlarge(degradation.enlarge(low)))
    return Rescaler(degradation.reduce, enlarge)


def _fitting(operation: Operation, network: Upscaler | Pair, planes: NDArray) -> Operation:
    """Adapt the operation to planes of one channel if the network has three."""
    return on_grey(operation) if planes.shape[2] < network.channels else operation


def in_torch(network: Network) -> Operation:
    """Make an operation of a network that torch runs, on the device of its weights or buffers."""
    device = next(chain(network.parameters(), network.buffers())).device

    @torch.no_grad()
    def forward(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        inputs = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2)
        result: NDArray[np.float32] = network(inputs).permute(0, 2, 3, 1).float().cpu().numpy()
        return result

    return _operation(forward, network)


def exported(network: Network) -> Operation:
    """Export a network and make an operation of it that the engine runs."""
    return _operation(REFERENCE.load(to_onnx(network), name=type(network).__name__), network)


def _operation(runnable: engine.Network, network: Network) -> Operation:
    return Operation.of(runnable, scale=network.factor, radius=network.radius, multiple_of=network.multiple_of)
