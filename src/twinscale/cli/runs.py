"""``twinscale runs``: training runs, listed and compared."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinscale.cli import options
from twinscale.cli.command import Group
from twinscale.cli.console import output
from twinscale.errors import UsageError

if TYPE_CHECKING:
    from twinscale.training.runs import Run


@click.group(cls=Group, examples=["twinscale runs compare runs/fast-x2 runs/best-x2"])
def runs() -> None:
    """List and compare training runs."""


@runs.command("list")
@click.argument("folder", type=click.Path(path_type=Path), default="runs")
@options.as_json
def list_runs(folder: Path, as_json: bool) -> None:
    """List the runs in a folder.

    Shows what was trained on what, for how long, and what it reached. FOLDER holds them at any depth. PSNR is the best
    on each run's own validation pictures. For a run that is not finished, steps are those taken and those planned.
    """
    from twinscale.training.runs import Run, find_runs

    found = []
    for path in find_runs(folder):
        try:
            found.append(Run.load(path))
        except UsageError as error:  # a run of another version does not hide the rest
            print(f"twinscale: {path}: {error}", file=sys.stderr)
    if not found:
        raise UsageError(f"{folder} holds no runs: name a folder that does, or train one")
    if as_json:
        click.echo(json.dumps([run.facts() for run in found], indent=2, ensure_ascii=False))
    else:
        _print_list(found)


@runs.command()
@options.runs
@options.as_json
def compare(runs: tuple[Path, ...], as_json: bool) -> None:
    """Show runs side by side, with what differs in their recipes.

    RUN is the folder of a training run. The best is marked, unless scales or validation pictures differ, because then
    PSNR cannot be compared.
    """
    from twinscale.training.runs import Run, best_of, differences

    loaded = [Run.load(folder) for folder in runs]
    differing, best = differences([run.recipe for run in loaded]), best_of(loaded)
    if as_json:
        report = {
            "runs": [run.facts() for run in loaded],
            "recipe_differences": differing,
            "best": str(best.folder) if best else None,
        }
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _print_comparison(loaded, differing, best)


def _print_list(runs: "list[Run]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from twinscale.training.runs import short_names

    facts = [run.facts() for run in runs]
    machines = list(dict.fromkeys(fact["machine"] for fact in facts if fact["machine"]))
    table = Table("run", "network", "data", box=None, pad_edge=False)
    for column in ("steps", "minutes", "pictures\n/s", "machine", "PSNR\ndB", "at\nstep"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, fact in zip(short_names([run.folder for run in runs]), facts, strict=True):
        cells = _cells(fact)
        machine = str(machines.index(fact["machine"]) + 1) if fact["machine"] else "–"
        values = (cells[key] for key in ("network", "data", "steps", "minutes", "pictures/s"))
        table.add_row(escape(name), *map(escape, values), machine, cells["PSNR, dB"], cells["at step"])
    console = output()
    console.print(table)
    for number, machine in enumerate(machines, start=1):
        console.print(f"machine {number}: {machine}", highlight=False)


def _print_comparison(runs: "list[Run]", differing: dict[str, list[Any]], best: "Run | None") -> None:
    from rich.markup import escape
    from rich.table import Table

    from twinscale.training.runs import short_names

    table = Table(box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    for run, name in zip(runs, short_names([run.folder for run in runs]), strict=True):
        table.add_column(escape(name) + (" *" if run is best else ""), style="bold" if run is best else "")
    columns = [_cells(run.facts()) for run in runs]
    for key in columns[0]:
        table.add_row(key, *(escape(cells[key]) for cells in columns))
    for index, (key, values) in enumerate(differing.items()):
        if not index:
            table.add_row()
        table.add_row(key, *(escape(_shown(value)) for value in values))
    console = output()
    console.print(table)
    if best:
        console.print("* best validation PSNR", highlight=False)
    elif differing.keys() & {"network.scale", "data.validation"}:
        print("the runs differ in scale or validation pictures: their PSNR cannot be compared", file=sys.stderr)


def _cells(facts: dict[str, Any]) -> dict[str, str]:
    from twinscale.datasets import dataset_name

    steps, planned = facts["steps"], facts["planned_steps"]
    psnr, bicubic = facts["validation_psnr_y"], facts["bicubic_psnr_y"]
    return {
        "network": f"{facts['architecture']} x{facts['scale']} {facts['colour']}",
        "data": ", ".join(dataset_name(source) for source in facts["data"]),
        "steps": str(steps) if facts["finished"] else f"{steps}/{planned}",
        "minutes": f"{facts['minutes']:.1f}",
        "pictures/s": "–" if facts["pictures_per_second"] is None else f"{facts['pictures_per_second']:.0f}",
        "machine": facts["machine"] or "–",
        "bicubic, dB": "–" if bicubic is None else f"{bicubic:.2f}",
        "PSNR, dB": "–" if psnr is None else f"{psnr:.2f}",
        "at step": "–" if psnr is None else str(facts["best_step"]),
    }


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
