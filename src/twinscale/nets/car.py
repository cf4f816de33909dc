"""CAR: Sun and Chen, "Learned Image Downscaling for Upscaling Using Content Adaptive Resampler" (Fig. 1).

The network decides for each small pixel which full-size pixels it is a weighted mean of; another restores the picture
from what comes out. Layers are those of the public code, which made the published numbers: the paper, which lists only
3x3 convolutions, leaves out how its downscaling blocks reduce the picture.

::

    picture ─ 5x5 conv w, LReLU ─ ½ 1x1 conv 2w ─ ½ 1x1 conv 2w ─┬─ blocks x (3x3 conv, LReLU, 3x3 conv, + input) ─(+)─┐
                                                                └─────────────────────────────────────────────────┘  │
      ┌─ ½ 1x1 conv 4w ──────────────────────────────────────────────────────────────────────────────────────────────┘
      ├─ trunk ─ head ─ clamp to [1e-6, 1], divide by the sum ─ kernels
      └─ trunk ─┬─ head ─ tanh, times the scale ─ vertical offsets
                └─ head ─ tanh, times the scale ─ horizontal offsets

    ½:     2x2 pixels become channels
    trunk: 3 x (3x3 conv 4w, ReLU) ─ 1x1 conv, shuffled from an eighth of the picture's size to the small one's, to 4w
           ─ 3x3 conv 4w, ReLU
    head:  3x3 conv 4w, ReLU ─ 3x3 conv k²
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.errors import UsageError
from twinscale.images.colour import LUMA
from twinscale.nets.base import Downscaler, Pair, Rescaled, create_restorer, register
from twinscale.nets.layers.channel import Plain
from twinscale.nets.layers.initial import near_zero, pass_through
from twinscale.nets.layers.inward_clamp import inward_clamp
from twinscale.nets.layers.mean import DIV2K_MEAN, mean_picture
from twinscale.nets.layers.resampling import Resampling, resample
from twinscale.nets.layers.soft_round import SoftRound
from twinscale.rescale.channel import Channel, EightBits

_CONTRAST = 1.0  # standard deviation of the weights that first see contrasts, where they are random
_GAIN = 12.0  # of those that are not, so that a contrast of a tenth becomes about one
_SLOPE = 0.2  # of the leaky ReLU
_SMALLEST = 1e-6  # weight of a tap before kernels are divided by their sum
_REDUCED = 8  # the features' grid is so many times smaller than the picture
# Of the kernel that training starts from: its largest weight, its sigma in small pixels, and its smallest weight
_PEAK, _SIGMA, _FLOOR = 0.5, 0.25, 1e-3


class ResamplerNet(Downscaler):
    """Makes the kernels and offsets of every small pixel, and the small picture by them.

    Args:
        scale: 2 or 4.
        channels: 3 for RGB as in the paper, 1 for luminance.
        width: feature maps of the first layer; the others have two and four times as many.
        blocks: residual blocks.
        head_width: feature maps at the size of the small picture, where most of the work is; 4 * width if None, as in
            the paper.
        size: side of the kernels in full-size pixels, odd; 3 * scale + 1 if None, as in the paper's code.
        offsets: whether taps move; without (Table 3), each stays in its place.

    Raises:
        UsageError: the scale or the size cannot be.
    """

    def __init__(
        self,
        scale: int,
        channels: int = 3,
        width: int = 64,
        blocks: int = 5,
        head_width: int | None = None,
        size: int | None = None,
        offsets: bool = True,
    ) -> None:
        if scale not in (2, 4):
            raise UsageError(f"CAR has no scale {scale}: use 2 or 4, which divide the eighth of a picture it works on")
        size = size or 3 * scale + 1
        if size % 2 == 0:
            raise UsageError(f"size = {size} must be odd, so that kernels have a middle")
        # The heads and the end of the trunk see three small pixels around, which is so many of the eighth's.
        around = math.ceil(3 * scale / _REDUCED)
        radius = 2 + 4 * 2 * blocks + _REDUCED * (3 + around)
        # Small networks look no further than their kernels reach: taps move by the scale at most, between two pixels.
        reach = size // 2 + scale // 2 + 1
        # An eighth of the picture has two pixels a side at least, or there would be nothing to mirror.
        super().__init__(scale, channels, radius=max(radius, reach), multiple_of=2 * _REDUCED)
        self.register_buffer("_mean", mean_picture(channels), persistent=False)
        fine = head_width or 4 * width
        self.head = _seeing_luminance(_conv(channels, width, 5))
        self.halve = nn.ModuleList(
            (_carrying(4, _conv(4 * width, 2 * width, 1)), _carrying(16, _conv(8 * width, 2 * width, 1)))
        )
        self.body = nn.ModuleList(
            nn.ModuleList((_conv(2 * width, 2 * width, 3), near_zero(_conv(2 * width, 2 * width, 3))))
            for _ in range(blocks)
        )
        self.context = _carrying(_CARRIED, _conv(8 * width, 4 * width, 1))
        self.kernel_trunk, self.kernels = _Trunk(4 * width, fine, scale), _Head(fine, size)
        self.offset_trunk = _Trunk(4 * width, fine, scale) if offsets else None
        self.offsets = nn.ModuleList(_Head(fine, size) for _ in range(2)) if offsets else None
        # Random kernels would make noise of the first small pictures. They begin as smooth means, about as blurred as
        # an antialiased reduction.
        self.kernels.output.bias = nn.Parameter(_smooth_kernel(size, scale))

    def resampling(self, picture: Tensor) -> Resampling:
        """Decide how each small pixel of ``(N, C, H, W)`` pictures in [0, 1] is made."""
        assert isinstance(self._mean, Tensor)
        x = F.leaky_relu(self.head(picture - self._mean), _SLOPE)
        for conv in self.halve:
            x = conv(F.pixel_unshuffle(x, 2))
        features = x
        for block in self.body:
            assert isinstance(block, nn.ModuleList)
            first, second = block
            x = x + second(F.leaky_relu(first(x), _SLOPE))
        x = self.context(F.pixel_unshuffle(x + features, 2))
        kernels = inward_clamp(_exact(self.kernels(self.kernel_trunk(x))), _SMALLEST, 1.0)
        kernels = kernels / kernels.sum(dim=1, keepdim=True)
        if self.offsets is None or self.offset_trunk is None:
            return Resampling(kernels, torch.zeros_like(kernels), torch.zeros_like(kernels))
        x = self.offset_trunk(x)
        vertical, horizontal = (self.scale * torch.tanh(_exact(head(x))) for head in self.offsets)
        return Resampling(kernels, vertical, horizontal)

    def forward(self, picture: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` in [0, 1] to ``(N, C, H / scale, W / scale)`` in [0, 1]."""
        return resample(picture, self.resampling(picture), self.scale)

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [head.output for head in (self.kernels, *(self.offsets or ())) if isinstance(head, _Head)]


@register("car")
class CAR(Pair):
    """The co-trained pair.

    Args:
        scale: 2 or 4.
        channels: 3 for RGB as in the paper, 1 for luminance.
        channel: what the small picture goes through; for 8 bits, training uses soft rounding.
        upscaler: the architecture that restores and so decides what the small picture must keep; ``"bicubic"`` makes
            small pictures that look better enlarged by any viewer.
        upscaler_parameters: its own arguments. The paper's EDSR has ``{"width": 256, "blocks": 32, "residual_scale":
            0.1}``.
        width: see :class:`ResamplerNet`.
        blocks: see :class:`ResamplerNet`.
        head_width: see :class:`ResamplerNet`.
        size: see :class:`ResamplerNet`.
        offsets: see :class:`ResamplerNet`.

    Raises:
        UsageError: the scale, the size or a parameter cannot be, or the upscaler takes no small picture.
    """

    def __init__(
        self,
        scale: int,
        channels: int = 3,
        channel: Channel = EightBits(),
        upscaler: str = "edsr",
        upscaler_parameters: Mapping[str, Any] | None = None,
        width: int = 64,
        blocks: int = 5,
        head_width: int | None = None,
        size: int | None = None,
        offsets: bool = True,
    ) -> None:
        up = create_restorer(upscaler, scale, channels, channel, upscaler_parameters)
        self.down: ResamplerNet
        super().__init__(ResamplerNet(scale, channels, width, blocks, head_width, size, offsets), up, channel)
        if isinstance(channel, EightBits):
            self._differentiable = Plain(SoftRound())

    def forward(self, picture: Tensor) -> Rescaled:
        """Shrink and restore ``(N, C, H, W)`` pictures; the result also says how the small ones were made."""
        resampling = self.down.resampling(picture)
        return self._restored(resample(picture, resampling, self.scale), resampling)


def _conv(ins: int, outs: int, size: int) -> nn.Conv2d:
    """Make a convolution that mirrors the picture at its border."""
    return nn.Conv2d(ins, outs, size, padding=size // 2, padding_mode="reflect" if size > 1 else "zeros")


class _Trunk(nn.Sequential):
    """From features of an eighth of the picture's size to ``fine`` ones of the small picture's."""

    def __init__(self, width: int, fine: int, scale: int) -> None:
        enlarged = _REDUCED // scale
        features = [layer for _ in range(3) for layer in (_carrying(_CARRIED, _conv(width, width, 3)), nn.ReLU())]
        enlarge, last = near_zero(_conv(width, fine * enlarged**2, 1)), _conv(fine, fine, 3)
        with torch.no_grad():
            places = _to_their_places(scale)[: enlarge.out_channels, :width]
            enlarge.weight[: len(places), : places.shape[1], 0, 0] = places
            contrasts = last.weight[:, : scale**2]
            contrasts -= contrasts.mean(dim=(1, 2, 3), keepdim=True)
            contrasts *= _CONTRAST / contrasts.std()
            coupled = _coupled_contrasts(scale)[:fine, : contrasts.shape[1]]
            last.weight[: len(coupled)] = 0
            last.weight[: len(coupled), : coupled.shape[1]] = coupled
            assert last.bias is not None
            last.bias[: len(coupled)] = 0
        super().__init__(*features, enlarge, nn.PixelShuffle(enlarged), last, nn.ReLU())


class _Head(nn.Sequential):
    """From features to a value for each tap, at first the same everywhere: zero."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__(_carrying(width, _conv(width, width, 3)), nn.ReLU(), _conv(width, size**2, 3))
        nn.init.zeros_(self.output.weight)
        assert self.output.bias is not None
        nn.init.zeros_(self.output.bias)

    @property
    def output(self) -> nn.Conv2d:
        """The last layer."""
        layer = self[-1]
        assert isinstance(layer, nn.Conv2d)
        return layer


# Which pixels are to be taken depends on products of local contrasts. These are hard to learn from random mixtures of
# the 8x8 pixels that share a position in the middle of the network: small ones then stay for thousands of steps at one
# kernel for everything. So their luminance passes through, in channels of its own, to the small pixels that they make.
# There filters see contrasts in pairs, whose products the heads can make at once, for they begin by passing them on;
# what else the layers see joins in as they learn. It takes a width of 16.
_CARRIED = _REDUCED**2


def _seeing_luminance(conv: nn.Conv2d) -> nn.Conv2d:
    """Make the first channel the luminance of mean-shifted pixels, above zero, where activations change nothing."""
    assert conv.bias is not None
    middle = conv.kernel_size[0] // 2
    with torch.no_grad():
        conv.weight[0] = 0
        conv.weight[0, :, middle, middle] = torch.tensor(LUMA if conv.in_channels == 3 else [1.0])
        conv.bias[0] = max(DIV2K_MEAN)
    return conv


def _carrying(channels: int, conv: nn.Conv2d) -> nn.Conv2d:
    """Let the first channels pass unchanged, as many as there are."""
    assert conv.bias is not None
    channels = min(channels, conv.out_channels)
    with torch.no_grad():
        conv.bias[:channels] = 0
    return pass_through(conv, channels, channels)


def _to_their_places(scale: int) -> Tensor:
    """Return the 1x1 convolution after which shuffling gives each small pixel the ``scale**2`` pixels that it covers.

    It takes the 8x8 pixels of a position in the order in which three times unshuffling by 2 leaves them.
    """
    pixels = torch.arange(float(_CARRIED)).view(1, 1, _REDUCED, _REDUCED)
    found, wanted = pixels, F.pixel_unshuffle(F.pixel_unshuffle(pixels, scale), _REDUCED // scale)
    for _ in range(3):
        found = F.pixel_unshuffle(found, 2)
    return (wanted.flatten()[:, None] == found.flatten()).float()


def _coupled_contrasts(scale: int) -> Tensor:
    """Return filters of the ``scale**2`` pixels of 3x3 small ones, four for each pixel that the middle one covers.

    ``a`` is its contrast with the mean of those pixels, ``b`` that of their mean with the mean of all. The four make
    ``±a ± b``, because after a ReLU their sums give ``|a + b| - |a - b|``: like the product, it has the sign of ``ab``.

    Returns:
        ``(4 * scale**2, scale**2, 3, 3)``.
    """
    covered = scale**2
    a = torch.zeros(covered, covered, 3, 3)
    a[:, :, 1, 1] = torch.eye(covered) - 1 / covered
    b = torch.full((covered, 3, 3), -1 / (9 * covered))
    b[:, 1, 1] += 1 / covered
    return _GAIN * torch.cat([a + b, a - b, b - a, -a - b])


def _exact(x: Tensor) -> Tensor:
    """Leave autocast's precision: offsets of pixels, and sums of many weights, need more than its eight bits."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def _smooth_kernel(size: int, scale: int) -> Tensor:
    """Return the weights of a Gaussian kernel's taps, ``(size * size,)``, before they are divided by their sum."""
    square = (torch.arange(size) - size // 2) ** 2
    distance = square[:, None] + square
    return (_PEAK * torch.exp(-distance / (2 * (_SIGMA * scale) ** 2))).clamp(min=_FLOOR).flatten()
