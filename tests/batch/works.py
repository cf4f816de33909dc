"""Works that need no network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from twinscale.batch.work import Formats, Process
from twinscale.engine import Runtime
from twinscale.images.picture import Picture
from twinscale.rescale.model import ProgressCallback


@dataclass(frozen=True)
class Fake:
    """What every fake work says about itself."""

    kind: ClassVar[str] = "fake"
    suffix: ClassVar[str] = "_new"
    carries_tag: ClassVar[bool] = False
    formats: ClassVar[Formats] = "any"
    placeholders: ClassVar[dict[str, str]] = {}

    runtime: Runtime = field(default=Runtime(), kw_only=True)

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def size(self, picture: Picture) -> tuple[int, int]:
        return picture.height, picture.width


@dataclass(frozen=True)
class Each(Fake):
    """Calls a function with every picture."""

    function: Callable[[Picture, ProgressCallback | None], Picture] = field(default=lambda picture, _: picture)

    def load(self) -> Process:
        return lambda picture, _, progress: self.function(picture, progress)


@dataclass(frozen=True)
class Add(Fake):
    """Adds a number to every level of pictures of 8 bits, from white back to black."""

    number: int = 100

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": self.kind, "number": self.number}

    def load(self) -> Process:
        return lambda picture, _, __: picture.with_planes((picture.pixels + np.uint8(self.number)) / 255)


@dataclass(frozen=True)
class Other(Add):
    """The same, as another kind of work."""

    kind: ClassVar[str] = "other"
    suffix: ClassVar[str] = "_other"
