"""What is worth keeping of trainings, in one small file: models with their cards, recipes, curves and summaries."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from twinscale.images.files import write_atomically
from twinscale.training.history import LOG
from twinscale.training.runs import MODELS, README, RECIPE, SUMMARY

ARCHIVE = "trained.zip"
_LARGEST = 16 * 1000**2  # bytes
_ENTRY = 1000  # bytes that a file takes beside its contents, at most


def write_archive(path: Path, runs: Sequence[Path]) -> str:
    """Gather what runs have reached so far, without checkpoints and previews.

    The archive stays below 16 MB: the largest models are left out if there is not enough room for all.

    Args:
        path: the ZIP file, replaced if it is there.
        runs: folders of runs, whose names differ.

    Returns:
        One line that says what is in it.
    """
    records = [file for run in runs for name in (RECIPE, LOG, SUMMARY, README) if (file := run / name).is_file()]
    models = [folder for run in runs for folder in (run / MODELS).glob("*") if folder.is_dir()]
    room, left_out = _LARGEST - _size(records), []
    with io.BytesIO() as memory:
        with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in records:
                archive.write(file, f"{file.parent.name}/{file.name}")
            for model in sorted(models, key=lambda model: _size(model.iterdir())):
                room -= _size(model.iterdir())
                if room < 0:
                    left_out.append(str(model))
                    continue
                for file in sorted(model.iterdir()):
                    archive.write(file, f"{model.parents[1].name}/{MODELS}/{model.name}/{file.name}")
        write_atomically(path, memory.getvalue(), overwrite=True)
    kept = len(models) - len(left_out)
    said = f"{kept} model{'s' * (kept != 1)}, {path.stat().st_size / 1000**2:.1f} MB"
    return said + (f"; too large for it: {', '.join(left_out)}" if left_out else "")


def _size(files: Iterable[Path]) -> int:
    """Return the bytes that files take in an archive at most."""
    return sum(file.stat().st_size + _ENTRY for file in files)
