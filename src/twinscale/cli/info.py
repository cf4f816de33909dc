"""``twinscale info``: what a picture is, and whether it can be restored."""

from typing import TYPE_CHECKING, Any

import click

from twinscale.cli import complete, options
from twinscale.cli.command import Command, in_words
from twinscale.cli.console import readable_size

if TYPE_CHECKING:
    from twinscale.images.summary import Summary


@click.command(cls=Command, examples=["twinscale info photo_shrunk.png"])
@click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=complete.files)
@options.as_json
def info(files: tuple[str, ...], as_json: bool) -> None:
    """Show what pictures are, what they carry, and how they were shrunk.

    Only shrunk pictures are decoded; of others, of any size, only what the file says of them is read.

    The quality of a JPEG is that of libjpeg whose tables are nearest to the file's.
    """
    import json

    from twinscale.errors import TwinscaleError

    reports, failed = [], False
    for file in files:
        try:
            reports.append(_report(file))
        except TwinscaleError as error:
            if len(files) == 1:
                raise
            failed = True
            click.echo(in_words(error), err=True)
            reports.append({"file": file, "error": str(error)})
        if not as_json and "error" not in reports[-1]:
            _print(reports[-1])
    if as_json:
        click.echo(json.dumps(reports, indent=2, ensure_ascii=False))
    if failed:
        raise click.exceptions.Exit(1)


def _report(file: str) -> dict[str, Any]:
    from pathlib import Path

    from twinscale.images.summary import Summary

    summary = Summary.read(file)
    metadata = {"icc": summary.icc, "exif": summary.exif, "xmp": summary.xmp}
    return {
        "file": file,
        "bytes": Path(file).stat().st_size,
        "format": summary.format,
        "width": summary.width,
        "height": summary.height,
        "bits": summary.depth,
        "channels": summary.channels,
        "alpha": summary.has_alpha,
        "jpeg": _jpeg(summary),
        "carries": [name for name, value in metadata.items() if value is not None],
        "notes": list(summary.notes),
        "tag": _tag(file, summary),
    }


def _jpeg(summary: "Summary") -> dict[str, Any] | None:
    """Return how a JPEG was saved, if its own tables tell."""
    found = summary.quantisation
    return None if found is None else {"quality": found.quality, "subsampling": found.subsampling}


def _tag(file: str, summary: "Summary") -> dict[str, Any] | None:
    """Return how a picture was shrunk, and by which model ``restore`` brings it back, or else why it does not."""
    from dataclasses import asdict

    from twinscale.errors import TwinscaleError
    from twinscale.images.picture import Picture
    from twinscale.rescale.shrunk import Shrunk
    from twinscale.rescale.xmp import read_tag

    if read_tag(summary.xmp) is None:
        return None
    shrunk = Shrunk.find(Picture.read(file))  # its pixels tell whether another program changed them
    if shrunk is None:
        return None
    tag = asdict(shrunk.tag) | {"scale": float(shrunk.tag.scale), "saved_again": shrunk.is_saved_again}
    try:
        model = shrunk.restorer()
        shrunk.check(model)
    except TwinscaleError as error:
        return tag | {"restorable": False, "by": None, "reason": str(error)}
    return tag | {"restorable": True, "by": str(model.card.folder), "reason": None}


def _print(report: dict[str, Any]) -> None:
    colour = ("grey" if report["channels"] == 1 else "RGB") + " and alpha" * report["alpha"]
    click.echo(report["file"])
    saved = ""
    if jpeg := report["jpeg"]:
        saved = f" of quality {jpeg['quality']}" + (f", {jpeg['subsampling']}" if jpeg["subsampling"] else "")
    click.echo(f"  {report['format']}{saved}, {readable_size(report['bytes'])}")
    click.echo(f"  {report['width']}x{report['height']}, {colour}, {report['bits']} bits")
    if report["carries"]:
        click.echo(f"  carries {', '.join(name.upper() for name in report['carries'])}")
    for note in report["notes"]:
        click.echo(f"  note: {note}")
    if tag := report["tag"]:
        made_for = f"for {tag['model']}" if tag["pixels"] else f"by {tag['model']}"
        click.echo(f"  shrunk from {tag['width']}x{tag['height']} {made_for}")
        if tag["saved_again"]:
            click.echo("  saved again by another program since")
        click.echo(
            "  'twinscale restore' brings it back" if tag["restorable"] else f"  cannot be restored: {tag['reason']}"
        )
