"""Which formats there are: found among the modules of this package, so that a new one is one new file."""

import os
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from twinscale import codecs, spill
from twinscale.errors import PictureError, UsageError

if TYPE_CHECKING:
    from twinscale.codecs.codec import Codec

_BEGINNING = 2**24  # bytes, within which JPEG-LS is told from JPEG behind all of the metadata


@cache
def all_codecs() -> "tuple[Codec, ...]":
    """Return the codecs of all formats, by rank. Their modules are loaded by the first call, not with this one."""
    import pkgutil

    names = [module.name for module in pkgutil.iter_modules(codecs.__path__)]
    modules = [import_module(f"{codecs.__name__}.{name}") for name in names]
    found = [module.CODEC for module in modules if hasattr(module, "CODEC")]
    return tuple(sorted(found, key=lambda codec: (codec.rank, codec.name)))


def writable_codecs() -> "tuple[Codec, ...]":
    """Return the codecs that can encode, by rank."""
    return tuple(codec for codec in all_codecs() if codec.encode)


def readable_extensions() -> frozenset[str]:
    """Return the extensions of all formats that can be read, in lower case with the dot."""
    return frozenset(extension for codec in all_codecs() for extension in codec.extensions)


def codec_named(name: str) -> "Codec":
    """Return the codec of a format by its name or one of its extensions: ``"JPEG"``, ``"jpg"``, ``".jpg"``.

    Raises:
        UsageError: there is no such format; the message lists those that can be written.
    """
    wanted = name.lower().removeprefix(".")
    for codec in all_codecs():
        if wanted == codec.name.lower() or f".{wanted}" in codec.extensions:
            return codec
    known = ", ".join(codec.name for codec in writable_codecs())
    raise UsageError(f"format {name!r} is not supported; choose one of {known}")


def codec_of_path(path: str | os.PathLike[str]) -> "Codec":
    """Return the codec that writes files with a path's extension.

    Raises:
        UsageError: the extension is missing, unknown or only read; the message lists those that can be written.
    """
    extension = Path(path).suffix.lower()
    for codec in writable_codecs():
        if extension in codec.extensions:
            return codec
    known = ", ".join(extension for codec in writable_codecs() for extension in codec.extensions)
    can_read = extension in readable_extensions()
    reason = "can be read but not written" if can_read else "is not supported"
    raise UsageError(f"{path}: extension {extension!r} {reason}; use one of {known}")


def codec_of_bytes(data: spill.Data) -> "Codec":
    """Return the codec of a file, recognised by how its contents begin.

    Raises:
        PictureError: the file is empty or its format is not known.
    """
    if not data:
        raise PictureError("the file is empty; get a complete copy")
    beginning = data[:_BEGINNING]
    for codec in all_codecs():
        if codec.sniff(beginning):
            return codec
    known = ", ".join(codec.name for codec in all_codecs())
    raise PictureError(f"not a picture of a known format ({known}); convert it to one of these")
