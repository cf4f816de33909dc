"""``twinscale models``: the models and their cards."""

from typing import TYPE_CHECKING, Any

import click

from twinscale.cli import complete, options
from twinscale.cli.command import Group
from twinscale.cli.console import output

if TYPE_CHECKING:
    from twinscale.zoo import Card


@click.group(cls=Group, examples=["twinscale models list --speed", "twinscale models show twin-x2"])
def models() -> None:
    """List the models and show their cards."""


@models.command("list")
@click.option("--speed", is_flag=True, help="Also measure milliseconds per megapixel (MP) here; takes seconds.")
@options.as_json
def list_models(speed: bool, as_json: bool) -> None:
    """List the models that come with twinscale and your own, and what they cost.

    Your own are found in the folders that the environment variable TWINSCALE_MODELS names. Multiply-adds (MAC) are per
    pixel, milliseconds per megapixel, both of the full-size picture.
    """
    rows = _rows(speed)
    if as_json:
        import json

        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print(rows)


def _rows(speed: bool) -> list[dict[str, Any]]:
    from twinscale import zoo

    cards = zoo.list_models()
    rows = [_row(card) for card in cards]
    if speed:
        from rich.console import Console

        from twinscale.benchmark.engine import measure_networks
        from twinscale.rescale import Model

        with Console(stderr=True).status("measuring speed"):
            for row, card in zip(rows, cards, strict=True):
                measured = measure_networks(Model(card))
                row["milliseconds_per_megapixel"] = {
                    part: getattr(measured, part) for part in row["multiply_adds_per_pixel"]
                }
    return rows


def _row(card: "Card") -> dict[str, Any]:
    parts = {key: part for key, part in (("down", card.down), ("up", card.up)) if part}
    return {
        "name": card.name,
        "kind": card.kind,
        "scale": card.scale,
        "colour": card.colour,
        "parameters": sum(part.parameters for part in parts.values()),
        "multiply_adds_per_pixel": {key: part.multiply_adds for key, part in parts.items()},
        "licence": card.licence,
        "folder": str(card.folder),
    }


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    licences = list(dict.fromkeys(row["licence"] for row in rows))
    costs = {
        "multiply_adds_per_pixel": ("MAC/px", 1e3, ".1f", "k"),
        "milliseconds_per_megapixel": ("ms/MP", 1, ".0f", ""),
    }
    shown = {key: cost for key, cost in costs.items() if key in rows[0]}
    table = Table("name", "kind", "colour", box=None, pad_edge=False)
    headers = [header for title, *_ in shown.values() for header in (f"{title}\ndown", "\nup")]
    for column in ("scale", "params", *headers, "licence"):
        table.add_column(column, justify="right")
    for row in rows:
        cells = [
            f"{row[key][part] / unit:{digits}}{sign}" if part in row[key] else "–"
            for key, (_, unit, digits, sign) in shown.items()
            for part in ("down", "up")
        ]
        table.add_row(
            escape(row["name"]),
            row["kind"],
            row["colour"],
            str(row["scale"]),
            f"{row['parameters'] / 1e3:.1f}k",
            *cells,
            str(licences.index(row["licence"]) + 1),
        )
    console = output()
    console.print(table)
    for number, licence in enumerate(licences, start=1):
        console.print(f"licence {number}: {licence}", highlight=False)


@models.command()
@click.argument("model", shell_complete=complete.models)
def show(model: str) -> None:
    """Print the card of MODEL, a name or a folder, after checking its files against their SHA-256."""
    from twinscale.zoo import load_card
    from twinscale.zoo.card import CARD_FILE

    card = load_card(model)
    for part in (card.down, card.up):
        if part:
            card.read(part)
    click.echo((card.folder / CARD_FILE).read_text(encoding="utf-8").rstrip())
