"""Convolutions that train as several in a row and run as one.

A chain of convolutions without anything between them is itself a convolution, but learns differently. Its kernel is
computed in every step from those of the chain, which costs next to nothing (Bhardwaj et al., "Collapsible Linear
Blocks for Super-Efficient Super Resolution", §3.3), so training is as fast as that of the plain convolution.
"""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_M = TypeVar("_M", bound=nn.Module)


class CollapsedConv(nn.Module):
    """A square convolution that keeps the size; subclasses define its kernel."""

    def __init__(self, ins: int, outs: int, size: int) -> None:
        super().__init__()
        self.ins, self.outs, self.size = ins, outs, size
        self.bias = nn.Parameter(torch.zeros(outs))

    def kernel(self) -> Tensor:
        """Compute the one kernel of the chain, ``(outs, ins, size, size)``."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, outs, H, W)``, padded with zeros."""
        return F.conv2d(x, self.kernel(), self.bias, padding=self.size // 2)


class LinearBlock(CollapsedConv):
    """A convolution to many channels and a 1x1 one back, plus the input if as many go in as come out (SESR, Fig. 2).

    Args:
        ins: channels that go in.
        outs: channels that come out.
        size: side of the kernel, odd.
        expanded: channels in between, 256 in the paper.
    """

    def __init__(self, ins: int, outs: int, size: int, expanded: int = 256) -> None:
        super().__init__(ins, outs, size)
        self.expand = nn.Parameter(torch.empty(expanded, ins, size, size))
        self.project = nn.Parameter(torch.empty(outs, expanded))
        nn.init.xavier_normal_(self.expand)
        nn.init.xavier_normal_(self.project)

    def kernel(self) -> Tensor:
        """See :meth:`CollapsedConv.kernel`."""
        kernel = torch.einsum("oe,eihw->oihw", self.project, self.expand)
        return kernel + _identity(kernel) if self.ins == self.outs else kernel


class Conv3XC(CollapsedConv):
    """A 3x3 convolution between two 1x1 ones, twice as wide, plus a 1x1 one beside them (SPAN, Fig. 3)."""

    _GAIN = 2

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__(ins, outs, 3)
        self.expand = nn.Parameter(torch.empty(self._GAIN * ins, ins))
        self.middle = nn.Parameter(torch.empty(self._GAIN * outs, self._GAIN * ins, 3, 3))
        self.project = nn.Parameter(torch.empty(outs, self._GAIN * outs))
        self.beside = nn.Parameter(torch.empty(outs, ins))
        for weight in (self.expand, self.middle, self.project, self.beside):
            nn.init.kaiming_uniform_(weight, a=5**0.5)

    def kernel(self) -> Tensor:
        """See :meth:`CollapsedConv.kernel`."""
        kernel = torch.einsum("om,mnhw,ni->oihw", self.project, self.middle, self.expand)
        return kernel + F.pad(self.beside[:, :, None, None], (1, 1, 1, 1))


def collapsed(network: _M) -> _M:
    """Copy a network with every chain as one plain convolution: what is counted, exported and run."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, CollapsedConv):
                conv = nn.Conv2d(child.ins, child.outs, child.size, padding=child.size // 2)
                conv.load_state_dict({"weight": child.kernel().detach(), "bias": child.bias.detach()})
                setattr(module, name, conv)
    return network


def _identity(kernel: Tensor) -> Tensor:
    """Return the kernel of the same shape that passes its input through."""
    centre = kernel.shape[-1] // 2
    channels = torch.eye(kernel.shape[0], dtype=kernel.dtype, device=kernel.device)
    return F.pad(channels[:, :, None, None], (centre,) * 4)
