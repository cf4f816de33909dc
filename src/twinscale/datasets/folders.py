"""The folders in which a set of pictures may be."""

import os
from pathlib import Path

from twinscale.cache import cache_folder


def download_folder(name: str) -> Path:
    """Return the folder into which the set of this name is downloaded."""
    return cache_folder() / "data" / name


def search_folders(name: str) -> list[Path]:
    """Return the folders in which the set of this name is looked for, in order."""
    folders = [download_folder(name)]
    if data := os.environ.get("TWINSCALE_DATA"):
        folders = [Path(data) / "test" / name, Path(data) / "train" / name, Path(data) / name, *folders]
    return folders
