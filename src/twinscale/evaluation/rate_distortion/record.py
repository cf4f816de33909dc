"""Points of rate and distortion that are kept, so that only what changed is measured again."""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from twinscale.errors import UsageError
from twinscale.evaluation.bjontegaard import Curve
from twinscale.evaluation.rate_distortion.measuring import METRICS, Point
from twinscale.images.files import write_atomically

_FILE = "rd.json"
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Measured:
    """The points of one way of one codec on one picture."""

    dataset: str
    picture: str
    codec: str
    way: str
    is_packed: bool
    """Whether :func:`twinscale.pack` chooses among it and others."""
    pixels: int
    """How many the picture has."""
    made_by: str
    """What decides the points, beside what is asked of the codec."""
    points: tuple[Point, ...] = ()
    """By rising quality of the codec."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from all others in a record."""
        return self.dataset, self.codec, self.way, self.picture

    def at(self, metric: str) -> dict[int, tuple[float, float]]:
        """Return bits per pixel and a metric of :data:`METRICS` in dB, by quality of the codec."""
        return {point.quality: (8 * point.size / self.pixels, METRICS[metric](point)) for point in self.points}

    def curve(self, metric: str) -> Curve | None:
        """Return the curve of a metric against bits per pixel; None if its points do not make one."""
        try:
            return Curve.of(self.at(metric).values())
        except UsageError:
            return None


class RateRecord:
    """What was measured, in a folder's ``rd.json``: one line for every way on every picture.

    Args:
        folder: where the file is; it is made when something is added.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        kept = json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else []
        rows = (Measured(**{**row, "points": tuple(Point(*point) for point in row["points"])}) for row in kept)
        self._rows = {row.key: row for row in rows}

    def prepare(self, wanted: Iterable[Measured]) -> None:
        """Drop what is out of date, and all other ways of the same codecs on the same sets.

        Args:
            wanted: what is to be kept; its points are not looked at.
        """
        expected = {row.key: row for row in wanted}
        groups = {(row.dataset, row.codec) for row in expected.values()}
        kept = {key: row for key, row in self._rows.items() if (row.dataset, row.codec) not in groups}
        for key, row in expected.items():
            before = self._rows.get(key)
            points = before.points if before and before.made_by == row.made_by else ()
            kept[key] = replace(row, points=points)
        self._rows = kept

    def missing(self, row: Measured, qualities: Collection[int]) -> list[int]:
        """Return the qualities of the codec at which a way is not measured."""
        return [quality for quality in qualities if quality not in self._rows[row.key].at("PSNR-RGB")]

    def add(self, row: Measured, points: Iterable[Point]) -> None:
        """Keep points of a way; :meth:`save` writes them."""
        before = self._rows[row.key]
        added = (Point(point.quality, point.size, *(round(score, _DIGITS) for score in point[2:])) for point in points)
        self._rows[row.key] = replace(before, points=tuple(sorted((*before.points, *added))))

    def save(self) -> None:
        """Write the file."""
        lines = ",\n".join(json.dumps({**asdict(row), "points": row.points}, ensure_ascii=False) for row in self.rows())
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, f"[\n{lines}\n]\n".encode(), overwrite=True)

    def rows(self) -> list[Measured]:
        """Return all that was measured, by set, codec, way and picture."""
        return [row for _, row in sorted(self._rows.items()) if row.points]
