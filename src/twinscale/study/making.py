"""Making a study: every picture is rendered once by every method, under names that tell nothing."""

import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from twinscale.errors import OutputExistsError, PictureError, UsageError
from twinscale.images.picture import Picture
from twinscale.study.design import PICTURES, TASKS, Question, Study, Task
from twinscale.study.methods import Method


def make_study(
    folder: Path,
    paths: Sequence[Path],
    subject: Method,
    competitors: Sequence[Method],
    *,
    scale: int = 4,
    tasks: Sequence[Task] = TASKS,
    repeats: int = 10,
    progress: Callable[[int, int], None] | None = None,
) -> Study:
    """Make the folder of a study, which then needs nothing else; it appears complete or not at all.

    Pictures are cropped at the right and bottom to a multiple of the scale, reduced to 8 bits, and laid on white if
    they are transparent. There is one question per picture, competitor and task.

    Args:
        folder: where to; it must not exist.
        paths: the pictures.
        subject: the method that is compared with each of the others.
        competitors: the others.
        scale: how many times shorter the sides of the small pictures are, 2 to 16.
        tasks: ``"restored"``, ``"small"``, or both.
        repeats: how many questions of each task come twice, to see whether a participant agrees with themselves.
        progress: called with the number of finished and of all pictures.

    Raises:
        OutputExistsError: the folder exists.
        UsageError: methods share a name, there is nothing to compare or to show, the scale or the number of repeats is
            out of range, or a method makes pictures of a wrong size.
        PictureError: a picture cannot be read, or is smaller than the scale.
        TwinscaleError: of other classes: see the methods.
    """
    if folder.exists():
        raise OutputExistsError(f"{folder}: already exists; choose another name for the study")
    names = [method.name for method in (subject, *competitors)]
    if len(set(names)) < len(names):
        raise UsageError(f"{max(names, key=names.count)!r} is named twice: name each method once")
    if not (paths and competitors and tasks):
        raise UsageError("a study needs pictures, a task, and a method to compare with: name at least one of each")
    if not 2 <= scale <= 16 or not 0 <= repeats <= 1000:
        raise UsageError(f"scale {scale} must be 2 to 16, and the number of repeats, {repeats}, 0 to 1000")

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".study-") as workshop:
        unfinished = Path(workshop) / folder.name
        (unfinished / PICTURES).mkdir(parents=True)
        questions = []
        for done, path in enumerate(paths, start=1):
            questions += _questions(unfinished / PICTURES, path, subject, competitors, scale, tasks)
            if progress:
                progress(done, len(paths))
        study = Study(subject.name, names[1:], scale, repeats, questions)
        study.save(unfinished)
        unfinished.rename(folder)
    return study


def _questions(
    folder: Path, path: Path, subject: Method, competitors: Sequence[Method], scale: int, tasks: Sequence[Task]
) -> list[Question]:
    """Render a picture by all methods and return what is asked about it."""
    original = _original(path, scale)
    shown = _stored(original, folder)
    variants = {method.name: _variants(original, method, folder, scale, tasks) for method in (subject, *competitors)}
    return [
        Question(
            task,
            f"{path.parent.name}/{path.name}",
            competitor.name,
            shown,
            variants[subject.name][task],
            variants[competitor.name][task],
        )
        for task in TASKS
        if task in tasks
        for competitor in competitors
    ]


def _original(path: Path, scale: int) -> Picture:
    picture = Picture.read(path)
    height, width = (side // scale * scale for side in (picture.height, picture.width))
    if not (height and width):
        raise PictureError(
            f"{path}: {picture.width}x{picture.height} pixels are too few to become {scale} times smaller; leave it out"
        )
    opaque = picture.on_background("white").with_depth(8)
    return replace(opaque, pixels=np.ascontiguousarray(opaque.pixels[:height, :width]))


def _variants(original: Picture, method: Method, folder: Path, scale: int, tasks: Sequence[Task]) -> dict[Task, str]:
    """Render what a method makes of a picture; return the names of the files."""
    small = method.shrink(original, scale)
    _check(method, "small", small, original.height // scale, original.width // scale)
    files: dict[Task, str] = {}
    if "small" in tasks:
        files["small"] = _stored(small, folder)
    if "restored" in tasks:
        restored = method.restore(small, scale)
        _check(method, "restored", restored, original.height, original.width)
        files["restored"] = _stored(restored, folder)
    return files


def _check(method: Method, task: Task, picture: Picture, height: int, width: int) -> None:
    if (picture.height, picture.width) != (height, width):
        raise UsageError(
            f"{method.name} made a {task} picture of {picture.width}x{picture.height} pixels where {width}x{height} "
            "belong: mend the method"
        )


def _stored(picture: Picture, folder: Path) -> str:
    """Write a picture without metadata, whose tag would name the method; return the random stem of its file."""
    name = secrets.token_hex(8)
    picture.without_metadata().write(folder / f"{name}.png")
    return name
