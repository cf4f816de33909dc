"""Downloading a set of pictures from its public source."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from PIL import Image

from twinscale.datasets.download import download
from twinscale.datasets.folders import download_folder
from twinscale.datasets.sets import CatalogueEntry, Dataset, named, picture_table, suggestion
from twinscale.datasets.verify import matches
from twinscale.errors import DatasetError, UsageError

FILES_HOST = "https://raw.githubusercontent.com"
BLOBS_HOST = "https://api.github.com"


def get(name: str, *, base_url: str | None = None, progress: Callable[[int, int], None] | None = None) -> Path:
    """Download a set of the catalogue into the cache and return its folder.

    Pictures that are already there and correct are not downloaded again, and an interrupted download is
    continued, so a second call resumes the first. Every download is verified before
    it gets its name. ``SOURCES.tsv`` in the folder says where each picture comes from and on what
    terms.

    Args:
        name: a name of the catalogue.
        base_url: a mirror of the sources, in place of ``https://raw.githubusercontent.com``;
            by default ``$TWINSCALE_DATA_MIRROR`` if that is set.
        progress: called with the number of finished and of all pictures.

    Raises:
        DatasetError: the name is not in the catalogue, a picture cannot be downloaded or does not
            match its checksum, or the cache cannot be written.
        UsageError: the mirror is not an http or https address.
    """
    dataset = named(name)
    if dataset is None:
        raise DatasetError(f"{name!r}: no such set; {suggestion(name)}")
    mirror = base_url or os.environ.get("TWINSCALE_DATA_MIRROR")
    if mirror and not _is_address(mirror):
        raise UsageError(
            f"{mirror!r} is not the address of a mirror: it must be http:// or https:// and the name of a host"
        )
    folder = download_folder(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "SOURCES.tsv").write_text(picture_table(name), encoding="utf-8")
        for done, picture in enumerate(dataset.pictures):
            if progress is not None:
                progress(done, dataset.files)
            _get_picture(dataset, picture, folder, mirror)
    except OSError as error:
        raise DatasetError(f"{folder}: {error}; set TWINSCALE_CACHE to a writable folder with enough space") from error
    if progress is not None:
        progress(dataset.files, dataset.files)
    return folder


def _get_picture(dataset: Dataset, picture: CatalogueEntry, folder: Path, mirror: str | None) -> None:
    target = folder / picture.file
    part = folder / f"{picture.file}.part"
    is_right = partial(matches, picture=picture)
    url = _url(picture, mirror)
    if dataset.jpeg_quality is None:
        if not (target.exists() and is_right(target)):
            download(url, part, is_right)
            part.replace(target)
    elif not _has_size(target, picture):
        from twinscale.datasets.reduce import reduce_photo

        download(url, part, is_right)
        reduced = folder / f"{picture.file}.reduced"
        reduce_photo(part, reduced, (picture.width, picture.height), dataset.jpeg_quality)
        reduced.replace(target)
        part.unlink()


def _url(picture: CatalogueEntry, mirror: str | None) -> str:
    # A photograph that exists only in a repository's history is requested by its blob id, through the API.
    host = BLOBS_HOST if picture.source.startswith("repos/") else FILES_HOST
    return f"{(mirror or host).rstrip('/')}/{quote(picture.source)}"


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")  # as it is asked for
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and host != b"" and port != 0 and url.isprintable() and " " not in url


def _has_size(path: Path, picture: CatalogueEntry) -> bool:
    """Return whether a reduced photograph is there: the bytes of a JPEG made here have no known checksum."""
    try:
        with Image.open(path) as image:
            return image.size == (picture.width, picture.height)
    except Exception:  # Pillow's decoders raise errors of every type on what is damaged
        return False
