"""Where twinscale keeps what it can fetch or measure again."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return the user's cache folder: ``$TWINSCALE_CACHE``, else the platform's usual place."""
    if chosen := os.environ.get("TWINSCALE_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "twinscale"
