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


class _Qualities(click.ParamType):
    """Qualities of JPEG, as in ``30,50,75``."""

    name = "Q[,Q...]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers."""
        qualities = [int(word) if word.isascii() and word.isdigit() else 0 for word in value.split(",")]
        if not all(1 <= quality <= 100 for quality in qualities):
            self.fail(f"{value!r} is not a list of qualities of 1 to 100 such as 30,50,75.", param, ctx)
        return tuple(qualities)


@click.command(
    cls=Command,
    examples=[
        "twinscale evaluate dsn-y-x3 Set5 Set14 BSD100 Urban100",
        "twinscale evaluate fast-x2 Kodak24 --jpeg 30,50,75,90",
    ],
)
@click.argument("model", shell_complete=complete.models)
@click.argument("datasets", metavar="DATASET...", nargs=-1, required=True, shell_complete=complete.sets)
@options.ensemble
@click.option(
    "--jpeg",
    "qualities",
    type=_Qualities(),
    help="Send the small pictures through JPEG (4:2:0) at each of these qualities before they are enlarged; full-size "
    "ones, if the model only repairs.",
)
@click.option("--per-picture", is_flag=True, help="List every picture.")
@options.as_json
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Folder whose results.json and results.md are brought up to date; what it holds for the same weights is "
    "not measured again.",
)
def evaluate(
    model: str,
    datasets: tuple[str, ...],
    ensemble: bool,
    qualities: tuple[int, ...] | None,
    per_picture: bool,
    as_json: bool,
    record: Path | None,
) -> None:
    """Measure PSNR and SSIM of a model on sets of pictures.

    The figures of bicubic and of the paper are shown beside them. MODEL is the name or folder of a model, or "all" for
    every shipped one that enlarges. DATASET is the name of a set, as `data list` shows it, or a folder. For pairs,
    "small" is the PSNR of the small picture against the bicubic reduction, and "ΔE00" their colour difference
    (CIEDE2000), mean and 99th percentile over the pixels.
    """
    from rich.console import Console
    from rich.progress import Progress

    from twinscale.datasets import dataset_name
    from twinscale.errors import UsageError
    from twinscale.evaluation import evaluate
    from twinscale.evaluation.provenance import REFERENCE
    from twinscale.evaluation.record import Record
    from twinscale.rescale import load
    from twinscale.zoo import load_card, model_names

    if record and (ensemble or qualities):
        raise UsageError(
            "--record keeps results of models as they run by default, on clean pictures: leave out --record, or "
            "--ensemble and --jpeg"
        )
    names = [name for name in model_names() if load_card(name).scale > 1] if model == "all" else [model]
    loaded = [load(name, REFERENCE) for name in names]
    kept = Record(record) if record else None
    evaluations = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        for entry in loaded:
            for dataset, quality in itertools.product(datasets, qualities or (None,)):
                if kept and kept.has(entry, dataset_name(dataset)):
                    continue
                task = bar.add_task(f"{entry.card.name} on {_name(dataset, quality)}")
                evaluation = evaluate(
                    entry,
                    dataset,
                    ensemble=ensemble,
                    jpeg=quality,
                    progress=functools.partial(_advance, bar, task),
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


def _name(dataset: str, quality: int | None) -> str:
    return dataset if quality is None else f"{dataset}, JPEG {quality}"


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

    for model, group in itertools.groupby(evaluations, key=lambda evaluation: evaluation.model.card.name):
        own = list(group)
        in_rgb, in_paper = own[0].protocol.colour == "rgb", any(evaluation.published for evaluation in own)
        table = Table(box=box.SIMPLE_HEAD, padding=0)
        table.add_column(model + "+" * own[0].ensemble, no_wrap=True)  # as Lim et al. mark it: EDSR+
        baseline = "as it is" if own[0].protocol.scale == 1 else "bicubic"
        headers = [baseline, "ours", *(["RGB"] if in_rgb else []), *(["paper", "diff."] if in_paper else [])]
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
            name = _name(evaluation.dataset, evaluation.protocol.jpeg)
            table.add_row(name, *cells, f"{evaluation.seconds_per_megapixel:.2f}")
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
