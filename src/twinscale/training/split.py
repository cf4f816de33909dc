"""Which of a recipe's pictures a network learns from, and which show how good it is. It needs no torch."""

import math
from pathlib import Path

from twinscale.datasets import dataset_name, find_pictures
from twinscale.errors import DatasetError
from twinscale.training.recipe import DataSpec

_VALIDATION_PICTURES = 10


def split_pictures(data: DataSpec) -> tuple[list[Path], list[Path], list[str]]:
    """Find the pictures of a recipe and set the validation pictures apart.

    Returns:
        Training pictures, validation pictures, and the names ``set/stem`` of the latter.

    Raises:
        DatasetError: a set is not found, a named validation picture is in none of them, or nothing is left to train on.
    """
    pictures = [
        (f"{dataset_name(source)}/{path.stem}", path) for source in data.train for path in find_pictures(source)
    ]
    named = dict(pictures)
    names = data.validation
    if not names:
        count = min(_VALIDATION_PICTURES, math.ceil(len(named) / 10))
        names = list(named)[:: max(1, len(named) // count)][:count]
    missing = [name for name in names if name not in named]
    if missing:
        raise DatasetError(f"validation picture {missing[0]!r} is in none of {', '.join(data.train)}: name it set/stem")
    train = [path for name, path in pictures if name not in names]
    if not train:
        raise DatasetError(
            f"{', '.join(data.train)}: {len(pictures)} picture(s) leave none to train on beside validation; add more"
        )
    return train, [named[name] for name in names], names
