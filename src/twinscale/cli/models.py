"""``twinscale models``: the shipped models and their cards."""

from typing import Annotated

import typer

from twinscale.cli import options

app = typer.Typer(help="List the models and show their cards.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: options.AsJson = False) -> None:
    """List the models that come with twinscale."""
    from twinscale.zoo import load_card, model_names

    cards = [load_card(name) for name in model_names()]
    if as_json:
        import json

        rows = [
            {
                "name": card.name,
                "kind": card.kind,
                "scale": card.scale,
                "colour": card.colour,
                "parameters": sum(part.parameters for part in (card.down, card.up) if part),
                "multiply_adds_per_pixel": {
                    key: part.multiply_adds for key, part in (("down", card.down), ("up", card.up)) if part
                },
                "licence": card.licence,
            }
            for card in cards
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return

    from rich.console import Console
    from rich.table import Table

    table = Table("name", "kind", "colour", box=None)
    for column in ("scale", "parameters", "kMAC/pixel down", "up"):
        table.add_column(column, justify="right")
    table.add_column("licence", overflow="fold")
    for card in cards:
        parameters = sum(part.parameters for part in (card.down, card.up) if part)
        down = f"{card.down.multiply_adds / 1e3:.1f}" if card.down else "–"
        up = f"{card.up.multiply_adds / 1e3:.1f}"
        table.add_row(card.name, card.kind, card.colour, str(card.scale), f"{parameters:,}", down, up, card.licence)
    Console().print(table)


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="Name or folder of a model.")],
) -> None:
    """Print a model's card, after checking its files against their SHA-256."""
    from twinscale.zoo import load_card
    from twinscale.zoo.card import CARD_FILE

    card = load_card(model)
    for part in (card.down, card.up):
        if part:
            card.read(part)
    typer.echo((card.folder / CARD_FILE).read_text(encoding="utf-8").rstrip())
