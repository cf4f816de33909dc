"""Points of a picture that move."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twinscale.drawings.drawing import Plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class Displacements(Plot):
    """Points on a picture and where they move to, each way of moving them in a panel of its own."""

    picture: NDArray[np.uint8]
    """``(H, W, 3)``."""
    panels: Mapping[str, tuple[NDArray, NDArray]]
    """By title, where points lie and where they move: ``(groups, n, 2)``, rows and columns in pixels, the centre of the
    first pixel being (0, 0)."""

    def figure(self) -> "Figure":
        """Draw the picture alone, then a panel for each way: a dot where a point arrives, a colour for each group."""
        from matplotlib.collections import LineCollection
        from matplotlib.figure import Figure

        height, width = self.picture.shape[:2]
        count = 1 + len(self.panels)
        figure = Figure(figsize=(5 * count, 5 * height / width + 0.4), layout="constrained")
        first, *others = figure.subplots(1, count, squeeze=False)[0]
        for axes in (first, *others):
            axes.imshow(self.picture, interpolation="nearest", alpha=1 if axes is first else 0.5)
            axes.set_axis_off()
        first.set_title("picture")
        for axes, (title, (places, moved)) in zip(others, self.panels.items(), strict=True):
            axes.set_title(title)
            for group, (before, after) in enumerate(zip(places, moved, strict=True)):
                lines = np.stack((before, after), axis=1)[:, :, ::-1]  # x, y
                axes.add_collection(LineCollection(list(lines), colors=f"C{group}", linewidths=0.6))
                axes.scatter(after[:, 1], after[:, 0], s=1, color=f"C{group}")
            axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        return figure
