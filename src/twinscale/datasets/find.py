"""Finding the pictures that a name or a folder stands for."""

import os
from pathlib import Path

from twinscale.codecs.registry import readable_extensions
from twinscale.datasets.folders import search_folders
from twinscale.datasets.sets import Dataset, named, suggestion
from twinscale.errors import DatasetError


def find_pictures(name_or_folder: str | os.PathLike[str]) -> list[Path]:
    """Return the files that the name of a set, or a folder, stands for.

    A name in the catalogue stands for exactly that set's pictures, in the catalogue's order. They
    are found by stem, whatever their format, in ``$TWINSCALE_DATA/test/<name>``,
    ``$TWINSCALE_DATA/train/<name>``, ``$TWINSCALE_DATA/<name>`` and the cache; a folder that lacks
    one of them is skipped, so that no result is ever computed on part of a set.

    Anything else is a folder, or the name of one in those places, and stands for every picture in
    it and below it, sorted by path without regard to case. Hidden files do not count.

    A string that is a name in the catalogue means the set even if the current directory holds a folder of
    that name: write ``"./Set5"`` for the folder. A ``Path`` means the folder if it exists.

    Raises:
        DatasetError: the set or folder is not found, is incomplete, or holds no pictures.
    """
    value = os.fspath(name_or_folder)
    dataset = named(value)
    if dataset is not None and (isinstance(name_or_folder, str) or not Path(value).is_dir()):
        folder = folder_of(dataset)
        if folder is None:
            raise DatasetError(_missing(dataset))
        return _members(dataset, folder)

    if not value:  # as a path it would be the current directory, which nobody asked for
        raise DatasetError("'': the name is empty; give a folder with pictures or the name of a set")
    folders = [Path(value)]
    is_bare_name = Path(value).name == value
    if is_bare_name:
        folders += search_folders(value)
    for folder in folders:
        if folder.is_dir():
            if pictures := _pictures_below(folder):
                return pictures
            raise DatasetError(f"{folder}: there are no pictures in this folder; give one that has some")
    if is_bare_name:
        raise DatasetError(f"{value!r}: no such set or folder ({_looked_in(folders)}); {suggestion(value)}")
    raise DatasetError(f"{value}: no such folder; give a folder with pictures or the name of a set")


def dataset_name(name_or_folder: str | os.PathLike[str]) -> str:
    """Return the name to show for a set or folder: the last part of its path."""
    return Path(name_or_folder).resolve().name or os.fspath(name_or_folder)


def folder_of(dataset: Dataset) -> Path | None:
    """Return the first folder that holds the whole set, or None."""
    folders = search_folders(dataset.name)
    return next((folder for folder in folders if len(_members(dataset, folder)) == dataset.files), None)


def _members(dataset: Dataset, folder: Path) -> list[Path]:
    """Return the set's pictures that are in the folder, in the catalogue's order."""
    found = {path.stem: path for path in _pictures_below(folder)}
    return [found[picture.stem] for picture in dataset.pictures if picture.stem in found]


def _pictures_below(folder: Path) -> list[Path]:
    extensions = readable_extensions()
    relative = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    pictures = (
        path
        for path in relative
        if path.suffix.lower() in extensions and not any(part.startswith(".") for part in path.parts)
    )
    return [folder / path for path in sorted(pictures, key=lambda path: path.as_posix().casefold())]


def _missing(dataset: Dataset) -> str:
    folders = search_folders(dataset.name)
    most = max(len(_members(dataset, folder)) for folder in folders)
    state = f"only {most} of its {dataset.files} pictures found" if most else "not found"
    return f"{dataset.name}: {state} ({_looked_in(folders)}); run: twinscale data get {dataset.name}"


def _looked_in(folders: list[Path]) -> str:
    return f"looked in {', '.join(map(str, folders))}"
