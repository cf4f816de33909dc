"""The picture formats twinscale knows, and what each of them can carry."""

import os
from dataclasses import dataclass
from pathlib import Path

from twinscale.errors import UsageError


@dataclass(frozen=True, slots=True)
class Format:
    """What one file format can hold.

    ``depths`` are bits per sample (32 is floating point). ``max_side`` is the longest side in
    pixels that its encoder takes. ``quality`` is what is written unless another is asked for, with
    0 for lossless, and ``None`` for a format that is always lossless.
    """

    name: str
    extensions: tuple[str, ...]
    depths: tuple[int, ...] = (8,)
    alpha: bool = True
    grey: bool = True
    metadata: bool = True
    max_side: int = 2**31 - 1
    quality: int | None = None


LOSSLESS = 0

FORMATS = {
    entry.name: entry
    for entry in (
        Format("PNG", (".png",), depths=(8, 16)),
        Format("JPEG", (".jpg", ".jpeg", ".jfif"), alpha=False, max_side=65_500, quality=95),
        Format("WEBP", (".webp",), grey=False, max_side=16_383, quality=LOSSLESS),
        Format("TIFF", (".tif", ".tiff"), depths=(8, 16, 32)),
        Format("BMP", (".bmp",), alpha=False, metadata=False),
        Format("GIF", (".gif",), alpha=False, metadata=False, max_side=65_535),
        Format("JPEG2000", (".jp2",), depths=(8, 16), quality=LOSSLESS),
        Format("AVIF", (".avif",), max_side=65_536, quality=95),
    )
}

_BY_EXTENSION = {extension: entry.name for entry in FORMATS.values() for extension in entry.extensions}

READABLE_EXTENSIONS = frozenset(_BY_EXTENSION)

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
)


def format_named(name: str) -> Format:
    """The format of this name, in upper or lower case; `UsageError` lists the names otherwise."""
    if name.upper() not in FORMATS:
        raise UsageError(f"format {name!r} is not supported; choose one of {', '.join(FORMATS)}")
    return FORMATS[name.upper()]


def format_of_path(path: str | os.PathLike[str]) -> str:
    """Name of the format that a path's extension stands for, such as ``"PNG"``.

    Raises:
        UsageError: if the extension is missing or not supported; the message lists those that are.
    """
    extension = Path(path).suffix.lower()
    if extension not in _BY_EXTENSION:
        raise UsageError(f"{path}: extension {extension!r} is not supported; use one of {', '.join(_BY_EXTENSION)}")
    return _BY_EXTENSION[extension]


def format_of_bytes(data: bytes) -> str | None:
    """Name of the format that the first bytes of a file show, or ``None`` if it is none of ours."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brands = data[8 : int.from_bytes(data[:4], "big")]
        if b"avif" in brands or b"avis" in brands:
            return "AVIF"
    return None


def can_carry_xmp(format: str) -> bool:
    """Whether files of this format can hold an XMP packet (and an ICC profile and EXIF).

    Raises:
        UsageError: if there is no such format.
    """
    return format_named(format).metadata
