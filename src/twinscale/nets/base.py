"""What every network declares, so that data, tiling and export can treat all of them alike."""

from typing import NamedTuple

from torch import Tensor, nn


class Rescaled(NamedTuple):
    """What a pair makes of a picture; both about [0, 1], ``(N, C, H, W)``."""

    low: Tensor
    """The shrunk picture, quantised unless the network says otherwise: ``(N, C, H / scale, W / scale)``."""
    restored: Tensor
    """The restored picture, neither clipped nor rounded: ``(N, C, H, W)``."""


class Network(nn.Module):
    """A convolutional network from picture to picture.

    Inputs and outputs are ``(N, C, H, W)`` in [0, 1]; outputs are not clipped.
    """

    factor: float
    """Side of the output divided by side of the input."""
    multiple_of: int = 1
    """Sides of the input must be multiples of this."""
    radius: int
    """Receptive-field radius: an output pixel depends on input pixels at most this far away."""

    def output_layers(self) -> list[nn.Module]:
        """The last layers, which some papers train more slowly."""
        raise NotImplementedError


class Upscaler(Network):
    """Super-resolution: a low-resolution picture comes in, ``scale`` times larger it goes out."""

    scale: int
    channels: int
    interpolated_input: bool = False
    """Whether the input is the bicubic enlargement instead of the small picture itself."""


class Pair(nn.Module):
    """A shrinking network and the co-trained one that restores what it made."""

    down: Network
    up: Network
    quantise: nn.Module
    """What rounds the small picture, as the file that holds it will."""
    scale: int
    channels: int

    def forward(self, picture: Tensor) -> Rescaled:
        """Shrink and restore ``(N, C, H, W)`` pictures whose sides are multiples of ``scale``."""
        low: Tensor = self.quantise(self.down(picture))
        return Rescaled(low, self.up(low))

    def output_layers(self) -> list[nn.Module]:
        """The last layers of both networks."""
        return self.down.output_layers() + self.up.output_layers()
