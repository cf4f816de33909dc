"""What was written into a folder: its journal, with a line of JSON for every output.

From it a later run knows which files are results, of which pictures, and how they were made. A file that it does not
know, or that has changed since, belongs to the user.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from twinscale.errors import TwinscaleError
from twinscale.strict import from_mapping

JOURNAL = ".twinscale.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How one output was made."""

    output: str
    """Its name, in the journal's folder."""
    sha256: str
    """Of the output's bytes."""
    source: str
    """Path of the input from the journal's folder, with slashes; see :func:`path_from`."""
    source_sha256: str
    """Of the input's bytes."""
    made_by: dict[str, Any]
    """The work's identity, and the options of writing."""

    @property
    def kind(self) -> str:
        """The kind of work, such as ``"upscale"``."""
        return str(self.made_by.get("kind"))


class Journal:
    """The journal of a folder. Other threads and processes may write it at the same time.

    Args:
        folder: where the outputs are; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: dict[str, list[Entry]] = {}
        self._end = 0
        self._lock = Lock()

    def find(self, name: str) -> Entry | None:
        """Return how a file of the folder was made; None if that is not known, or the file has changed since."""
        if name not in self._entries:
            self._read_on()
        if name not in self._entries:  # most files are inputs, whose contents need not be read
            return None
        digest = digest_of(self._folder / name)
        found = self._made(name, digest)
        if found is None:
            self._read_on()
            found = self._made(name, digest)
        return found

    def entries(self) -> Iterator[Entry]:
        """Yield how every output was made, whether or not it is still there."""
        self._read_on()
        for entries in self._entries.values():
            yield from entries

    def origin(self, entry: Entry) -> Path:
        """Return the absolute path of the input that an output was made of."""
        return Path(os.path.normpath(self._folder.resolve() / entry.source))

    def add(self, entry: Entry) -> None:
        """Write an entry, in one step, so that those of several processes do not mix; nothing if it is known.

        Raises:
            OSError: the journal cannot be written.
        """
        self._read_on()
        if self._made(entry.output, entry.sha256) == entry:
            return
        line = json.dumps(asdict(entry)).encode() + b"\n"
        with open(self._folder / JOURNAL, "a+b", buffering=0, opener=_open_itself) as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # the disk was full in the middle of the last line
                    line = b"\n" + line
            file.write(line)
            os.fsync(file.fileno())

    def _made(self, name: str, digest: str | None) -> Entry | None:
        """Return the last entry for these bytes: a process may have ended between its entry and its file."""
        return next((entry for entry in reversed(self._entries.get(name, [])) if entry.sha256 == digest), None)

    def _read_on(self) -> None:
        """Read the lines that were added since the last time. Damaged lines tell nothing."""
        with self._lock:
            try:
                with (self._folder / JOURNAL).open("rb") as file:
                    file.seek(self._end)
                    lines = file.read().splitlines(keepends=True)
            except OSError:  # there is none yet, or it may not be read: nothing is known
                return
            for line in lines:
                if not line.endswith(b"\n"):  # it is just being written
                    break
                self._end += len(line)
                try:
                    entry = from_mapping(Entry, json.loads(line), JOURNAL)
                except (ValueError, TypeError, RecursionError, TwinscaleError):
                    continue
                self._entries.setdefault(entry.output, []).append(entry)


def _open_itself(path: str, flags: int) -> int:
    """Open a file, but not what a link stands for: a folder from elsewhere must not choose where we write."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file; None if it is not a file or cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if path.is_file() else None
    except OSError:
        return None


def path_from(folder: Path, source: str) -> str:
    """Return the path of an input from a folder, so that both can be moved together.

    Links in the folders are followed; a link that is itself the input is not.
    """
    path = real_path(source)
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return path.as_posix()


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a file, without links in its folders."""
    path = Path(path)
    return Path(os.path.realpath(path.parent)) / path.name  # Path.resolve raises for links in a circle
