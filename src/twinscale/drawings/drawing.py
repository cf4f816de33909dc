"""What all drawings have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = Sequence[tuple[float, float]]

_DPI = 110


class Drawing(ABC):
    """Something to look at, held as data."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write a PNG file.

        Raises:
            OSError: the file cannot be written.
        """


class Plot(Drawing):
    """A drawing made by matplotlib."""

    @abstractmethod
    def figure(self) -> "Figure":
        """Draw the figure."""

    def save(self, path: Path) -> None:
        """Write a PNG file with 110 pixels per inch."""
        self.figure().savefig(path, dpi=_DPI)


class Raster(Drawing):
    """A drawing made of pixels."""

    @abstractmethod
    def pixels(self) -> NDArray[np.uint8]:
        """Return the drawing, ``(H, W, 3)``."""

    def save(self, path: Path) -> None:
        """Write a PNG file."""
        Image.fromarray(self.pixels()).save(path, optimize=True)


def columns(points: Points) -> tuple[list[float], list[float]]:
    """Separate points into their x and y."""
    return [x for x, _ in points], [y for _, y in points]


def label_decades(axes: "Axes") -> None:
    """Label 1, 2 and 5 of every decade of the horizontal axis, in plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
