"""The log of a run: rows at regular steps in a CSV file, and the curves they make. Reading it needs no torch."""

import csv
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from twinscale.errors import UsageError

LOG = "log.csv"

Points = list[tuple[int, float]]
"""Step and value."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """What is logged of one step; the names are the columns of ``log.csv``."""

    step: int
    loss: float
    """Mean training loss since the row before."""
    learning_rate: float
    validation_loss: float | None
    """None if the step was not validated, and in logs from before this column existed."""
    validation_psnr_y: float | None
    """In dB; None if the step was not validated."""
    ciede2000_p99: float | None
    """Of a colour pair's small pictures, see ``evaluation.looks.Looks``; None for other networks and in old logs."""
    seconds: float
    """Time spent on the run so far, over all sittings."""
    pictures_per_second: float
    """Crops per second in this sitting."""


COLUMNS = tuple(field.name for field in fields(LogRow))


@dataclass(frozen=True, slots=True)
class History:
    """The curves of a run."""

    training_loss: Points
    validation_loss: Points
    psnr: Points
    """Validation PSNR in dB."""

    @classmethod
    def of(cls, rows: list[LogRow]) -> "History":
        """Make curves of what was logged."""
        return cls(
            training_loss=[(row.step, row.loss) for row in rows],
            validation_loss=[(row.step, row.validation_loss) for row in rows if row.validation_loss is not None],
            psnr=[(row.step, row.validation_psnr_y) for row in rows if row.validation_psnr_y is not None],
        )


def standing(psnr: float, ciede2000_p99: float | None, colour_bound: float) -> tuple[float, float]:
    """Return what ranks weights, the larger the better: false colours beyond a bound first, then validation PSNR.

    Args:
        psnr: in dB.
        ciede2000_p99: of the small pictures; None if unknown, which is worse than any.
        colour_bound: the recipe's; 0 bounds nothing.
    """
    if not colour_bound:
        return 0.0, psnr
    return (-math.inf if ciede2000_p99 is None else min(0.0, colour_bound - ciede2000_p99)), psnr


def best_row(rows: Sequence[LogRow], colour_bound: float) -> LogRow | None:
    """Return the row of the best weights, by :func:`standing`; None before the first validation."""
    validated = [(row.validation_psnr_y, row) for row in rows if row.validation_psnr_y is not None]
    ranked = [(standing(psnr, row.ciede2000_p99, colour_bound), row) for psnr, row in validated]
    return max(ranked, key=lambda each: each[0])[1] if ranked else None


def gain_per_hour(rows: Sequence[LogRow]) -> float | None:
    """Return how fast a run was still improving when it ended: the slope of validation PSNR over its last tenth.

    Args:
        rows: of the run's log.

    Returns:
        dB per hour of training, the slope of the least-squares line through the validations of the last tenth of the
        steps and the one before; None if less than two tell.
    """
    validated = [row for row in rows if row.validation_psnr_y is not None]
    early = sum(row.step < 0.9 * rows[-1].step for row in validated)
    late = validated[max(0, early - 1) :]
    hours, psnr = [row.seconds / 3600 for row in late], [row.validation_psnr_y or 0.0 for row in late]
    return statistics.linear_regression(hours, psnr).slope if len(set(hours)) > 1 else None


def read_log(folder: Path) -> History:
    """Read the curves of a run from its ``log.csv``.

    Raises:
        UsageError: the folder holds no log.
    """
    return History.of(read_rows(folder))


def read_rows(folder: Path) -> list[LogRow]:
    """Read all rows of a run's ``log.csv``.

    Raises:
        UsageError: the folder holds no log.
    """
    try:
        with (folder / LOG).open(newline="", encoding="utf-8") as file:
            return [_row(cells) for cells in csv.DictReader(file)]
    except FileNotFoundError:
        raise UsageError(f"{folder} holds no {LOG}: name the folder of a training run") from None


def _row(cells: dict[str, str]) -> LogRow:
    return LogRow(
        step=int(cells["step"]),
        loss=float(cells["loss"]),
        learning_rate=float(cells["learning_rate"]),
        validation_loss=_optional(cells.get("validation_loss")),
        validation_psnr_y=_optional(cells["validation_psnr_y"]),
        ciede2000_p99=_optional(cells.get("ciede2000_p99")),
        seconds=float(cells["seconds"]),
        pictures_per_second=float(cells["pictures_per_second"]),
    )


def _optional(cell: str | None) -> float | None:
    return float(cell) if cell else None
