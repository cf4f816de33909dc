"""Reading whole files, and writing them so that no half-written file is ever seen."""

import functools
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from twinscale import spill
from twinscale.errors import OutOfMemoryError, OutputExistsError, PictureError

if sys.platform != "win32":
    import fcntl

_TEMPORARY = re.compile(r"\.twinscale-[0-9a-f]{16}\.tmp")


def read_source(source: str | os.PathLike[str] | bytes | BinaryIO) -> tuple[str, spill.Data]:
    """Return the name to use in messages, and all bytes of a file, an open binary file, or bytes.

    Raises:
        PictureError: there is no such file, or it may not be read.
        OutOfMemoryError: there is not enough memory for it.
    """
    if isinstance(source, bytes):
        return "picture data", source
    if not isinstance(source, (str, os.PathLike)):
        return str(getattr(source, "name", "picture data")), source.read()
    path = Path(source)
    try:
        with path.open("rb") as file:
            return str(path), spill.read(file)
    except MemoryError:
        raise OutOfMemoryError(f"{path}: the file is too large for the available memory; use a smaller one") from None
    except FileNotFoundError:
        raise PictureError(f"{path}: no such file; check the path") from None
    except IsADirectoryError:
        raise PictureError(f"{path}: is a folder, not a picture; name a file inside it") from None
    except PermissionError:
        raise PictureError(f"{path}: may not be read; change the file's permissions") from None
    except (OSError, ValueError) as error:
        raise PictureError(f"{path}: cannot be read ({error}); check the path and the disk") from error


def write_atomically(path: str | os.PathLike[str], data: spill.Data, *, overwrite: bool) -> None:
    """Write a file that appears complete or not at all.

    The data goes to a temporary file in the same folder, which then takes the final name in one
    step, for good: a loss of power does not undo it. Without ``overwrite`` a file that is already
    there is never touched, not even one that appears in the meantime; with it, a file keeps its
    permissions. The temporary file is removed whatever happens. Those of processes that were
    killed are removed by the first call for their folder.

    Raises:
        OutputExistsError: the file exists and ``overwrite`` is false.
        PictureError: the folder is missing or cannot be written to, or the disk is full.
    """
    path = Path(path)
    refuse_taken(path, overwrite=overwrite)
    _sweep(path.parent.absolute())
    try:
        permissions = _permissions(path)
        temporary, handle = _create_temporary(path.parent, permissions)
        try:
            with os.fdopen(handle, "wb") as file:
                for part in spill.parts(data):
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            if permissions is not None:
                with suppress(OSError):  # the file system has none
                    temporary.chmod(permissions)
            if overwrite:
                temporary.replace(path)
            else:
                _link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(path.parent)
    except FileExistsError:
        raise _exists(path) from None
    except FileNotFoundError:
        raise PictureError(f"{path}: folder {path.parent} does not exist; create it first") from None
    except (OSError, ValueError) as error:  # ValueError for names that no file can have
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{path}: cannot be written ({reason}); check the folder and the disk") from error


def _permissions(path: Path) -> int | None:
    """Return the permissions of a file that is about to be replaced; None if there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _create_temporary(folder: Path, permissions: int | None) -> tuple[Path, int]:
    """Create a file that :func:`_sweep` leaves alone while it is open; return its path and its descriptor."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        path = folder / f".twinscale-{os.urandom(8).hex()}.tmp"
        # Opened this way, not by tempfile, so that the file gets the permissions the umask gives.
        handle = os.open(path, flags, 0o666 if permissions is None else permissions)
        if sys.platform != "win32":
            with suppress(OSError):  # the file system has no locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.lexists(path):
            return path, handle
        os.close(handle)  # another process swept it before it was locked


@functools.cache
def _sweep(folder: Path) -> None:
    """Remove temporary files that nobody writes any more; once per process."""
    with suppress(OSError):
        for path in folder.iterdir():
            if _TEMPORARY.fullmatch(path.name):
                with suppress(OSError):  # somebody writes it, or has just removed it
                    _remove_abandoned(path)


def _remove_abandoned(path: Path) -> None:
    """Remove a file unless a process that is alive has locked it or, on Windows, opened it: ``OSError`` then."""
    if sys.platform == "win32":
        path.unlink()
        return
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(handle)


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a loss of power, where the file system can."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def refuse_taken(path: Path, *, overwrite: bool) -> None:
    """Raise if a file may not be written here: it exists, or is a folder or a device."""
    if os.path.lexists(path):
        if not overwrite:
            raise _exists(path)
        if path.exists() and not path.is_file():
            raise PictureError(f"{path}: is not a regular file; choose another output path")


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(f"{path}: already exists; allow overwriting or choose another name")


def _link(temporary: Path, path: Path) -> None:
    """Give a finished file its name; raise ``FileExistsError`` if the name is taken."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        # FAT and some network disks have no hard links: reserve the name, then replace our own file.
        path.touch(exist_ok=False)
        try:
            temporary.replace(path)
        except BaseException:
            path.unlink()
            raise
