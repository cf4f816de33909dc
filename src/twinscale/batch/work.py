"""What is done to every picture of a batch, as plain data: it can be compared, pickled and sent to another machine."""

import typing
from collections.abc import Callable
from dataclasses import Field, dataclass
from typing import Any, ClassVar

from twinscale.engine import Runtime
from twinscale.images.picture import Picture
from twinscale.rescale import load, restore, shrink, upscale
from twinscale.rescale.model import Model, ProgressCallback, as_model
from twinscale.rescale.restore import Fallback
from twinscale.rescale.shrink import choose_pair
from twinscale.rescale.shrunk import Shrunk
from twinscale.rescale.upscale import choose_model, enlarged_size
from twinscale.zoo import DEFAULT_FAMILIES, load_card, model_names, resolve

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

    def size(self, picture: Picture) -> tuple[int, int]:
        """Return ``(height, width)`` of the result before any network runs.

        Raises:
            UsageError: the model cannot do what is asked of it.
            ModelError: there is no such model, or its card is damaged.
        """

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
        scale: above 1, at most the model's; by default that of the model.
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

    @property
    def suffix(self) -> str:
        """``_x2``, by the scale."""
        name = DEFAULT_FAMILIES["upscaler"] if self.model is None else self.model
        return f"_x{load_card(name).scale if self.scale is None else self.scale:g}"

    def size(self, picture: Picture) -> tuple[int, int]:
        """See :meth:`Work.size`."""
        return enlarged_size(picture, self.scale or choose_model(None, self.model).card.scale)

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        model = choose_model(self.scale, self.model, runtime=self.runtime)
        return lambda picture, progress: upscale(
            picture, self.scale, model=model, ensemble=self.ensemble, tile=self.tile, progress=progress
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

    def size(self, picture: Picture) -> tuple[int, int]:
        """See :meth:`Work.size`."""
        scale = choose_pair(self.scale, self.model).card.scale
        return -(-picture.height // scale), -(-picture.width // scale)

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

    def size(self, picture: Picture) -> tuple[int, int]:
        """See :meth:`Work.size`."""
        if shrunk := Shrunk.find(picture):
            return shrunk.tag.height, shrunk.tag.width
        if self.model is None:
            scale = self.scale or 2
        else:
            scale = choose_pair(None, as_model(self.model, self.scale)).card.scale
        return picture.height * scale, picture.width * scale

    def load(self) -> Process:
        """See :meth:`Work.load`."""
        # A folder is loaded here, once. From a family, each picture's tag chooses the pair, and the pairs are kept.
        is_folder = self.model is not None and resolve(self.model) not in model_names()
        model = load(self.model, self.runtime) if self.model is not None and is_folder else self.model
        return lambda picture, progress: restore(
            picture,
            model=model,
            fallback=self.fallback,
            scale=self.scale,
            tile=self.tile,
            runtime=None if isinstance(model, Model) else self.runtime,
            progress=progress,
        )
