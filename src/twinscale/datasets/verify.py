"""Checking a downloaded picture against the catalogue."""

import hashlib
from pathlib import Path

from PIL import Image

from twinscale.datasets.sets import CatalogueEntry


def matches(path: Path, picture: CatalogueEntry) -> bool:
    """Return whether the file is the download that the catalogue describes."""
    kind, _, expected = picture.checksum.partition(":")
    digest = {"sha256": _file_digest, "blob": _blob_id, "pixels": _pixel_digest}[kind]
    return digest(path, picture) == expected


def _file_digest(path: Path, _: CatalogueEntry) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _blob_id(path: Path, _: CatalogueEntry) -> str:
    header = b"blob %d\0" % path.stat().st_size
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(header, usedforsecurity=False)).hexdigest()


def _pixel_digest(path: Path, picture: CatalogueEntry) -> str | None:
    """Return the SHA-256 of the decoded pixels, or None for a file that cannot be this picture."""
    try:
        with Image.open(path) as image:
            # The size is known before anything is decoded: a huge wrong file costs nothing.
            if image.size != (picture.width, picture.height):
                return None
            return hashlib.sha256(image.convert(picture.mode).tobytes()).hexdigest()
    except Exception:  # Pillow's decoders raise errors of every type on what is damaged
        return None
