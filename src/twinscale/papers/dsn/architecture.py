"""Table 2: the layers of DSN."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import nn

from twinscale.evaluation.published import published_table
from twinscale.nets import Network, Pair
from twinscale.papers.dsn.networks import PAIR
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Value
from twinscale.papers.reproduction import Reproduction
from twinscale.training.build import build
from twinscale.training.recipe import Recipe

_QUANTITIES = ("kernel", "filters", "pad", "stride")
_RESIDUAL_STD, _SLOPE = 0.001, 0.05  # §4.1
_TOLERANCE = 0.2  # of a standard deviation that is estimated from a layer's few hundred weights


class _Layer(NamedTuple):
    """A convolution of ours beside the printed one."""

    name: str
    conv: nn.Conv2d
    printed: dict[str, float]
    """Those of ``_QUANTITIES`` that the paper gives."""
    inputs: int
    """Feature maps that the printed layer receives."""

    @property
    def ours(self) -> dict[str, float]:
        """The same quantities of ours."""
        conv = self.conv
        padding = conv.padding[0]
        assert isinstance(padding, int)
        return dict(zip(_QUANTITIES, (conv.kernel_size[0], conv.out_channels, padding, conv.stride[0]), strict=True))

    @property
    def printed_parameters(self) -> float:
        """Weights and biases of the printed layer."""
        return (self.printed["kernel"] ** 2 * self.inputs + 1) * self.printed["filters"]

    @property
    def parameters(self) -> int:
        """Weights and biases of ours."""
        return sum(parameter.numel() for parameter in self.conv.parameters())

    @property
    def deviation(self) -> float:
        """By which share the initial weights' standard deviation is off what the paper says."""
        fan_in = self.conv.weight[0].numel()
        is_residual = self.name.endswith("residual")
        expected = _RESIDUAL_STD if is_residual else math.sqrt(2 / ((1 + _SLOPE**2) * fan_in))
        return abs(self.conv.weight.std().item() / expected - 1)


def table_2(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 2."""
    pair = build(Recipe.load(PAIR))
    assert isinstance(pair, Pair)
    rows, layers = [], []
    for part, network in (("Down-SNet", pair.down), ("Up-SNet", pair.up)):
        of_part = _layers(part, network)
        for each in of_part:
            shape = "{kernel} x {kernel}, {filters}".format(**each.ours)
            labels = (each.name, shape, str(each.ours["pad"]), str(each.ours["stride"]))
            rows.append(ComparisonRow(labels, Value(each.printed_parameters), Value(each.parameters)))
        of_network = Value(sum(parameter.numel() for parameter in network.parameters()))
        printed = Value(sum(each.printed_parameters for each in of_part))
        rows.append(ComparisonRow((f"{part}, all", "", "", ""), printed, of_network))
        layers += of_part
    labels = ("layer", "ours", "pad", "stride")
    yield Comparison("DSN x3 on luminance", labels, "parameters of the printed layer", rows, digits=(0, 0))
    differing = [
        f"{each.name}: {name} {each.ours[name]} for {printed:.0f}"
        for each in layers
        for name, printed in each.printed.items()
        if each.ours[name] != printed
    ]
    yield Claim("Kernels, filters, pads and strides are as printed", not differing, "; ".join(differing))
    worst = max(each.deviation for each in layers)
    yield Claim(
        "The residual layers start from a Gaussian of σ = 0.001, the others as He et al. say (MSRA)",
        worst < _TOLERANCE,
        f"the weights' standard deviations are within {100 * worst:.0f} % of that",
    )
    yield (
        "The table gives one pad for a 1x1 and the 3x3 after it; here the 1x1 has none, because a pad would enlarge "
        "the picture. Its number of parameters follows from the dense connections: the l-th layer receives 64 l maps."
    )


def _layers(part: str, network: Network) -> list[_Layer]:
    """Return the convolutions of a network in the order they run, beside the printed ones."""
    tables = {quantity: published_table("dsn", "table-2", quantity) for quantity in _QUANTITIES}
    names = [name for name in tables["kernel"] if name.startswith(part)]
    layers, last, dense = [], 1, 0
    for name, conv in zip(names, _in_order(network), strict=True):
        printed = {quantity: table[name]["trunk"] for quantity, table in tables.items() if table[name]}
        inputs = dense if printed["kernel"] == 1 else last
        last = int(printed["filters"])
        dense += last * (printed["kernel"] > 1)  # a 1x1 only feeds the 3x3 after it
        layers.append(_Layer(name, conv, printed, inputs))
    return layers


@torch.no_grad()
def _in_order(network: Network) -> list[nn.Conv2d]:
    ran: list[nn.Conv2d] = []
    hooks = [
        module.register_forward_hook(lambda conv, *_: ran.append(conv))
        for module in network.modules()
        if isinstance(module, nn.Conv2d)
    ]
    network(torch.zeros(1, 1, 6, 6))
    for hook in hooks:
        hook.remove()
    return ran
