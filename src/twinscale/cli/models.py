"""``twinscale models``: the shipped models and their cards."""

from typing import TYPE_CHECKING, Any

import click

from twinscale.cli import options
from twinscale.cli.command import Group
from twinscale.cli.console import output

if TYPE_CHECKING:
    from twinscale.benchmark.engine import NetworkSpeed
    from twinscale.zoo import Card


@click.group(cls=Group, examples=["twinscale models list", "twinscale models show twin-x2"])
def models() -> None:
    """List the models and show their cards."""


@models.command("list")
@options.as_json
def list_models(as_json: bool) -> None:
    """List the models that come with twinscale, their cost and their speed on this machine.

    Multiply-adds (MAC) are per pixel, milliseconds per megapixel (MP), both of the full-size picture.
    """
    from rich.console import Console

    from twinscale.benchmark.engine import measure_networks
    from twinscale.rescale import load
    from twinscale.zoo import model_names

    loaded = [load(name) for name in model_names()]
    with Console(stderr=True).status("measuring speed"):
        speeds = [measure_networks(model) for model in loaded]
    rows = [_row(model.card, speed) for model, speed in zip(loaded, speeds, strict=True)]
    if as_json:
        import json

        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print(rows)


def _row(card: "Card", speed: "NetworkSpeed") -> dict[str, Any]:
    parts = {key: part for key, part in (("down", card.down), ("up", card.up)) if part}
    return {
        "name": card.name,
        "kind": card.kind,
        "scale": card.scale,
        "colour": card.colour,
        "parameters": sum(part.parameters for part in parts.values()),
        "multiply_adds_per_pixel": {key: part.multiply_adds for key, part in parts.items()},
        "milliseconds_per_megapixel": {key: getattr(speed, key) for key in parts},
        "licence": card.licence,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    licences = list(dict.fromkeys(row["licence"] for row in rows))
    table = Table("name", "kind", "colour", box=None, pad_edge=False)
    for column in ("scale", "params", "MAC/px\ndown", "\nup", "ms/MP\ndown", "\nup", "licence"):
        table.add_column(column, justify="right")
    for row in rows:
        adds, times = row["multiply_adds_per_pixel"], row["milliseconds_per_megapixel"]
        table.add_row(
            row["name"],
            row["kind"],
            row["colour"],
            str(row["scale"]),
            f"{row['parameters'] / 1e3:.1f}k",
            *(f"{adds[key] / 1e3:.1f}k" if key in adds else "–" for key in ("down", "up")),
            *(f"{times[key]:.0f}" if key in times else "–" for key in ("down", "up")),
            str(licences.index(row["licence"]) + 1),
        )
    console = output()
    console.print(table)
    for number, licence in enumerate(licences, start=1):
        console.print(f"licence {number}: {licence}", highlight=False)


@models.command()
@click.argument("model")
def show(model: str) -> None:
    """Print the card of MODEL, a name or a folder, after checking its files against their SHA-256."""
    from twinscale.zoo import load_card
    from twinscale.zoo.card import CARD_FILE

    card = load_card(model)
    for part in (card.down, card.up):
        if part:
            card.read(part)
    click.echo((card.folder / CARD_FILE).read_text(encoding="utf-8").rstrip())
