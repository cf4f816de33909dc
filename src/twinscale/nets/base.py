"""What every network declares, so that data, tiling and export can treat all of them alike."""

import inspect
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.engine.operation import halo
from twinscale.errors import TwinscaleError, UsageError
from twinscale.images.colour import LUMA
from twinscale.nets.layers.channel import Received, differentiable
from twinscale.nets.layers.mirror import mirrored
from twinscale.nets.layers.resampling import Resampling
from twinscale.rescale.channel import Channel, EightBits

_MIRRORED_IN_TRAINING = 8  # small pixels: twice as far as Up-SNet sees


class Network(nn.Module):
    """A convolutional network that maps pictures to pictures.

    Inputs and outputs are ``(N, C, H, W)`` in [0, 1]; outputs are not clipped. A network that is told how its picture
    was compressed has further input planes after the picture's, each constant over the picture.

    Args:
        scale: by how much the model that it belongs to shrinks or enlarges; a whole number.
        channels: C; 1 for luminance, 3 for RGB.
        factor: side of this network's output divided by side of its input.
        radius: receptive-field radius: an output pixel depends on input pixels at most this far away. ``math.inf``
            for a network with global operations, such as channel attention, which is never tiled.
        multiple_of: sides of the input must be multiples of this.
        conditions: how many numbers of 0 to 1 it is told of how its picture was compressed, each as one more input
            plane; all are zero where nothing was lost. 3 are those of
            :meth:`twinscale.codecs.quantisation.Quantisation.conditions`.
    """

    def __init__(
        self,
        scale: int,
        channels: int,
        factor: Fraction,
        *,
        radius: int | float,
        multiple_of: int = 1,
        conditions: int = 0,
    ) -> None:
        super().__init__()
        self.scale, self.channels, self.factor = scale, channels, factor
        self.radius, self.multiple_of, self.conditions = radius, multiple_of, conditions

    @property
    def planes(self) -> int:
        """Input planes: those of the picture and the conditions."""
        return self.channels + self.conditions

    def within_mirror_image(self, pictures: Tensor) -> Tensor:
        """Run on pictures continued by their mirror image as far as it sees, as :func:`twinscale.engine.run` may.

        While it is trained, the mirror image ends after a few pixels, or it would be most of what a step computes.

        Args:
            pictures: ``(N, C, H, W)``, as the network takes them.

        Returns:
            What the network makes of them, without what it makes of the mirror image.
        """
        near = _MIRRORED_IN_TRAINING * self.factor.denominator
        margin = halo(min(self.radius, near) if self.training else self.radius, self.multiple_of)
        result: Tensor = self(mirrored(pictures, margin))
        height, width = (int(side * self.factor) for side in pictures.shape[2:])
        added = int(margin * self.factor)
        return result[:, :, added : added + height, added : added + width]

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers, which some papers train more slowly."""
        raise NotImplementedError

    def grown_from(self, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Make weights to start from out of those of a trained network.

        Here they must be those of the same network, which may have been told nothing: what it is newly told does not
        matter yet. A network that can grow from smaller ones overrides this.

        Args:
            trained: state dictionary of the trained network.

        Returns:
            A state dictionary for this network; batch counters are left out, as they are in model files.

        Raises:
            ValueError: they do not fit; the message begins with the name of the first that does not.
        """
        own = {name: tensor for name, tensor in self.state_dict().items() if tensor.is_floating_point()}  # no counters
        weights = {}
        for name, tensor in own.items():
            weight = trained.get(name)
            if weight is not None and weight.shape[1:2] == (self.channels,) and tensor.shape[1:2] == (self.planes,):
                weight = F.pad(weight, (0, 0) * (tensor.ndim - 2) + (0, self.conditions))
            if weight is None or weight.shape != tensor.shape:
                raise ValueError(name)
            weights[name] = weight
        return weights


class Upscaler(Network):
    """Super-resolution: a low-resolution picture comes in and leaves ``scale`` times as large.

    Args:
        scale: how many times as large as the small picture the result is; 1 for a network that only repairs.
        channels: 1 for luminance, 3 for RGB.
        radius: see :class:`Network`.
        multiple_of: see :class:`Network`.
        conditions: see :class:`Network`.
    """

    interpolated_input: ClassVar[bool] = False
    """Whether the input is the bicubic enlargement instead of the small picture itself."""

    def __init__(
        self, scale: int, channels: int, *, radius: int | float, multiple_of: int = 1, conditions: int = 0
    ) -> None:
        factor = Fraction(1 if self.interpolated_input else scale)
        super().__init__(scale, channels, factor, radius=radius, multiple_of=multiple_of, conditions=conditions)


class Downscaler(Network):
    """The shrinking half of a pair; what it returns is neither clipped nor rounded.

    Args:
        scale: how many times smaller than the picture the result is.
        channels: 1 for luminance, 3 for RGB.
        radius: see :class:`Network`.
        multiple_of: see :class:`Network`; a multiple of the scale, which it is by default.
    """

    def __init__(self, scale: int, channels: int, *, radius: int | float, multiple_of: int | None = None) -> None:
        super().__init__(scale, channels, Fraction(1, scale), radius=radius, multiple_of=multiple_of or scale)


class Rescaled(NamedTuple):
    """What a pair makes of a picture; all pictures are about [0, 1]."""

    sent: Tensor
    """The shrunk picture: ``(N, C, H / scale, W / scale)``."""
    low: Tensor
    """The same as it leaves the channel; without colours if the picture has none, as in a grey file."""
    restored: Tensor
    """The restored picture, neither clipped nor rounded: ``(N, C, H, W)``."""
    resampling: Resampling | None = None
    """How each small pixel was made, if it is a weighted mean of full-size ones."""
    rate: Tensor | None = None
    """What the file of each small picture costs, ``(N,)``: as :attr:`twinscale.nets.layers.channel.Received.rate`, but
    per pixel of the full-size picture."""


class Pair(nn.Module):
    """A shrinking network and the co-trained one that restores what it made.

    Where ``mirrored`` is true, both see pictures continued by their mirror image: zeros beyond the border would be an
    edge that does not exist, and most visible where a picture is flat.

    Args:
        down: shrinks.
        up: restores.
        channel: what the small picture goes through in between; training sees its differentiable form.

    Raises:
        UsageError: the restoring network asks for something that the channel does not tell.
    """

    mirrored: ClassVar[bool] = False

    def __init__(self, down: Downscaler, up: Upscaler, channel: Channel = EightBits()) -> None:
        super().__init__()
        told = len(channel.conditions(up.channels))
        if up.conditions not in (0, told):
            raise UsageError(
                f"conditions = {up.conditions} does not fit channel {channel!r}: the restoring network can be told "
                f"{told} or 0"
            )
        self.scale, self.channels = up.scale, up.channels
        self.down, self.up = down, up
        self.channel = channel
        self._differentiable = differentiable(channel)

    def forward(self, picture: Tensor) -> Rescaled:
        """Shrink and restore ``(N, C, H, W)`` pictures whose sides are multiples of ``down.multiple_of``."""
        small = self._run(self.down, picture)
        if self.channels == 1:
            return self._restored(small)
        return self._restored(_grey_as(picture, small))._replace(sent=small)

    def _restored(self, sent: Tensor, resampling: Resampling | None = None) -> Rescaled:
        """Send small pictures through the channel and restore them."""
        received: Received = self._differentiable(sent)
        inputs = received.low
        if self.up.conditions:
            assert received.conditions is not None, "checked"
            planes = received.conditions[:, :, None, None].expand(-1, -1, *inputs.shape[2:])
            inputs = torch.cat((inputs, planes), dim=1)
        rate = None if received.rate is None else received.rate / self.scale**2
        return Rescaled(sent, received.low, self._run(self.up, inputs), resampling, rate)

    def _run(self, network: Network, pictures: Tensor) -> Tensor:
        return network.within_mirror_image(pictures) if self.mirrored else network(pictures)

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers of both networks."""
        return self.down.output_layers() + self.up.output_layers()


def _grey_as(picture: Tensor, small: Tensor) -> Tensor:
    """Take the colours out of the small ones of grey pictures, as their files do."""
    is_grey = (picture == picture[:, :1]).flatten(1).all(dim=1)[:, None, None, None]
    luma = torch.einsum("nchw,c->nhw", small, small.new_tensor(LUMA))[:, None]
    return torch.where(is_grey, luma, small)


ARCHITECTURES: dict[str, type[Upscaler] | type[Pair]] = {}
"""The networks that can be trained, by the names that recipes and cards use."""

_N = TypeVar("_N", bound=type[Upscaler] | type[Pair])


def register(name: str) -> Callable[[_N], _N]:
    """Return a class decorator that gives a network the name by which recipes and cards call it."""

    def registered(network: _N) -> _N:
        assert name not in ARCHITECTURES, f"two networks are called {name}"
        ARCHITECTURES[name] = network
        return network

    return registered


def create(architecture: str, **parameters: Any) -> Upscaler | Pair:
    """Build an untrained network by name.

    Args:
        architecture: a key of :data:`ARCHITECTURES`.
        **parameters: the architecture's own arguments: ``scale`` and ``channels``, for a pair ``channel``.

    Raises:
        UsageError: the architecture or a parameter is unknown, or there is no such network of these parameters.
    """
    if architecture not in ARCHITECTURES:
        raise UsageError(f"unknown architecture {architecture!r}: use one of {', '.join(sorted(ARCHITECTURES))}")
    network = ARCHITECTURES[architecture]
    known = inspect.signature(network).parameters
    for name in parameters:
        if name not in known:
            raise UsageError(f"{architecture} has no parameter {name!r}: it takes {', '.join(known)}")
    try:
        return network(**parameters)
    except TwinscaleError:
        raise
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:  # what comes of a text, or of no width
        reason = " ".join(str(error).split())
        raise UsageError(
            f"{architecture} cannot be built of these parameters ({reason:.200}): compare them with a shipped recipe's"
        ) from error


def create_restorer(
    upscaler: str, scale: int, channels: int, channel: Channel, parameters: Mapping[str, Any] | None
) -> Upscaler:
    """Build the restoring half of a pair by name; it is told what the channel has to tell, if it can be told anything.

    Args:
        upscaler: an architecture that enlarges the small picture itself.
        scale: see :class:`Network`.
        channels: see :class:`Network`.
        channel: what the small picture goes through.
        parameters: the architecture's own arguments.

    Raises:
        UsageError: the architecture or a parameter is unknown, or it takes no small picture.
    """
    told = {}
    if upscaler in ARCHITECTURES and "conditions" in inspect.signature(ARCHITECTURES[upscaler]).parameters:
        told["conditions"] = len(channel.conditions(channels))
    up = create(upscaler, scale=scale, channels=channels, **(told | dict(parameters or {})))
    if not isinstance(up, Upscaler) or up.interpolated_input:
        raise UsageError(f"upscaler = {upscaler!r} must enlarge the small picture itself, as edsr does")
    return up
