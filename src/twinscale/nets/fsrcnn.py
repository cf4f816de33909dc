"""FSRCNN: Dong, Loy, Tang, "Accelerating the Super-Resolution Convolutional Neural Network" (Fig. 2).

::

    small ─ 5x5 conv d ─ 1x1 conv s ─ m x (3x3 conv s) ─ 1x1 conv d ─ 9x9 deconv, stride scale ─ picture
            extract      shrink       map                expand       a PReLU follows each but the last
"""

from torch import Tensor, nn

from twinscale.nets.base import Upscaler, register

_SLOPE = 0.25  # where the PReLUs start, He et al. 2015
_DECONV_STD = 0.001  # §4.1
_DECONV_SIZE = 9


@register("fsrcnn")
class FSRCNN(Upscaler):
    """An hourglass of thin convolutions on the small picture, enlarged by the last layer (§3.2).

    The paper's deconvolution returns ``scale - 1`` fewer rows and columns (§4.1); here the result is exactly
    ``scale`` times as large. Everything is padded with zeros.

    Args:
        scale: 2, 3 or 4.
        channels: 1 for luminance as in the paper, 3 for RGB.
        features: the paper's d, feature maps at both ends of the hourglass.
        shrunk: the paper's s, feature maps in its waist.
        mappings: the paper's m, number of 3x3 convolutions.
    """

    def __init__(self, scale: int, channels: int = 1, features: int = 56, shrunk: int = 12, mappings: int = 4) -> None:
        # A small pixel's kernel is centred on its scale x scale block; if that is even, half a pixel up and left.
        padding = _DECONV_SIZE // 2 - (scale - 1) // 2
        # Kernel row k >= 0 of small pixel i falls on row scale * i - padding + k. So the last row of block j, which
        # is scale * j + scale - 1, still gets a share of pixel j + reach. Upwards nothing reaches farther.
        reach = (scale - 1 + padding) // scale
        super().__init__(scale, channels, radius=2 + mappings + reach)
        self.extract = _layer(channels, features, 5)
        self.shrink = _layer(features, shrunk, 1)
        self.map = nn.Sequential(*(_layer(shrunk, shrunk, 3) for _ in range(mappings)))
        self.expand = _layer(shrunk, features, 1)
        self.enlarge = nn.ConvTranspose2d(
            features, channels, _DECONV_SIZE, stride=scale, padding=padding, output_padding=(scale - 1) % 2
        )
        nn.init.normal_(self.enlarge.weight, std=_DECONV_STD)
        _zero(self.enlarge.bias)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        x = self.shrink(self.extract(low))
        x = self.expand(self.map(x))
        result: Tensor = self.enlarge(x)
        return result

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.enlarge]


def _layer(ins: int, outs: int, size: int) -> nn.Sequential:
    """Make a convolution that keeps the size, followed by a PReLU with one slope per feature map."""
    conv = nn.Conv2d(ins, outs, size, padding=size // 2)
    nn.init.kaiming_normal_(conv.weight, a=_SLOPE)
    _zero(conv.bias)
    return nn.Sequential(conv, nn.PReLU(outs, init=_SLOPE))


def _zero(bias: Tensor | None) -> None:
    assert bias is not None
    nn.init.zeros_(bias)
