"""Studies with quick stand-ins for methods, and participants whose preference is known."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.awkward import pattern
from twinscale.images.resize import Kernel, imresize
from twinscale.rescale.tag import Tag
from twinscale.rescale.xmp import add_tag
from twinscale.study import Question, Showing, Study
from twinscale.study.design import Choice
from twinscale.study.making import make_study
from twinscale.study.methods import Method

Decide = Callable[[Question], str]
"""Which of ``"subject"``, ``"equal"`` and ``"competitor"`` a participant prefers."""


def resizing(name: str, kernel: Kernel) -> Method:
    """A method that leaves a tag, as pairs do."""
    tag = Tag(model=f"tag of {name}", digest="0" * 64, scale=2, width=1, height=1)
    return Method(
        name,
        lambda picture, scale: replace(
            picture, pixels=imresize(picture.pixels, 1 / scale, kernel=kernel), xmp=add_tag(None, tag)
        ),
        lambda small, scale: replace(small, pixels=imresize(small.pixels, scale, kernel=kernel)),
    )


SUBJECT = resizing("ours", "lanczos3")
COMPETITORS = [resizing("theirs", "bilinear"), resizing("another", "nearest")]


def make(folder: Path, *, count: int = 2, size: tuple[int, int] = (72, 96), **options: Any) -> Path:
    """The folder of a study x2 of ``count`` pictures of this height and width."""
    (folder / "pictures").mkdir(parents=True)
    paths = [folder / "pictures" / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        Image.fromarray(pattern(*size) ^ np.uint8(number)).save(path)
    make_study(folder / "study", paths, SUBJECT, COMPETITORS, **{"scale": 2, "repeats": 3, **options})
    return folder / "study"


def by_preference(study: Study, decide: Decide) -> Callable[[Showing], Choice]:
    """What somebody who knows what they prefer chooses, on whichever side it stands."""

    def choose(showing: Showing) -> Choice:
        preference = decide(study.questions[showing.question])
        if preference == "equal":
            return "equal"
        return "a" if (preference == "subject") != showing.swapped else "b"

    return choose


def answered(showings: Sequence[Showing], choose: Callable[[Showing], Choice]) -> list[Showing]:
    """A participant's showings with all answers."""
    return [replace(showing, choice=choose(showing)) for showing in showings]
