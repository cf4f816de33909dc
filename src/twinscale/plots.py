"""Drawings for papers and runs, with matplotlib and Pillow."""

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
    for name, point in points.items():
        axes.semilogx(*point, "o")
        axes.annotate(name, point, xytext=(6, 4), textcoords="offset points")
    axes.margins(x=0.25, y=0.15)
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=_DPI)


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
