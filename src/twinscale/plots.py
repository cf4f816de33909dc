"""Drawings for papers and runs, with matplotlib and Pillow."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Curves = Mapping[Any, Sequence[tuple[float, float]]]

_GAP, _CAPTION = 6, 24  # pixels
_DPI = 110


def curves(path: Path, panels: Mapping[str, Curves], x: str, y: str) -> None:
    """Line plots side by side.

    Args:
        path: the PNG file to write.
        panels: for each panel its lines, each a list of points.
        x: what the horizontal axis shows.
        y: what the vertical axis shows.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * len(panels), 3.6), layout="constrained")
    for axes, (title, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for name, points in lines.items():
            axes.plot(*zip(*points, strict=True), label=name, marker=".", linewidth=1.2)
        axes.set(title=title, xlabel=x, ylabel=y)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=_DPI)


def training_curves(path: Path, training_loss: Curves, validation_loss: Curves, psnr: Curves) -> None:
    """Loss, on a logarithmic axis, and validation PSNR of training runs, one colour a run.

    Args:
        path: the PNG file to write.
        training_loss: for each run its points, step and value; drawn thin.
        validation_loss: likewise, of the same runs; a run may have none.
        psnr: likewise, in dB.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(9.2, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for place, name in enumerate(training_loss):
        colour = f"C{place}"
        left.semilogy(*_columns(training_loss[name]), color=colour, linewidth=0.8, alpha=0.5)
        left.semilogy(*_columns(validation_loss[name]), color=colour, marker=".", linewidth=1.2)
        right.plot(*_columns(psnr[name]), color=colour, marker=".", linewidth=1.2, label=name)
    left.set(xlabel="step", ylabel="loss")
    left.legend(
        handles=[
            Line2D([], [], color="grey", linewidth=0.8, alpha=0.5, label="training"),
            Line2D([], [], color="grey", marker=".", linewidth=1.2, label="validation"),
        ]
    )
    right.set(xlabel="step", ylabel="validation PSNR, dB")
    for axes in (left, right):
        axes.grid(alpha=0.3, which="both")
    figure.legend(loc="outside upper center", ncols=4)
    figure.savefig(path, dpi=_DPI)


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def loss_curves(path: Path, panels: Mapping[str, Curves], x: str, y: str) -> None:
    """Line plots in two columns, all with the same axes, the vertical one logarithmic.

    Args:
        path: the PNG file to write.
        panels: for each panel its lines, each a list of points with positive heights.
        x: what the horizontal axis shows.
        y: what the vertical axis shows.
    """
    from matplotlib.figure import Figure

    rows = math.ceil(len(panels) / 2)
    figure = Figure(figsize=(8, 3 * rows), layout="constrained")
    places = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).flat
    for axes, (title, lines) in zip(places, panels.items(), strict=False):
        for name, points in lines.items():
            axes.semilogy(*zip(*points, strict=True), label=name, marker=".", linewidth=1.2)
        axes.set(title=title)
        axes.grid(alpha=0.3, which="both")
        axes.legend()
    figure.supxlabel(x)
    figure.supylabel(y)
    figure.savefig(path, dpi=_DPI)


def spectra(path: Path, lines: Mapping[str, NDArray]) -> None:
    """Power per band of radial frequency, from 0 to half a cycle per pixel, on a logarithmic scale."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    axes = figure.subplots()
    for name, power in lines.items():
        axes.semilogy((np.arange(len(power)) + 0.5) / len(power) / 2, power, label=name, linewidth=1.2)
    axes.set(xlabel="cycles per pixel", ylabel="power")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=_DPI)


def trade_off(path: Path, points: Mapping[str, tuple[float, float]], x: str, y: str) -> None:
    """Named points, the horizontal axis logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    axes = figure.subplots()
    heights = [above for _, above in points.values()]
    near = 0.05 * (max(heights) - min(heights))
    for name, (right, above) in points.items():
        # Where another point follows at the same height, the name stands on the left.
        followed = any(right < r < 2 * right and abs(above - a) <= near for r, a in points.values())
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
    _label_decades(axes)
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=_DPI)


def _label_decades(axes: Any) -> None:
    """Label 1, 2 and 5 of every decade of the horizontal axis, in plain figures."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def trade_offs(path: Path, groups: Mapping[str, Mapping[str, tuple[float, float]]], x: str, y: str) -> None:
    """Named points in groups of one colour each, the horizontal axis logarithmic.

    Args:
        path: the PNG file to write.
        groups: points by name; those of every other group are labelled on their left, so that a point's name may
            return beside it.
        x: what the horizontal axis shows.
        y: what the vertical axis shows.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    for place, (group, points) in enumerate(groups.items()):
        axes.semilogx(*_columns(list(points.values())), "o", label=group)
        side: dict[str, Any] = {"xytext": (-6, -4), "ha": "right", "va": "top"} if place % 2 else {"xytext": (6, 4)}
        for name, point in points.items():
            axes.annotate(name, point, textcoords="offset points", color=f"C{place}", **side)
    axes.margins(x=0.15, y=0.15)
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=_DPI)


def convergence(path: Path, lines: Curves, levels: Mapping[str, float], x: str, y: str) -> None:
    """Line plots over a logarithmic horizontal axis, and dashed levels; what lies far below the levels is cut off.

    Args:
        path: the PNG file to write.
        lines: each a list of points.
        levels: heights to compare them with.
        x: what the horizontal axis shows.
        y: what the vertical axis shows.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.6), layout="constrained")
    axes = figure.subplots()
    for name, points in lines.items():
        axes.semilogx(*_columns(points), label=name, marker=".", linewidth=1.2)
    for place, (name, level) in enumerate(levels.items(), len(lines)):
        axes.axhline(level, color=f"C{place}", linestyle="--", linewidth=0.9, label=f"{name}, {level:.2f}")
    top = max(*levels.values(), *(height for points in lines.values() for _, height in points))
    span = top - min(levels.values())
    axes.set_ylim(min(levels.values()) - span / 4, top + span / 8)
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.3, which="both")
    figure.legend(loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=_DPI)


def filters(path: Path, weights: NDArray, columns: int = 8, zoom: int = 6) -> None:
    """A grid of filters ``(N, k, k)``, a weight ``zoom`` pixels wide and high, zero grey.

    Each is shown in its own range, but those below a quarter of the largest one's in that, so that they look faint.
    """
    ranges = np.abs(weights).max(axis=(1, 2))
    tiles = []
    for each, largest in zip(weights, np.maximum(ranges, ranges.max() / 4), strict=True):
        grey = np.rint(127.5 + 127.5 * each / largest).astype(np.uint8)
        tiles.append(np.repeat(grey.repeat(zoom, 0).repeat(zoom, 1)[:, :, None], 3, axis=2))
    rows = [_joined(tiles[start : start + columns], axis=1) for start in range(0, len(tiles), columns)]
    Image.fromarray(_joined(rows, axis=0)).save(path, optimize=True)


def side_by_side(path: Path, rows: Sequence[Mapping[str, NDArray[np.uint8]]], zoom: int) -> None:
    """Rows of captioned 8-bit pictures, ``(H, W, 3)`` or ``(H, W, 1)``, each pixel ``zoom`` times as large."""
    font = ImageFont.load_default(size=14)
    strips = []
    for row in rows:
        tiles = []
        for caption, pixels in row.items():
            enlarged = np.broadcast_to(pixels, (*pixels.shape[:2], 3)).repeat(zoom, 0).repeat(zoom, 1)
            label = Image.new("RGB", (enlarged.shape[1], _CAPTION), "white")
            ImageDraw.Draw(label).text((2, 3), caption, "black", font)
            tiles.append(np.concatenate((enlarged, np.asarray(label))))
        strips.append(_joined(tiles, axis=1))
    Image.fromarray(_joined(strips, axis=0)).save(path, optimize=True)


def _joined(pictures: list[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    """Pictures side by side (axis 1) or below each other (axis 0), white between them and where one is smaller."""
    across = max(picture.shape[1 - axis] for picture in pictures)
    parts: list[NDArray[np.uint8]] = []
    for picture in pictures:
        padding = [(0, 0), (0, 0), (0, 0)]
        padding[1 - axis] = (0, across - picture.shape[1 - axis])
        padding[axis] = (0, 0 if picture is pictures[-1] else _GAP)
        parts.append(np.pad(picture, padding, constant_values=255))
    return np.concatenate(parts, axis=axis)
