"""``twinscale study``: people compare methods in the browser, two at a time."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from twinscale.cli import complete, options
from twinscale.cli.command import Group
from twinscale.cli.console import output

if TYPE_CHECKING:
    from twinscale.drawings.bars import Bar
    from twinscale.study import Share, Study, TaskResult
    from twinscale.study.design import Task

_LOCAL = ("127.0.0.1", "localhost")

_folder = click.argument("folder", metavar="STUDY", type=click.Path(path_type=Path))


@click.group(
    cls=Group,
    examples=[
        "twinscale study make folder -m twin -a bicubic -a dpid -o study",
        "twinscale study serve study",
        "twinscale study results study -o study.png",
    ],
)
def study() -> None:
    """Let people compare methods in the browser."""


@study.command()
@click.argument("sources", metavar="PICTURES...", nargs=-1, required=True, shell_complete=complete.sets)
@click.option(
    "--method", "-m", required=True, help="The method to compare with others.", shell_complete=complete.downscalers
)
@click.option(
    "--against",
    "-a",
    multiple=True,
    required=True,
    help="What to compare it with; repeatable.",
    shell_complete=complete.downscalers,
)
@click.option("--scale", "-s", type=click.IntRange(2, 16), default=4, help="How many times smaller.")
@click.option(
    "--task",
    "tasks",
    type=click.Choice(["restored", "small"]),
    multiple=True,
    help="Compare only restored pictures, or only small ones.",
    show_default="both",
)
@click.option(
    "--pictures",
    "count",
    type=click.IntRange(min=1),
    help="Draw this many at random from each of PICTURES.",
    show_default="all",
)
@click.option(
    "--repeats",
    type=click.IntRange(0, 1000),
    default=10,
    help="Questions of each task that come twice, to see whether people agree with themselves.",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), default="study", help="The study's folder.")
def make(
    sources: tuple[str, ...],
    method: str,
    against: tuple[str, ...],
    scale: int,
    tasks: "tuple[Task, ...]",
    count: int | None,
    repeats: int,
    output: Path,
) -> None:
    """Make a study: render every picture with every method.

    PICTURES is a folder, or the name of a set, as `data list` shows it. Methods are those of `shrink --method`. After a
    plus stands what brings their pictures back, a model or bicubic: dpid+best, twin+bicubic. Without it, a pair
    restores what it shrank, and `fast` enlarges what classical methods shrank. Prints the study's folder.
    """
    import random

    from rich.console import Console
    from rich.progress import Progress

    from twinscale.datasets import find_pictures
    from twinscale.errors import UsageError
    from twinscale.study.design import TASKS
    from twinscale.study.making import make_study
    from twinscale.study.methods import method_named

    names = (method, *against)
    downscalers = [name.partition("+")[0] for name in names]
    if downscalers.count(downscalers[0]) > 1 and set(tasks) != {"restored"}:
        raise UsageError(f"{method} and another method make the same small pictures: compare with --task restored")
    paths = []
    for source in sources:
        found = find_pictures(source)
        paths += found if count is None or count >= len(found) else sorted(random.sample(found, count))
    subject, *competitors = map(method_named, names)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        shown = bar.add_task("rendering")
        made = make_study(
            output,
            paths,
            subject,
            competitors,
            scale=scale,
            tasks=tasks or TASKS,
            repeats=repeats,
            progress=lambda done, total: bar.update(shown, completed=done, total=total),
        )
    click.echo(f"questions for each participant: {made.showings}", err=True)
    click.echo(output)


@study.command()
@_folder
@click.option("--host", default=_LOCAL[0], help="Address to serve at; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, help="Port to serve at; 0 for any that is free.")
def serve(folder: Path, host: str, port: int) -> None:
    """Serve a study in the browser until Ctrl-C.

    Any number of people can take part at the same time. Answers are kept in the study's folder at once: the server can
    be stopped and started again, and people go on where they were. Prints the address. Needs the serve extra.
    """
    import contextlib
    import socket

    from twinscale.errors import UsageError, install

    try:
        import uvicorn

        from twinscale.study.server import create_app
    except ModuleNotFoundError as error:
        raise UsageError(f"serving needs {error.name}: {install('serve')}") from None

    app = create_app(folder, hosts=_LOCAL if host in _LOCAL else ("*",))
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UsageError(f"cannot serve at {host}, port {port} ({error.strerror}): choose others") from None
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"http://{shown}:{listening.getsockname()[1]}")
    config = uvicorn.Config(app, log_level="warning", ws="none", lifespan="off")
    with listening, contextlib.suppress(KeyboardInterrupt):  # the usual way to stop it
        uvicorn.Server(config).run(sockets=[listening])


@study.command()
@_folder
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Also draw them, as this PNG file.")
@options.as_json
def results(folder: Path, output: Path | None, as_json: bool) -> None:
    """Show how often people preferred which method.

    Shares are means over participants with 95 percent confidence intervals. Who agreed with themselves in less than
    80 percent of the repeated questions does not count, nor who has not finished. Drawing needs the train extra.
    """
    from twinscale.errors import UsageError
    from twinscale.study import Answers, Study, analyse
    from twinscale.study.answers import ANSWERS

    study = Study.load(folder)
    participants = Answers(folder / ANSWERS).all() if (folder / ANSWERS).exists() else []
    if not participants:
        raise UsageError(f"nobody has taken part yet: let people in with 'twinscale study serve {folder}'")
    found = analyse(study, participants)
    if output:
        _draw(study, found, output)
    if as_json:
        import dataclasses
        import json

        tasks = {task: dataclasses.asdict(result) for task, result in found.items()}
        report = {"subject": study.subject, "scale": study.scale, "tasks": tasks}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _print(study, found)


def _draw(study: "Study", found: "dict[Task, TaskResult]", path: Path) -> None:
    from twinscale.drawings import Preferences
    from twinscale.errors import UsageError, install
    from twinscale.study.design import TASKS

    try:
        import matplotlib  # noqa: F401 (imported now, to say what is missing)
    except ModuleNotFoundError as error:
        raise UsageError(f"drawing needs {error.name}: {install('train')}") from None
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path} is not a PNG file: name one that ends in .png with -o")
    if not any(result.valid for result in found.values()):
        raise UsageError("there is nothing to draw: nobody counts yet")
    restored, small = (_bars(found[task]) if task in found else {} for task in TASKS)
    drawing = Preferences(study.subject, restored, small)
    try:
        drawing.save(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): name another file with -o") from None


def _bars(result: "TaskResult") -> "dict[str, list[Bar]]":
    return {name: [(s.mean, s.low, s.high) for s in shares.values()] for name, shares in result.shares.items()}


def _print(study: "Study", found: "dict[Task, TaskResult]") -> None:
    from rich.markup import escape
    from rich.table import Table

    console = output()
    for task, result in found.items():
        people = result.valid + result.inconsistent + result.unfinished
        console.print(
            f"{task} pictures, x{study.scale}: {result.valid} of {people} people count "
            f"({result.inconsistent} inconsistent, {result.unfinished} unfinished); {result.pictures} pictures",
            highlight=False,
        )
        table = Table("against", box=None, pad_edge=False)
        for heading in (f"{study.subject} is better", "both are equal", "the other is better"):
            table.add_column(escape(heading), justify="right")
        for competitor, shares in result.shares.items():
            table.add_row(escape(competitor), *map(_percent, shares.values()))
        if result.shares:
            console.print(table)


def _percent(share: "Share") -> str:
    """Return a share as tables show it: ``62% (55 to 69%)``."""
    interval = "" if share.low is None or share.high is None else f" ({100 * share.low:.0f} to {share.high:.0%})"
    return f"{share.mean:.0%}{interval}"
