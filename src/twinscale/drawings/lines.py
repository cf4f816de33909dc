"""Line plots: how something develops."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twinscale.drawings.drawing import Plot, Points, columns, label_decades

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Lines = Mapping[str, Points]
"""Points by the name of their line."""


@dataclass(frozen=True, slots=True)
class Curves(Plot):
    """Panels of lines side by side, each with axes of its own."""

    panels: Mapping[str, Lines]
    x: str
    """What the horizontal axes show."""
    y: str
    """What the vertical axes show."""

    def figure(self) -> "Figure":
        """Draw one column per panel."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(4.6 * len(self.panels), 3.6), layout="constrained")
        all_axes = figure.subplots(1, len(self.panels), squeeze=False)[0]
        for axes, (title, lines) in zip(all_axes, self.panels.items(), strict=True):
            for name, points in lines.items():
                axes.plot(*columns(points), label=name, marker=".", linewidth=1.2)
            axes.set(title=title, xlabel=self.x, ylabel=self.y)
            axes.grid(alpha=0.3)
            axes.legend()
        return figure


@dataclass(frozen=True, slots=True)
class LogCurves(Plot):
    """Panels of lines in two columns, all with the same axes, the vertical one logarithmic."""

    panels: Mapping[str, Lines]
    """The lines of each panel, whose heights are positive."""
    x: str
    """What the horizontal axes show."""
    y: str
    """What the vertical axes show."""

    def figure(self) -> "Figure":
        """Draw two panels per row."""
        from matplotlib.figure import Figure

        rows = math.ceil(len(self.panels) / 2)
        figure = Figure(figsize=(8, 3 * rows), layout="constrained")
        all_axes = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).flat
        for axes, (title, lines) in zip(all_axes, self.panels.items(), strict=False):
            for name, points in lines.items():
                axes.semilogy(*columns(points), label=name, marker=".", linewidth=1.2)
            axes.set(title=title)
            axes.grid(alpha=0.3, which="both")
            axes.legend()
        figure.supxlabel(self.x)
        figure.supylabel(self.y)
        return figure


@dataclass(frozen=True, slots=True)
class RateDistortion(Plot):
    """Panels of lines in two columns, each with axes of its own, the horizontal one logarithmic."""

    panels: Mapping[str, Lines]
    dashed: Collection[str]
    """Names of lines to compare with; each has the colour of the line that follows it."""
    x: str
    """What the horizontal axes show."""
    y: str
    """What the vertical axes show."""

    def figure(self) -> "Figure":
        """Draw two panels per row, or one panel alone."""
        from matplotlib.figure import Figure

        rows, across = math.ceil(len(self.panels) / 2), min(len(self.panels), 2)
        figure = Figure(figsize=(1 + 4.5 * across, 4 * rows), layout="constrained")
        all_axes = figure.subplots(rows, across, squeeze=False).flat
        for axes in all_axes[len(self.panels) :]:
            axes.set_axis_off()
        for axes, (title, lines) in zip(all_axes, self.panels.items(), strict=False):
            colour = 0
            for name, points in lines.items():
                style = "--" if name in self.dashed else "-"
                axes.semilogx(*columns(points), style, color=f"C{colour}", label=name, marker=".", linewidth=1.2)
                colour += name not in self.dashed
            label_decades(axes)
            axes.set(title=title, xlabel=self.x, ylabel=self.y)
            axes.grid(alpha=0.3, which="both")
            axes.legend(fontsize="small")
        return figure


@dataclass(frozen=True, slots=True)
class Convergence(Plot):
    """Lines over a logarithmic horizontal axis, and dashed levels; what lies far below the levels is cut off."""

    lines: Lines
    levels: Mapping[str, float]
    """Heights to compare the lines with."""
    x: str
    """What the horizontal axis shows."""
    y: str
    """What the vertical axis shows."""

    def figure(self) -> "Figure":
        """Draw the lines and levels, with the legend below the axes."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 4.6), layout="constrained")
        axes = figure.subplots()
        for name, points in self.lines.items():
            axes.semilogx(*columns(points), label=name, marker=".", linewidth=1.2)
        for index, (name, level) in enumerate(self.levels.items(), len(self.lines)):
            axes.axhline(level, color=f"C{index}", linestyle="--", linewidth=0.9, label=f"{name}, {level:.2f}")
        lowest = min(self.levels.values())
        top = max(*self.levels.values(), *(height for points in self.lines.values() for _, height in points))
        axes.set_ylim(lowest - (top - lowest) / 4, top + (top - lowest) / 8)
        axes.set(xlabel=self.x, ylabel=self.y)
        axes.grid(alpha=0.3, which="both")
        figure.legend(loc="outside lower center", ncols=2)
        return figure


@dataclass(frozen=True, slots=True)
class Spectra(Plot):
    """Power per band of radial frequency, from 0 to half a cycle per pixel, on a logarithmic scale."""

    lines: Mapping[str, NDArray]
    """The power in bands of equal width, the lowest first."""

    def figure(self) -> "Figure":
        """Draw each band's power at its middle frequency."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.5, 3.8), layout="constrained")
        axes = figure.subplots()
        for name, power in self.lines.items():
            axes.semilogy((np.arange(len(power)) + 0.5) / len(power) / 2, power, label=name, linewidth=1.2)
        axes.set(xlabel="cycles per pixel", ylabel="power")
        axes.grid(alpha=0.3)
        axes.legend()
        return figure


@dataclass(frozen=True, slots=True)
class TrainingCurves(Plot):
    """Loss, on a logarithmic axis, and validation PSNR of training runs, one colour per run."""

    training_loss: Lines
    """By step; drawn thin."""
    validation_loss: Lines
    """By step, of the same runs; a run may have none."""
    psnr: Lines
    """In dB by step, of the same runs; a run may have none."""
    bicubic: Mapping[str, float]
    """PSNR of bicubic enlargement on a run's validation pictures in dB, drawn dashed; a run may have none."""

    def figure(self) -> "Figure":
        """Draw the losses on the left, the PSNR on the right."""
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D

        figure = Figure(figsize=(9.2, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        thin: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.5}
        dotted: dict[str, Any] = {"marker": ".", "linewidth": 1.2}
        for index, name in enumerate(self.training_loss):
            colour = f"C{index}"
            left.semilogy(*columns(self.training_loss[name]), color=colour, **thin)
            left.semilogy(*columns(self.validation_loss[name]), color=colour, **dotted)
            right.plot(*columns(self.psnr[name]), color=colour, label=name, **dotted)
        for level in sorted({round(level, 2) for level in self.bicubic.values()}):
            right.axhline(level, color="grey", linestyle="--", linewidth=0.9, label=f"bicubic, {level:.2f} dB")
        kinds = {"training": thin, "validation": dotted}
        left.legend(handles=[Line2D([], [], color="grey", label=kind, **style) for kind, style in kinds.items()])
        left.set(xlabel="step", ylabel="loss")
        right.set(xlabel="step", ylabel="validation PSNR, dB")
        for axes in (left, right):
            axes.grid(alpha=0.3, which="both")
        figure.legend(loc="outside upper center", ncols=4)
        return figure
