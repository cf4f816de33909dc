"""``twinscale evaluate``: measure a model by the field's protocol."""

import functools
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinscale.cli import complete, options
from twinscale.cli.command import Command
from twinscale.cli.console import output

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from twinscale.evaluation import Evaluation
    from twinscale.evaluation.looks import Looks
    from twinscale.evaluation.protocol import Scores


@click.command(cls=Command, examples=["twinscale evaluate dsn-y-x3 Set5 Set14 BSD100 Urban100"])
@click.argument("model", shell_complete=complete.models)
@click.argument("datasets", metavar="DATASET...", nargs=-1, required=True, shell_complete=complete.sets)
@options.ensemble
@click.option("--per-picture", is_flag=True, help="List every picture.")
@options.as_json
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Folder whose results.json and results.md are brought up to date; what it holds for the same weights is "
    "not measured again.",
)
def evaluate(
    model: str, datasets: tuple[str, ...], ensemble: bool, per_picture: bool, as_json: bool, record: Path | None
) -> None:
    """Measure PSNR and SSIM of a model on sets of pictures.

    The figures of bicubic and of the paper are shown beside them. MODEL is the name or folder of a model, or "all" for
    every shipped one. DATASET is the name of a set, as `data list` shows it, or a folder. For pairs, "small" is the
    PSNR of the small picture against the bicubic reduction, and "ΔE00" their colour difference (CIEDE2000), mean and
    99th percentile over the pixels.
    """
    from rich.console import Console
    from rich.progress import Progress

    from twinscale.datasets import dataset_name
    from twinscale.errors import UsageError
    from twinscale.evaluation import evaluate
    from twinscale.evaluation.provenance import REFERENCE
    from twinscale.evaluation.record import Record
    from twinscale.rescale import load
    from twinscale.zoo import model_names

    if ensemble and record:
        raise UsageError("--record keeps results of models as they run by default: leave out --ensemble or --record")
    loaded = [load(name, REFERENCE) for name in (model_names() if model == "all" else [model])]
    kept = Record(record) if record else None
    evaluations = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        for entry in loaded:
            for dataset in datasets:
                if kept and kept.has(entry, dataset_name(dataset)):
                    continue
                task = bar.add_task(f"{entry.card.name} on {dataset}")
                evaluation = evaluate(
                    entry, dataset, ensemble=ensemble, progress=functools.partial(_advance, bar, task)
                )
                bar.remove_task(task)
                evaluations.append(evaluation)
                if kept:
                    kept.add(evaluation)
    if as_json:
        import json

        rows = [_row(evaluation, per_picture) for evaluation in evaluations]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print(evaluations, per_picture)


def _advance(bar: "Progress", task: "TaskID", done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _row(evaluation: "Evaluation", per_picture: bool) -> dict[str, Any]:
    from dataclasses import asdict

    row: dict[str, Any] = {
        "model": evaluation.model.card.name,
        "ensemble": evaluation.ensemble,
        "dataset": evaluation.dataset,
        "protocol": asdict(evaluation.protocol),
        "bicubic": asdict(evaluation.bicubic),
        "ours": asdict(evaluation.ours),
        "looks": asdict(evaluation.looks) if evaluation.looks else None,
        "published": evaluation.published,
        "seconds_per_megapixel": evaluation.seconds_per_megapixel,
    }
    if per_picture:
        row["pictures"] = [asdict(picture) for picture in evaluation.pictures]
    return row


def _print(evaluations: "list[Evaluation]", per_picture: bool) -> None:
    from rich import box
    from rich.table import Table

    for name, group in itertools.groupby(evaluations, key=lambda evaluation: evaluation.model.card.name):
        own = list(group)
        in_rgb, in_paper = own[0].protocol.colour == "rgb", any(evaluation.published for evaluation in own)
        table = Table(box=box.SIMPLE_HEAD, padding=0)
        table.add_column(name + "+" * own[0].ensemble, no_wrap=True)  # as Lim et al. mark it: EDSR+
        headers = ["bicubic", "ours", *(["RGB"] if in_rgb else []), *(["paper", "diff."] if in_paper else [])]
        if own[0].looks:
            headers += ["small", *(["ΔE00"] if in_rgb else [])]
        for header in [*headers, "s/MP"]:
            table.add_column(header, justify="right", no_wrap=True)
        for evaluation in own:
            if per_picture:
                for picture in evaluation.pictures:
                    cells = _cells(picture.bicubic, picture.ours, None, picture.looks, in_rgb, in_paper)
                    table.add_row(picture.name, *cells, f"{picture.seconds / picture.megapixels:.2f}")
            paper, looks = evaluation.published, evaluation.looks
            cells = _cells(evaluation.bicubic, evaluation.ours, paper, looks, in_rgb, in_paper)
            table.add_row(evaluation.dataset, *cells, f"{evaluation.seconds_per_megapixel:.2f}")
        output().print(table)


def _cells(
    bicubic: "Scores", ours: "Scores", paper: list[float] | None, looks: "Looks | None", in_rgb: bool, in_paper: bool
) -> list[str]:
    from twinscale.evaluation.evaluate import beside_paper

    cells = [str(bicubic), str(ours)]
    if in_rgb:
        cells.append("–" if ours.psnr_rgb is None else f"{ours.psnr_rgb:.2f}")
    if in_paper:
        cells += beside_paper(ours, paper)
    if looks:
        cells += [f"{looks.fidelity:.2f}", *([looks.colour_difference] if in_rgb else [])]
    return cells
