"""Tables that papers published, each once, as data: one TOML file per paper.

A table has a ``caption``, and ``rows`` as the paper prints them: a name, then the figures of every column, with two
spaces or more between them. A figure holds one number for each of the table's ``quantities``, such as PSNR and SSIM
with a slash between them; ``-`` stands for a number that the paper does not give. ``[models.NAME]`` says which figures
a model of ours is compared with: for each set the table, the row and the column.
"""

import functools
import re
import tomllib
from importlib.resources import files
from typing import Any

from twinscale.errors import UsageError

_PAPERS = ("car", "dsn", "sain", "small_cnns", "srcnn")
_SCORES = ("PSNR", "SSIM")

Table = dict[str, dict[str, float]]
"""Numbers by row and column; those that the paper does not give are missing."""


def published_table(paper: str, table: str, quantity: str | None = None) -> Table:
    """Return a table of a paper.

    Args:
        paper: one of ``"car"``, ``"dsn"``, ``"sain"``, ``"small_cnns"`` and ``"srcnn"``.
        table: its name, such as ``"table-4"``.
        quantity: which of the table's quantities; by default its first or only one.

    Raises:
        UsageError: there is no such paper, table or quantity.
    """
    if paper not in _PAPERS:
        raise UsageError(f"no published tables of {paper!r}: use one of {', '.join(_PAPERS)}")
    tables = {name: entry for name, entry in _read(paper).items() if name != "models"}
    if table not in tables:
        raise UsageError(f"{paper} has no {table!r}: use one of {', '.join(tables)}")
    printed = tables[table]
    quantities = printed["quantities"]
    if quantity is not None and quantity not in quantities:
        raise UsageError(f"{table} of {paper} gives no {quantity!r}: use one of {', '.join(quantities)}")
    index = quantities.index(quantity) if quantity else 0
    rows: Table = {}
    for line in printed["rows"].strip().splitlines():
        name, *cells = re.split(r" {2,}", line)
        numbers = (cell.split("/")[index] for cell in cells)
        rows[name] = {
            column: float(number) for column, number in zip(printed["columns"], numbers, strict=True) if number != "-"
        }
    return rows


def published_scores(model: str, dataset: str) -> list[float] | None:
    """Return what a paper published for the network that a model is compared with.

    Args:
        model: the model's name.
        dataset: name of the set.

    Returns:
        The mean over the set, ``[PSNR, SSIM]`` or ``[PSNR]``, on luminance and in dB; None if no paper gives it.
    """
    for paper in _PAPERS:
        if figure := _compared(paper, model).get("sets", {}).get(dataset):
            table, row, column = figure
            quantities = [quantity for quantity in _read(paper)[table]["quantities"] if quantity in _SCORES]
            return [published_table(paper, table, quantity)[row][column] for quantity in quantities]
    return None


def published_source(model: str) -> str | None:
    """Return where :func:`published_scores` takes a model's figures from, paper and tables; None if there are none."""
    return next((_compared(paper, model)["source"] for paper in _PAPERS if _compared(paper, model)), None)


def _compared(paper: str, model: str) -> dict[str, Any]:
    """Return what in a paper a model is compared with; empty if nothing."""
    entry: dict[str, Any] = _read(paper).get("models", {}).get(model, {})
    return entry


@functools.cache
def _read(paper: str) -> dict[str, Any]:
    return tomllib.loads((files(__package__) / f"{paper}.toml").read_text(encoding="utf-8"))
