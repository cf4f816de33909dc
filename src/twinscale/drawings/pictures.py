"""Pictures and filters, pixel by pixel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from twinscale.drawings.drawing import Raster

_GAP, _CAPTION = 6, 24  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide(Raster):
    """Rows of captioned pictures."""

    rows: Sequence[Mapping[str, NDArray[np.uint8]]]
    """Pictures by their captions, each ``(H, W, 3)`` or ``(H, W, 1)`` in 8 bits."""
    zoom: int
    """Each pixel becomes this many wide and high."""

    def pixels(self) -> NDArray[np.uint8]:
        """Draw the pictures with their captions below them."""
        font = ImageFont.load_default(size=14)
        strips = []
        for row in self.rows:
            tiles = []
            for caption, picture in row.items():
                enlarged = _enlarged(picture, self.zoom)
                label = Image.new("RGB", (enlarged.shape[1], _CAPTION), "white")
                ImageDraw.Draw(label).text((2, 3), caption, "black", font)
                tiles.append(np.concatenate((enlarged, np.asarray(label))))
            strips.append(_joined(tiles, axis=1))
        return _joined(strips, axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class FilterGrid(Raster):
    """A grid of filters in which zero is grey.

    Each is shown in its own range, which is at least a quarter of the largest one, so that weak filters look faint.
    """

    weights: NDArray
    """``(N, k, k)``."""
    columns: int = 8
    zoom: int = 6
    """A weight becomes this many pixels wide and high."""

    def pixels(self) -> NDArray[np.uint8]:
        """Draw rows of filters, the first at the top left."""
        ranges = np.abs(self.weights).max(axis=(1, 2))
        tiles = []
        for each, largest in zip(self.weights, np.maximum(ranges, ranges.max() / 4), strict=True):
            grey = np.rint(127.5 + 127.5 * each / largest).astype(np.uint8)
            tiles.append(_enlarged(grey[:, :, None], self.zoom))
        rows = [_joined(tiles[start : start + self.columns], axis=1) for start in range(0, len(tiles), self.columns)]
        return _joined(rows, axis=0)


def _enlarged(picture: NDArray[np.uint8], zoom: int) -> NDArray[np.uint8]:
    """Return a picture in RGB, each pixel ``zoom`` wide and high."""
    return np.broadcast_to(picture, (*picture.shape[:2], 3)).repeat(zoom, 0).repeat(zoom, 1)


def _joined(pictures: list[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    """Join pictures side by side (axis 1) or below each other (axis 0), with white between and around smaller ones."""
    across = max(picture.shape[1 - axis] for picture in pictures)
    parts: list[NDArray[np.uint8]] = []
    for picture in pictures:
        padding = [(0, 0), (0, 0), (0, 0)]
        padding[1 - axis] = (0, across - picture.shape[1 - axis])
        padding[axis] = (0, 0 if picture is pictures[-1] else _GAP)
        parts.append(np.pad(picture, padding, constant_values=255))
    return np.concatenate(parts, axis=axis)
