"""Which output belongs to which input."""

import functools
import glob
import os
import stat
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from twinscale.batch.journal import JOURNAL, Journal, real_path
from twinscale.batch.names import Naming
from twinscale.batch.work import Work
from twinscale.codecs.registry import codec_named, codec_of_path, readable_extensions
from twinscale.errors import PictureError, UsageError

STANDARD_STREAM = "-"


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to work on; ``-`` stands for standard input or output."""

    source: str
    target: str
    error: PictureError | None = None
    """Why the source, a folder, cannot be searched for pictures; there is no target then."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A file that an input stands for."""

    path: str
    relative: Path | None = None
    """Its path relative to the folder that was given; None for a file that was itself given."""
    error: PictureError | None = None
    """Why it, a folder, cannot be searched."""


@dataclass(frozen=True, slots=True)
class _Input:
    """An input as it was given."""

    given: str
    files: Sequence[_Found]
    covers: Callable[[Path], bool]
    """Whether the input stands for a file, or would if that still existed."""
    named: bool = False
    """Whether it is the file itself, not a folder or a pattern."""


def plan(
    inputs: Sequence[str | os.PathLike[str]],
    work: Work,
    *,
    output: str | os.PathLike[str] | None = None,
    template: str | None = None,
    format: str | None = None,
    recursive: bool = False,
    overwrite: bool = False,
) -> list[Job]:
    """Decide the output of every input.

    Outputs that are not named go beside their inputs, those of a folder into a sister folder; :class:`Naming` says how
    they are called. Results of the same kind of work are not taken as inputs, unless they are named or were made of
    pictures elsewhere: the journals of their folders tell.

    Args:
        inputs: files, folders, patterns, or ``-`` for standard input. Of two names, the second is the output if it
            does not exist, if it is a folder without pictures or the first is no folder, or if the first became what is
            there: a journal tells.
        work: what will be done to the pictures.
        output: for one input, a file, or ``-`` for standard output; for several, a folder. A name that ends in a slash,
            or is that of an existing folder, is always a folder.
        template: name of the outputs inside their folder, with placeholders such as ``{stem}``; see :class:`Naming`.
        format: format of the outputs, such as ``"PNG"``; by default that of each input, if it suits the work.
        recursive: whether to enter subfolders; the outputs' folders mirror them.
        overwrite: whether outputs that exist will be replaced. Then none of them may be an input.

    Returns:
        The jobs, in the order of the inputs; the files of a folder by name. A folder that cannot be read is one job,
        with the error.

    Raises:
        UsageError: a folder holds no pictures, one output is given for several inputs, two inputs would have the
            same output, an input would be replaced, or a name contradicts the format.
        ModelError: see :attr:`Work.suffix`.
    """
    journals = functools.cache(Journal)
    given = [os.fspath(one) for one in inputs]
    output = None if output is None else os.fspath(output)
    if output is None and _second_is_output(given, work, recursive, overwrite, journals):
        given, output = given[:1], given[1]
    naming = Naming.of(work, format, template)
    expanded = [_expand(one, recursive) for one in given]
    found = [file for each in expanded for file in _without_results(each, work, journals)]
    single = len(expanded) == 1 and expanded[0].named and template is None
    if output == STANDARD_STREAM:
        if not single:
            raise UsageError("standard output takes one picture and no template: name a folder with -o")
        return [Job(given[0], output)]
    if single and output is not None and not _is_folder(output):
        jobs = [Job(given[0], output)]
    else:
        jobs = _jobs(found, output, naming)
    possible = [job for job in jobs if job.error is None]
    for job in possible:
        _check_extension(job.target, format)
    if overwrite:
        _refuse_replacing_inputs(possible)
    return jobs


def _second_is_output(
    inputs: Sequence[str], work: Work, recursive: bool, overwrite: bool, journals: Callable[[Path], Journal]
) -> bool:
    """Return whether the second of two names is the output, as :func:`plan` explains it."""
    if len(inputs) != 2:
        return False
    first, second = inputs[0], Path(inputs[1])
    if inputs[1] == STANDARD_STREAM:
        return True
    if not _mode(second):
        return not glob.has_magic(inputs[1])
    covers = _expand(first, recursive).covers
    if stat.S_ISDIR(_mode(second)):
        if not stat.S_ISDIR(_mode(Path(first))) or not _pictures(second, recursive):
            return True
        return any(
            entry.kind == work.kind and covers(journal.origin(entry))
            for journal in (journals(path.parent) for path in second.rglob(JOURNAL))
            for entry in journal.entries()
        )
    if _is_result(second, covers, work, journals):
        return True
    if overwrite:
        raise UsageError(
            f"{second} exists and was not made of {first}: to replace it, name it with -o; to take both as inputs, "
            "name a folder with -o"
        )
    return False


def _is_folder(output: str) -> bool:
    return output.endswith(("/", "\\")) or stat.S_ISDIR(_mode(Path(output)))


def _mode(path: Path) -> int:
    """Return ``st_mode``, 0 for what does not exist; also for what the system refuses to look at, where Path raises."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _expand(given: str, recursive: bool) -> _Input:
    """Find the files that an input stands for."""
    path = Path(given)
    if stat.S_ISDIR(_mode(path)):
        found = _pictures(path, recursive)
        if not found:
            hint = "" if recursive else "add -r to enter its subfolders, "
            raise UsageError(f"folder {given} holds no pictures: {hint}name one that does, or name the output with -o")
        folder = path.resolve()
        return _Input(
            given,
            found,
            lambda source: source.is_relative_to(folder) if recursive else source.parent == folder,
        )
    if not stat.S_ISREG(_mode(path)) and given != STANDARD_STREAM and glob.has_magic(given):
        matches = [Path(match) for match in sorted(glob.glob(given, recursive=True))]  # noqa: PTH207 (patterns may be absolute)
        files = [match for match in matches if stat.S_ISREG(_mode(match)) and not match.name.startswith(".twinscale")]
        if not files:
            raise UsageError(f"no file matches {given}: check the pattern")
        folders = {file.parent.resolve() for file in files}
        return _Input(
            given,
            [_Found(str(file)) for file in files],
            lambda source: source.parent in folders and fnmatch(source.name, path.name),
        )
    # A file that is missing gives its one clear error when it is read.
    return _Input(given, [_Found(given)], lambda source: source == real_path(given), named=True)


def _pictures(folder: Path, recursive: bool) -> list[_Found]:
    """Return the pictures in a folder, but not hidden files: those that other programs keep beside pictures.

    Among them are the folders that cannot be read: none is passed over silently.
    """
    unreadable: list[OSError] = []
    folders = islice(os.walk(folder, onerror=unreadable.append), None if recursive else 1)
    paths = [Path(inside, name) for inside, _, names in folders for name in names if not name.startswith(".")]
    found = [
        _Found(str(path), path.relative_to(folder))
        for path in paths
        if path.suffix.lower() in readable_extensions() and _may_be_file(path)
    ]
    for error in unreadable:
        remedy = "change its permissions, or name other folders"
        explained = PictureError(f"{error.filename}: the folder cannot be read ({error.strerror}): {remedy}")
        found.append(_Found(error.filename, error=explained))
    return sorted(found, key=lambda each: Path(each.path))


def _may_be_file(path: Path) -> bool:
    """Return whether a file may be there; one that cannot be looked at gives its error when it is read."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _without_results(expanded: _Input, work: Work, journals: Callable[[Path], Journal]) -> Sequence[_Found]:
    """Return the files of an input without what the work made of its other files."""
    if expanded.named:
        return expanded.files
    files = [
        file
        for file in expanded.files
        if file.error or not _is_result(Path(file.path), expanded.covers, work, journals)
    ]
    if not files:
        raise UsageError(f"{expanded.given} holds only results of {work.kind}: name files to take them as inputs")
    return files


def _is_result(file: Path, covers: Callable[[Path], bool], work: Work, journals: Callable[[Path], Journal]) -> bool:
    """Return whether this kind of work made a file of a picture that an input covers."""
    journal = journals(file.parent)
    entry = journal.find(file.name)
    return entry is not None and entry.kind == work.kind and covers(journal.origin(entry))


def _jobs(found: Sequence[_Found], output: str | None, naming: Naming) -> list[Job]:
    """Return jobs whose outputs are not named; no two have the same output."""
    named_file = output is not None and not _is_folder(output) and Path(output)
    if named_file and (stat.S_ISREG(_mode(named_file)) or named_file.suffix.lower() in readable_extensions()):
        raise UsageError(f"{output} names a file, but here it must be a folder: {output}/ makes one of this name")
    jobs: dict[str, Job] = {}
    for file in found:
        if file.error:
            jobs[f"{file.path}/"] = Job(file.path, "", file.error)
            continue
        if file.path == STANDARD_STREAM:
            if len(found) > 1 or output is not None or naming.template is not None:
                raise UsageError("standard input has no name for its output: name a file with -o, and no other input")
            return [Job(STANDARD_STREAM, STANDARD_STREAM)]
        folder = _output_folder(file, output, naming.suffix)
        job = Job(file.path, str(folder / naming.name(Path(file.path))))
        other = jobs.setdefault(_key(job.target), job)
        if other is not job and real_path(other.source) != real_path(job.source):
            raise UsageError(f"{other.source} and {job.source} have the same output {job.target}: run them apart")
    return list(jobs.values())


def _output_folder(file: _Found, output: str | None, suffix: str) -> Path:
    """Return the folder of an output that is not named."""
    path = Path(file.path)
    if file.relative is None:
        return Path(output) if output else path.parent
    if output:
        return Path(output) / file.relative.parent
    given = path.parents[len(file.relative.parts) - 1]
    if given.name in ("", ".."):  # only the resolved path says what it is called
        given = given.resolve()
    return given.parent / (given.name + suffix) / file.relative.parent


def _key(target: str) -> str:
    """Return what two names have in common if they name the same file."""
    path = real_path(target)
    return unicodedata.normalize("NFC", str(path)).casefold() if _ignores_case(path.parent) else str(path)


@functools.cache
def _ignores_case(folder: Path) -> bool:
    """Return whether the file system of a folder, which need not exist yet, takes ``a`` and ``A`` for the same."""
    for path in (folder, *folder.parents):
        other = path.with_name(path.name.swapcase()) if path.name else path
        if _mode(path) and other != path:
            return _mode(other) != 0 and other.samefile(path)
    return False


def _check_extension(target: str, format: str | None) -> None:
    """Raise if a file's extension does not say its format, or says another than is asked for."""
    if target == STANDARD_STREAM:
        return
    extension = Path(target).suffix
    if format is None:
        if not extension:
            raise UsageError(f"{target} has no extension that says the format: add one, or a slash to name a folder")
        codec_of_path(target)
    elif extension.lower() in readable_extensions() and codec_named(extension) is not codec_named(format):
        raise UsageError(
            f"{target} has the extension of another format than {codec_named(format).name}: leave out one of them"
        )


def _refuse_replacing_inputs(jobs: Sequence[Job]) -> None:
    inputs = {_key(job.source): job.source for job in jobs}
    for job in jobs:
        if _key(job.target) in inputs:
            raise UsageError(
                f"{job.target}, the output of {job.source}, would replace the input {inputs[_key(job.target)]}: name "
                "another output with -o"
            )
