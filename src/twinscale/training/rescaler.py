"""A torch network as the evaluation measures it: as it is trained, or as it would ship."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from twinscale import engine
from twinscale.engine import Operation, run
from twinscale.engine.operation import on_grey, told
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.provenance import REFERENCE
from twinscale.evaluation.trial import Rescaler
from twinscale.nets import Network, Pair, Upscaler
from twinscale.rescale.channel import Channel, Unchanged
from twinscale.training.degradation import Degradation
from twinscale.training.export import to_onnx
from twinscale.training.recipe import DataSpec, NetworkSpec


def as_trained(network: Upscaler | Pair, spec: NetworkSpec, data: DataSpec, channel: Channel | None = None) -> Rescaler:
    """Make a rescaler that runs a network in torch, on whole pictures and on its device; results are not clipped.

    Args:
        network: the network, in evaluation mode; super-resolution starts from small pictures made as ``data`` says.
        spec: scale and colour.
        data: how small pictures are made, and enlarged before networks that want it.
        channel: what small pictures go through; None for a pair's own, and for nothing before super-resolution.
    """

    def transform(part: Network, planes: NDArray, conditions: Sequence[float]) -> NDArray:
        operation = in_torch(part, mirrored=_is_mirrored(network))
        result = _fitting(operation, network, planes, conditions)(_padded(planes.astype(np.float32), operation))
        return _without_padding(result, planes, operation)

    return _rescaler(network, spec, data, transform, channel)


def as_shipped(network: Upscaler | Pair, spec: NetworkSpec, data: DataSpec) -> Rescaler:
    """Make a rescaler that exports a network and runs it in the engine, in tiles."""

    @functools.cache
    def operation(part: Network) -> Operation:
        return replace(exported(part), mirrored=_is_mirrored(network))

    def transform(part: Network, planes: NDArray, conditions: Sequence[float]) -> NDArray:
        return run(_fitting(operation(part), network, planes, conditions), planes.astype(np.float32))

    return _rescaler(network, spec, data, transform)


def baseline(spec: NetworkSpec, data: DataSpec, channel: Channel | None = None) -> Rescaler:
    """Make what a network is compared with: bicubic enlargement of what super-resolution starts from.

    A pair's recipe does not say how pictures are made small, which means bicubically.

    Args:
        spec: scale and colour.
        data: how small pictures are made.
        channel: what they go through, if anything.
    """
    reduce = Degradation(spec.scale, spec.colour, data).reduce
    sent_through = channel or Unchanged()
    return Rescaler(lambda truth: sent_through(reduce(truth)), Protocol(spec.scale, spec.colour).enlarge)


def _padded(pixels: NDArray, operation: Operation) -> NDArray:
    """Repeat the last row and column of ``(H, W, C)`` until both sides are multiples of ``operation.multiple_of``."""
    bottom, right = (-side % operation.multiple_of for side in pixels.shape[:2])
    return np.pad(pixels, ((0, bottom), (0, right), (0, 0)), mode="edge") if bottom or right else pixels


def _without_padding(result: NDArray, pixels: NDArray, operation: Operation) -> NDArray:
    """Cut what an operation made of :func:`_padded` pixels to what belongs to the pixels: sides are rounded up."""
    height, width = (math.ceil(side * operation.scale) for side in pixels.shape[:2])
    return np.ascontiguousarray(result[:height, :width])


def _rescaler(
    network: Upscaler | Pair,
    spec: NetworkSpec,
    data: DataSpec,
    transform: Callable[[Network, NDArray, Sequence[float]], NDArray],
    channel: Channel | None = None,
) -> Rescaler:
    if isinstance(network, Pair):
        sent_through = channel or network.channel
        return Rescaler(
            lambda truth: sent_through(transform(network.down, truth, ())),
            lambda low: transform(network.up, low, sent_through.conditions(network.channels)[: network.up.conditions]),
        )
    degradation, before = Degradation(spec.scale, spec.colour, data), channel or Unchanged()
    nothing_lost = (0.0,) * network.conditions

    def enlarge(low: NDArray) -> NDArray:
        conditions = before.conditions(low.shape[2]) or nothing_lost
        small = degradation.enlarge(low) if network.interpolated_input else low
        return transform(network, small, conditions if network.conditions else ())

    return Rescaler(lambda truth: before(degradation.reduce(truth)), enlarge)


def _fitting(operation: Operation, network: Upscaler | Pair, planes: NDArray, conditions: Sequence[float]) -> Operation:
    """Adapt the operation to planes of one channel if the network has three, and to what it is told."""
    if conditions:
        operation = told(operation, conditions)
    return on_grey(operation) if planes.shape[2] < network.channels else operation


def _is_mirrored(network: Upscaler | Pair) -> bool:
    return isinstance(network, Pair) and network.mirrored


def in_torch(network: Network, *, mirrored: bool = False) -> Operation:
    """Make an operation of a network that torch runs, on the device of its weights or buffers.

    Args:
        network: the network, in evaluation mode.
        mirrored: whether each picture that it is called with is continued by its mirror image.
    """
    see = network.within_mirror_image if mirrored else network
    device = next(chain(network.parameters(), network.buffers())).device

    @torch.no_grad()
    def forward(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        inputs = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2)
        result: NDArray[np.float32] = see(inputs).permute(0, 2, 3, 1).float().cpu().numpy()
        return result

    return _operation(forward, network)


def exported(network: Network) -> Operation:
    """Export a network and make an operation of it that the engine runs."""
    return _operation(REFERENCE.load(to_onnx(network), name=type(network).__name__), network)


def _operation(runnable: engine.Network, network: Network) -> Operation:
    return Operation.of(runnable, scale=network.factor, radius=network.radius, multiple_of=network.multiple_of)
