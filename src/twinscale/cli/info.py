"""``twinscale info``: what a picture is, and whether it can be restored."""

from typing import Annotated, Any

import typer

from twinscale.cli import options


def info(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Pictures.")],
    as_json: options.AsJson = False,
) -> None:
    """Tell what pictures are, what they carry, and how a shrunk one was made."""
    import json

    facts = [_facts(file) for file in files]
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for fact in facts:
        typer.echo(fact.pop("file"))
        for key, value in fact.items():
            if value:
                typer.echo(f"  {key}: {', '.join(value) if isinstance(value, list) else value}")


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
