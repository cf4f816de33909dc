"""What all drawings have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Sequence[tuple[float, float]]

_DPI = 110


class Drawing(ABC):
    """Something to look at, as data."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write a PNG file.

        Raises:
            OSError: the file cannot be written.
        """


class Plot(Drawing):
    """A drawing by matplotlib."""

    @abstractmethod
    def figure(self) -> "Figure":
        """The figure."""

    def save(self, path: Path) -> None:
        """Write a PNG file of 110 pixels per inch."""
        self.figure().savefig(path, dpi=_DPI)


class Raster(Drawing):
    """A drawing that is made of pixels."""

    @abstractmethod
    def pixels(self) -> NDArray[np.uint8]:
        """The drawing, ``(H, W, 3)``."""

    def save(self, path: Path) -> None:
        """Write a PNG file."""
        Image.fromarray(self.pixels()).save(path, optimize=True)


def columns(points: Points) -> tuple[list[float], list[float]]:
    """The points' x and y."""
    return [x for x, _ in points], [y for _, y in points]
