"""What is done to every picture of a batch, as plain data: it can be compared, pickled and sent to another machine."""

import typing
from collections.abc import Callable
from dataclasses import Field, dataclass
from typing import Any, ClassVar

from twinscale.engine import Runtime
from twinscale.images.picture import Picture
from twinscale.rescale import load, restore, shrink, upscale
from twinscale.rescale.model import Model, ProgressCallback
from twinscale.rescale.restore import Fallback
from twinscale.rescale.shrink import choose_pair
from twinscale.rescale.target import Target
from twinscale.zoo import DEFAULT_FAMILIES, model_names, resolve, scales

Process = Callable[[Picture, ProgressCallback | None], Picture]
"""Works on one picture, and reports the number of finished and of all tiles meanwhile."""


class Work(typing.Protocol):
    """What a batch does to every picture; a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def runtime(self) -> Runtime:
        """What runs the networks."""

    @property
    def suffix(self) -> str:
        """What goes between the name and the extension of an output that is not named.

        Raises:
            ModelError: the suffix depends on the model's scale, and there is no such model.
        """

    @property
    def carries_tag(self) -> bool:
        """Whether a result must keep its XMP packet and its exact pixels, as a shrunk picture must."""

    def load(self) -> Process:
        """Find the model, once per process; its networks are loaded with the first picture.

        Raises:
            UsageError: the model cannot do what is asked of it.
            ModelError: there is no such model, or its card is damaged.
        """


@dataclass(frozen=True, slots=True)
class Upscale:
    """Enlarge pictures, as :func:`twinscale.upscale` does.

    Attributes:
        model: name of a model or of a family, or a folder; by default the default family.
        scale: see :func:`twinscale.upscale`; so are ``width``, ``height`` and ``fit``.
        ensemble: see :func:`twinscale.upscale`.
        tile: see :func:`twinscale.upscale`.
        runtime: what runs the network.
    """

    carries_tag: ClassVar[bool] = False

    model: str | None = None
    scale: float | None = None
    ensemble: bool = False
    tile: int | None = None
    runtime: Runtime = Runtime()
    width: int | None = None
    height: int | None = None
    fit: tuple[int, int] | None = None

    @property
    def target(self) -> Target:
        """How large pictures become.

        Raises:
            UsageError: the scale or a side is out of range, or they contradict each other.
            ModelError: it depends on the model's scale, and there is no such model.
        """
        name = DEFAULT_FAMILIES["upscaler"] if self.model is None else self.model
        return Target(self.scale, self.width, self.height, self.fit).or_times(scales(name)[0])

    @property
    def suffix(self) -> str:
        """``_x2``, ``_1920w``, ``_1080h`` or ``_1920x1080``, by what is asked for."""
        return f"_{self.target}"

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        target = self.target
        model = _fixed(DEFAULT_FAMILIES["upscaler"] if self.model is None else self.model, self.runtime)
        return lambda picture, progress: upscale(
            picture,
            target.scale,
            width=target.width,
            height=target.height,
            fit=target.fit,
            model=model,
            ensemble=self.ensemble,
            tile=self.tile,
            runtime=None if isinstance(model, Model) else self.runtime,
            progress=progress,
        )


@dataclass(frozen=True, slots=True)
class Shrink:
    """Make pictures smaller so that they can be brought back, as :func:`twinscale.shrink` does.

    Attributes:
        model: name of a pair or of a family of pairs, or a folder; by default the default family.
        scale: 2, 3 or 4; by default that of the model.
        tile: see :func:`twinscale.shrink`.
        runtime: what runs the network.
    """

    carries_tag: ClassVar[bool] = True
    suffix: ClassVar[str] = "_shrunk"

    model: str | None = None
    scale: int | None = None
    tile: int | None = None
    runtime: Runtime = Runtime()

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        model = choose_pair(self.scale, self.model, runtime=self.runtime)
        return lambda picture, progress: shrink(picture, model=model, tile=self.tile, progress=progress)


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring shrunk pictures back, as :func:`twinscale.restore` does.

    Attributes:
        model: name of a pair or of a family of pairs, or a folder; by default the pair that each picture's tag names.
        fallback: what to do with a picture that carries no tag.
        scale: factor of a picture that carries no tag.
        tile: see :func:`twinscale.restore`.
        runtime: what runs the networks.
    """

    carries_tag: ClassVar[bool] = False
    suffix: ClassVar[str] = "_restored"

    model: str | None = None
    fallback: Fallback | None = None
    scale: int | None = None
    tile: int | None = None
    runtime: Runtime = Runtime()

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        model = None if self.model is None else _fixed(self.model, self.runtime)
        return lambda picture, progress: restore(
            picture,
            model=model,
            fallback=self.fallback,
            scale=self.scale,
            tile=self.tile,
            runtime=None if isinstance(model, Model) else self.runtime,
            progress=progress,
        )


def _fixed(model: str, runtime: Runtime) -> Model | str:
    """Load one's own model once, because its folder may change meanwhile; of a family, each picture chooses its own."""
    return model if resolve(model) in model_names() else load(model, runtime)
