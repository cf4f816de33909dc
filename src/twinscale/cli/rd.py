"""``twinscale rd``: rate and distortion of files, alone and packed."""

from pathlib import Path

import click

from twinscale.cli import complete, options
from twinscale.cli.command import Command


def _names(_: click.Context, __: click.Parameter, text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _numbers(context: click.Context, parameter: click.Parameter, text: str | None) -> list[int] | None:
    if text is None:
        return None
    numbers = sorted({click.IntRange(1, 100)(name, parameter, context) for name in text.split(",")})
    if len(numbers) < 2:
        raise click.BadParameter("a curve needs two qualities or more")
    return numbers


@click.command(cls=Command, examples=["twinscale rd Kodak24 --codecs jpeg,webp,avif,jxl -o docs"])
@click.argument("datasets", metavar="DATASET...", nargs=-1, required=True, shell_complete=complete.sets)
@click.option("--codecs", default="jpeg", callback=_names, help="Formats of the files: jpeg, webp, avif, jxl, jp2.")
@click.option(
    "--models",
    default="",
    callback=_names,
    show_default=False,
    help="Models to compare with that were not made for the codec, such as fast-x2,twin-x2.",
)
@click.option(
    "--qualities",
    callback=_numbers,
    help="What the codecs are asked for, such as 10,30,50,70,90.",
    show_default="five to nine for each codec",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    default="rd",
    help="Folder for the page rd.md, the drawings, and rd.json.",
)
@click.option(
    "--threads", "-j", type=click.IntRange(min=1), help="Pictures at a time.", show_default="one per processor"
)
@options.as_json
def rd(
    datasets: tuple[str, ...],
    codecs: list[str],
    models: list[str],
    qualities: list[int] | None,
    output: Path,
    threads: int | None,
    as_json: bool,
) -> None:
    """Measure how much of a picture comes back from files of each size.

    For every picture, the codec alone, and all that `pack` can do with it: PSNR, SSIM and MS-SSIM against bits per
    pixel of the full-size picture, and how many percent fewer bits do the same (Bjøntegaard). What is measured is kept
    in rd.json and not measured again, but what is known of the same codec and set by other ways is forgotten. DATASET
    is the name of a set, as `data list` shows it, or a folder. Needs the train extra.
    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from twinscale.drawings import RateDistortion
    from twinscale.errors import UsageError, install

    try:
        import matplotlib  # noqa: F401 (imported now, not after minutes of measuring)
    except ModuleNotFoundError as error:
        raise UsageError(f"drawing needs {error.name}: {install('train')}") from None
    from twinscale.evaluation.rate_distortion.curves import panels, summary
    from twinscale.evaluation.rate_distortion.measuring import ALONE, METRICS
    from twinscale.evaluation.rate_distortion.page import drawing_name, markdown
    from twinscale.evaluation.rate_distortion.record import RateRecord
    from twinscale.evaluation.rate_distortion.survey import survey
    from twinscale.images.files import write_atomically

    record = RateRecord(output)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("ways on pictures", total=None)
        survey(
            record,
            datasets,
            codecs,
            models=models,
            qualities=qualities,
            threads=threads,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    rows = record.rows()
    page = output / "rd.md"
    write_atomically(page, markdown(rows).encode(), overwrite=True)
    for dataset in {row.dataset for row in rows}:
        for metric in METRICS:
            lines = panels([row for row in rows if row.dataset == dataset], metric)
            dashed = [ALONE, *(f"{codec} {ALONE}" for codec in lines)]
            drawing = RateDistortion(lines, dashed, "bits per pixel", f"{metric}, dB")
            drawing.save(output / drawing_name(dataset, metric))
    if as_json:
        click.echo(json.dumps(summary(rows), indent=2))
    else:
        console.print(f"The page is {page}")
