"""The catalogue: the sets of pictures known by name, read from the package's ``catalogue`` folder."""

import csv
import difflib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

CATALOGUE: Traversable = files("twinscale.datasets") / "catalogue"


@dataclass(frozen=True)
class CatalogueEntry:
    """What the catalogue says about one picture of a set: what it is, its source, and how its download is checked."""

    file: str
    """The name under which it is stored; elsewhere the suffix may differ, the stem may not."""
    width: int
    height: int
    mode: str
    """``"RGB"`` or ``"L"``, as in Pillow."""
    checksum: str
    """Checksum of the download: ``sha256:`` of the file, ``pixels:`` of its decoded pixels, or git's ``blob:`` id."""
    source: str
    """Path of the download below the host, not yet quoted."""
    terms: str

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return self.file.rpartition(".")[0]


@dataclass(frozen=True)
class Dataset:
    """A named set of pictures."""

    name: str
    kind: Literal["test", "train"]
    description: str
    source: str
    terms: str
    use: Literal["free", "research"]
    """What the terms allow: any use, or research only; weights trained on the set may be used likewise."""
    pictures: tuple[CatalogueEntry, ...]
    jpeg_quality: int | None = None
    """The quality the pictures are saved with if they are reduced from larger photographs, else None."""

    @property
    def files(self) -> int:
        """Number of pictures."""
        return len(self.pictures)

    @property
    def megapixels(self) -> float:
        """Megapixels of all pictures together."""
        return sum(picture.width * picture.height for picture in self.pictures) / 1e6


def catalogue() -> list[Dataset]:
    """Return the sets that are known by name, test sets first."""
    sets = tomllib.loads((CATALOGUE / "sets.toml").read_text(encoding="utf-8"))
    return [Dataset(name=name, pictures=_pictures(name, about), **about) for name, about in sets.items()]


def named(name: str) -> Dataset | None:
    """Return the set of this name, or None if the catalogue has none."""
    return next((dataset for dataset in catalogue() if dataset.name == name), None)


def suggestion(name: str) -> str:
    """Return what to suggest for a name that is not in the catalogue."""
    known = {dataset.name.casefold(): dataset.name for dataset in catalogue()}
    nearest = difflib.get_close_matches(name.casefold(), known, n=1)
    return f"did you mean {known[nearest[0]]}?" if nearest else f"known sets: {', '.join(known.values())}"


def picture_table(name: str) -> str:
    """Return the table of a set's pictures as the catalogue has it, tab-separated."""
    return (CATALOGUE / f"{name}.tsv").read_text(encoding="utf-8")


def _pictures(name: str, about: dict[str, Any]) -> tuple[CatalogueEntry, ...]:
    rows = csv.DictReader(picture_table(name).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(
        CatalogueEntry(
            file=row["file"],
            width=int(row["width"]),
            height=int(row["height"]),
            mode=row["mode"],
            checksum=row["checksum"],
            source=row["source"],
            terms=row.get("terms") or about["terms"],
        )
        for row in rows
    )
