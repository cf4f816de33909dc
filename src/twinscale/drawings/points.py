"""Scatter plots: accuracy against time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinscale.drawings.drawing import Plot, columns, label_decades

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NamedPoints = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class TradeOff(Plot):
    """Named points, each in a colour of its own, the horizontal axis logarithmic."""

    points: NamedPoints
    x: str
    """What the horizontal axis shows."""
    y: str
    """What the vertical axis shows."""

    def figure(self) -> "Figure":
        """Draw each name on the right of its point, or on the left if another point follows at the same height."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.5, 3.8), layout="constrained")
        axes = figure.subplots()
        heights = [above for _, above in self.points.values()]
        near = 0.05 * (max(heights) - min(heights))
        for name, (right, above) in self.points.items():
            followed = any(right < r < 2 * right and abs(above - a) <= near for r, a in self.points.values())
            shift, side = (-6, "right") if followed else (6, "left")
            (drawn,) = axes.semilogx(right, above, "o")
            axes.annotate(
                name,
                (right, above),
                xytext=(shift, 0),
                textcoords="offset points",
                ha=side,
                va="center",
                color=drawn.get_color(),
                fontsize="small",
            )
        axes.margins(x=0.2, y=0.15)
        label_decades(axes)
        axes.set(xlabel=self.x, ylabel=self.y)
        axes.grid(alpha=0.3, which="both")
        return figure


@dataclass(frozen=True, slots=True)
class GroupedTradeOff(Plot):
    """Named points in groups of one colour each, the horizontal axis logarithmic."""

    groups: Mapping[str, NamedPoints]
    """Points by the name of their group; groups may share names of points."""
    x: str
    """What the horizontal axis shows."""
    y: str
    """What the vertical axis shows."""

    def figure(self) -> "Figure":
        """Draw the labels of every other group on the left, so that equal names do not cover each other."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.5, 4), layout="constrained")
        axes = figure.subplots()
        for index, (group, points) in enumerate(self.groups.items()):
            axes.semilogx(*columns(list(points.values())), "o", label=group)
            side: dict[str, Any] = {"xytext": (-6, -4), "ha": "right", "va": "top"} if index % 2 else {"xytext": (6, 4)}
            for name, point in points.items():
                axes.annotate(name, point, textcoords="offset points", color=f"C{index}", **side)
        axes.margins(x=0.15, y=0.15)
        axes.set(xlabel=self.x, ylabel=self.y)
        axes.grid(alpha=0.3, which="both")
        axes.legend()
        return figure
