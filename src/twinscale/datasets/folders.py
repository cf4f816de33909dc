"""The folders in which a set of pictures may lie."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for downloads: ``$TWINSCALE_CACHE``, else the platform's usual place."""
    if chosen := os.environ.get("TWINSCALE_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "twinscale"


def download_folder(name: str) -> Path:
    """Return the folder into which the set of this name is downloaded."""
    return cache_folder() / "data" / name


def search_folders(name: str) -> list[Path]:
    """Return where the set of this name is looked for, first place first."""
    folders = [download_folder(name)]
    if data := os.environ.get("TWINSCALE_DATA"):
        folders = [Path(data) / "test" / name, Path(data) / "train" / name, Path(data) / name, *folders]
    return folders
