"""The curves of a run: rows at regular steps, in a CSV file, for TensorBoard and on the screen."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinscale.errors import UsageError
from twinscale.training.screen import open_screen

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
    seconds: float
    """Time spent on the run so far, over all sittings."""
    pictures_per_second: float
    """Crops per second in this sitting."""


_COLUMNS = tuple(field.name for field in fields(LogRow))
_FORMATS = ("d", ".6g", ".4g", ".6g", ".4f", ".1f", ".1f")


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
        seconds=float(cells["seconds"]),
        pictures_per_second=float(cells["pictures_per_second"]),
    )


def _optional(cell: str | None) -> float | None:
    return float(cell) if cell else None


class Log:
    """Writes the rows of a run.

    Args:
        folder: the run's folder; its log is continued.
        step: number of steps taken before; what a killed run logged beyond them is dropped.
        steps: how many steps the whole run takes.
    """

    def __init__(self, folder: Path, step: int, steps: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # imported here, because reading a log needs no torch

        rows = [row for row in read_rows(folder) if row.step <= step] if step and (folder / LOG).exists() else []
        self._file = (folder / LOG).open("w", newline="", encoding="utf-8")
        self._csv = csv.writer(self._file)
        self._csv.writerow(_COLUMNS)
        for row in rows:
            self._write(row)
        self._file.flush()  # otherwise a kill before the next row would lose the whole log
        self._board = SummaryWriter(str(folder), purge_step=step)
        self._screen = open_screen(steps, rows)

    def advance(self, step: int) -> None:
        """Show that a step was taken."""
        self._screen.advance(step)

    def write(self, row: LogRow) -> None:
        """Log a step; a step that was validated gets a line of its own on the screen."""
        self._write(row)
        self._file.flush()
        for name, value in asdict(row).items():
            if value is not None and name not in ("step", "seconds"):
                self._board.add_scalar(name, value, row.step)
        self._screen.show(row)

    def picture(self, step: int, pixels: NDArray[np.uint8]) -> None:
        """Show TensorBoard a preview, ``(H, W, 3)``."""
        self._board.add_image("preview", pixels, step, dataformats="HWC")

    def close(self) -> None:
        """Close the files and leave the screen as it is."""
        self._screen.close()
        self._file.close()
        self._board.close()

    def _write(self, row: LogRow) -> None:
        values = asdict(row).values()
        self._csv.writerow("" if v is None else format(v, form) for v, form in zip(values, _FORMATS, strict=True))
