"""``twinscale reproduce``: the tables and figures of a paper, made again."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from twinscale.cli import complete, options
from twinscale.cli.command import Command
from twinscale.cli.console import output

if TYPE_CHECKING:
    from twinscale.papers.report import Block

_SETS = ("Set5", "Set14", "BSD100", "Urban100")
_DEFAULT_MINUTES = 5.0


@click.command(cls=Command, examples=["twinscale reproduce dsn table-1 --budget 2"])
@click.argument("paper", shell_complete=complete.papers)
@click.argument("items", metavar="[ITEM]...", nargs=-1, shell_complete=complete.items)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    default="reproduced",
    help="Folder for the page, the figures, the results and the runs.",
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0.01),
    help="Minutes to train each network.",
    show_default=f"{_DEFAULT_MINUTES:g}",
)
@click.option("--full", is_flag=True, help="Train as long as the recipes say, by the paper's where it gives one.")
@click.option(
    "--sets",
    multiple=True,
    help="Measure on this set only; repeatable.",
    show_default=" ".join(_SETS),
)
@options.as_json
@click.option("--list", "show_items", is_flag=True, help="List the paper's items and stop.")
def reproduce(
    paper: str,
    items: tuple[str, ...],
    output: Path,
    budget: float | None,
    full: bool,
    sets: tuple[str, ...],
    as_json: bool,
    show_items: bool,
) -> None:
    """Make a paper's tables and figures again.

    Shows what was published, what we reach, and the difference. PAPER is car, compressed_sr, dsn, srcnn or small_cnns.
    ITEM is a table or figure, such as table-1; by default all are made. Trains and measures what is missing. Results
    are kept with the hash of what made them and not computed again; interrupted training goes on where it stopped.
    Needs the papers extra.
    """
    import json

    from rich.console import Console

    from twinscale.errors import UsageError, install
    from twinscale.training.cpu import tune_malloc

    tune_malloc()  # before torch is imported
    try:
        import matplotlib  # noqa: F401 (imported now, not after hours of training)
        import skimage  # noqa: F401

        from twinscale.papers import find_paper
        from twinscale.papers.paper import write_page
        from twinscale.papers.report import as_json as block_as_json
        from twinscale.papers.reproduction import Reproduction
    except ModuleNotFoundError as error:
        raise UsageError(f"reproducing needs {error.name}: {install('papers')}") from None

    chosen = find_paper(paper)
    names = [item.name for item in chosen.items]
    if show_items:
        click.echo("\n".join(f"{item.name:10} {item.title}" for item in chosen.items))
        return
    for name in items:
        if name not in names:
            raise UsageError(f"{paper} has no item {name!r}: use {', '.join(names)}")
    for name in sets:
        if name not in _SETS:
            raise UsageError(f"the papers measure on {', '.join(_SETS)}, not on {name!r}")
    if budget and full:
        raise UsageError("--budget and --full both say how long to train: give only one of them")
    minutes = None if full else budget or _DEFAULT_MINUTES
    console = Console(stderr=True, log_path=False)
    reproduction = Reproduction(output, paper, minutes=minutes, sets=list(sets or _SETS), notify=console.log)
    page = reproduction.folder / f"{paper}.md"
    flags = " ".join([f"--budget {minutes:g}" if minutes else "--full", *(f"--sets {name}" for name in sets)])
    if not as_json:
        click.echo(f"{chosen.citation}. {chosen.introduction}\n")
    shown = {}
    for item in chosen.items:
        if items and item.name not in items:
            continue
        blocks = [*item.make(reproduction), f"`twinscale reproduce {paper} {item.name} {flags}`"]
        write_page(page, chosen, f"twinscale reproduce {paper}", reproduction.keep(item.name, blocks))
        shown[item.name] = [block_as_json(block) for block in blocks]
        if not as_json:
            _print(item.title, blocks)
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        console.print(f"The page is {page}")


def _print(title: str, blocks: "list[Block]") -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from twinscale.papers.report import Claim, Comparison, Figure

    console = output()
    console.print(f"[bold]{escape(title)}[/]")
    for block in blocks:
        if isinstance(block, Comparison):
            table = Table(title=block.title, box=box.SIMPLE_HEAD, title_justify="left")
            for index, name in enumerate(block.header):
                table.add_column(name, justify="left" if index < len(block.labels) else "right")
            for cells in block.cells():
                table.add_row(*cells)
            console.print(table)
        elif isinstance(block, Claim):
            verdict = "[green]holds[/]" if block.holds else "[red]does not hold here[/]"
            console.print(f"{escape(block.text)}: {verdict} {escape(block.because)}")
        else:
            console.print(escape(block.file if isinstance(block, Figure) else block))
    console.print()
