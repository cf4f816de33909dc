"""``twinscale data``: named sets of pictures."""

import sys

import click

from twinscale.cli import complete, options
from twinscale.cli.command import Group
from twinscale.cli.console import output


@click.group(cls=Group, examples=["twinscale data get Set5 Set14"])
def data() -> None:
    """List and download the named sets of pictures."""


@data.command("list")
@options.as_json
def list_sets(as_json: bool) -> None:
    """List the sets that are known by name, and where they are on this machine."""
    from twinscale.datasets import catalogue
    from twinscale.datasets.find import folder_of

    sets = [(dataset, folder_of(dataset)) for dataset in catalogue()]
    if as_json:
        import json

        rows = [
            {
                "name": dataset.name,
                "kind": dataset.kind,
                "files": dataset.files,
                "megapixels": round(dataset.megapixels, 1),
                "terms": dataset.terms,
                "description": dataset.description,
                "source": dataset.source,
                "folder": str(folder) if folder else None,
            }
            for dataset, folder in sets
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return

    from rich.table import Table

    table = Table("name", "kind", box=None)
    table.add_column("pictures", justify="right")
    table.add_column("megapixels", justify="right")
    table.add_column("terms")
    table.add_column("found in", overflow="fold")
    for dataset, folder in sets:
        counts = (str(dataset.files), f"{dataset.megapixels:.1f}")
        table.add_row(dataset.name, dataset.kind, *counts, dataset.terms, str(folder or "—"))
    output().print(table)


@data.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete.sets)
def get(names: tuple[str, ...]) -> None:
    """Download sets into the cache, and print their folders.

    NAME is a set's name, as `data list` shows it. Run it again to resume.
    """
    for name in names:
        click.echo(_get(name))


def _get(name: str) -> str:
    from rich.console import Console
    from rich.progress import Progress

    from twinscale import datasets

    for dataset in datasets.catalogue():
        if dataset.name == name:
            click.echo(f"{name}: {dataset.terms}", err=True)
    shown = sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task(name)
        folder = datasets.get(name, progress=lambda done, total: bar.update(task, completed=done, total=total))
    return str(folder)
