"""``twinscale reproduce``: the tables and figures of a paper, made again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinscale.cli import options

if TYPE_CHECKING:
    from twinscale.papers.report import Block

_SETS = ("Set5", "Set14", "BSD100", "Urban100")
_DEFAULT_MINUTES = 5.0


def reproduce(
    paper: Annotated[str, typer.Argument(help="Name of a paper: dsn, srcnn or small_cnns.")],
    items: Annotated[
        list[str] | None, typer.Argument(metavar="[ITEM]...", help="Tables and figures, such as table-1; all if none.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the page, the figures, the results and the runs.")
    ] = Path("reproduced"),
    budget: Annotated[
        float | None,
        typer.Option(min=0.01, help="Minutes to train each network.", show_default=str(int(_DEFAULT_MINUTES))),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Train each network as long as its recipe says.")] = False,
    sets: Annotated[
        list[str] | None, typer.Option(help="Measure on this set only; repeatable.", show_default=" ".join(_SETS))
    ] = None,
    as_json: options.AsJson = False,
    show_items: Annotated[bool, typer.Option("--list", help="List the paper's items and stop.")] = False,
) -> None:
    """Make a paper's tables and figures again: published, ours, difference; needs the papers extra.

    Trains and measures what is missing. What was computed before is kept with the hash of what made it and
    not computed again; an interrupted training goes on where it was.
    Example: twinscale reproduce dsn table-1 --budget 2
    """
    import json

    from rich.console import Console

    from twinscale.errors import UsageError
    from twinscale.training.cpu import tune_malloc

    tune_malloc()  # before torch is imported
    try:
        import matplotlib  # noqa: F401 (asked for now, not after hours of training)
        import skimage  # noqa: F401

        from twinscale.papers import find_paper
        from twinscale.papers.report import as_json as block_as_json
        from twinscale.papers.report import write_page
        from twinscale.papers.reproduction import Reproduction
    except ModuleNotFoundError as error:
        raise UsageError(f"reproducing needs {error.name}: install it with pip install 'twinscale[papers]'") from None

    chosen = find_paper(paper)
    names = [item.name for item in chosen.items]
    if show_items:
        typer.echo("\n".join(f"{item.name:10} {item.title}" for item in chosen.items))
        return
    for name in items or []:
        if name not in names:
            raise UsageError(f"{paper} has no item {name!r}: use {', '.join(names)}")
    for name in sets or []:
        if name not in _SETS:
            raise UsageError(f"the papers measure on {', '.join(_SETS)}, not on {name!r}")
    if budget and full:
        raise UsageError("--budget and --full both say how long to train: give one of them")
    minutes = None if full else budget or _DEFAULT_MINUTES
    console = Console(stderr=True)
    reproduction = Reproduction(output, paper, minutes=minutes, sets=sets or list(_SETS), notify=console.log)
    page = reproduction.folder / f"{paper}.md"
    flags = " ".join([f"--budget {minutes:g}" if minutes else "--full", *(f"--sets {name}" for name in sets or [])])
    if not as_json:
        typer.echo(f"{chosen.citation}. {chosen.introduction}\n")
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
        typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        console.print(f"The page is {page}")


def _print(title: str, blocks: "list[Block]") -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from twinscale.papers.report import Claim, Comparison, Figure

    console = Console()
    console.print(f"[bold]{escape(title)}[/]")
    for block in blocks:
        if isinstance(block, Comparison):
            table = Table(title=block.title, box=box.SIMPLE_HEAD, title_justify="left")
            for place, name in enumerate(block.header):
                table.add_column(name, justify="left" if place < len(block.labels) else "right")
            for cells in block.cells():
                table.add_row(*cells)
            console.print(table)
        elif isinstance(block, Claim):
            verdict = "[green]holds[/]" if block.holds else "[red]does not hold here[/]"
            console.print(f"{escape(block.text)}: {verdict} {escape(block.because)}")
        else:
            console.print(escape(block.file if isinstance(block, Figure) else block))
    console.print()
