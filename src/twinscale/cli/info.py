"""``twinscale info``: what a picture is, and whether it can be restored."""

from typing import Any

import click

from twinscale.cli import options
from twinscale.cli.command import Command


@click.command(cls=Command, examples=["twinscale info photo_shrunk.png"])
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@options.as_json
def info(files: tuple[str, ...], as_json: bool) -> None:
    """Show what pictures are, what they carry, and how they were shrunk."""
    import json

    facts = [_facts(file) for file in files]
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for fact in facts:
        click.echo(fact.pop("file"))
        for key, value in fact.items():
            if value:
                click.echo(f"  {key}: {', '.join(value) if isinstance(value, list) else value}")


def _facts(file: str) -> dict[str, Any]:
    from twinscale.images.picture import Picture
    from twinscale.rescale.shrunk import Shrunk

    picture = Picture.read(file)
    shrunk = Shrunk.find(picture)
    metadata = {"alpha": picture.alpha, "ICC profile": picture.icc, "EXIF": picture.exif, "XMP": picture.xmp}
    made = None
    if shrunk is not None:
        tag = shrunk.tag
        made = f"from {tag.width}x{tag.height} by {tag.model}; 'twinscale restore' brings it back"
    return {
        "file": file,
        "format": picture.format,
        "size": f"{picture.width}x{picture.height}",
        "colour": "grey" if picture.is_grey else "RGB",
        "bits": picture.depth,
        "carries": [name for name, value in metadata.items() if value is not None],
        "notes": list(picture.notes),
        "shrunk": made,
    }
