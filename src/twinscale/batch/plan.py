"""Which output belongs to which input."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twinscale.batch.work import Work
from twinscale.codecs.registry import codec_named, readable_extensions, writable_codecs
from twinscale.errors import UsageError

STANDARD_STREAM = "-"


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to work on; ``-`` stands for standard input or output."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A file that an input stands for."""

    path: str
    relative: Path | None = None
    """Its path relative to the folder that was given; None for a file that was itself given."""


def plan(
    inputs: Sequence[str],
    work: Work,
    *,
    output: str | None = None,
    format: str | None = None,
    recursive: bool = False,
) -> list[Job]:
    """Decide the output of every input.

    Outputs that are not named go beside their inputs, those of a folder into a sister folder, with ``work.suffix``
    added to the name.

    Args:
        inputs: files, folders, patterns, or ``-`` for standard input. Of two names, the second is the output if no
            such file exists.
        work: what will be done to the pictures.
        output: for one input, a file, or ``-`` for standard output; for several, a folder. A name that ends in a slash,
            or is that of an existing folder, is always a folder.
        format: format of the outputs, such as ``"PNG"``; by default that of each input, if it suits the work.
        recursive: whether to enter subfolders; the outputs' folders mirror them.

    Returns:
        The jobs, in the order of the inputs; the files of a folder by name.

    Raises:
        UsageError: a folder holds no pictures, one output is given for several inputs, or two inputs would have the
            same output.
        ModelError: see :attr:`Work.suffix`.
    """
    if output is None and _second_is_output(inputs):
        inputs, output = inputs[:1], inputs[1]
    found = [file for given in inputs for file in _expand(given, recursive)]
    single = len(inputs) == 1 and found == [_Found(inputs[0])]
    if output is None or not single or _is_folder(output):
        if output == STANDARD_STREAM:
            raise UsageError("standard output takes one picture, not several: name a folder with -o")
        return _default_jobs(found, output, work, format)
    return [Job(inputs[0], output)]


def _second_is_output(inputs: Sequence[str]) -> bool:
    if len(inputs) != 2 or Path(inputs[1]).is_dir() or glob.has_magic(inputs[1]):
        return False
    if Path(inputs[1]).exists():
        raise UsageError(f"{inputs[1]} exists, so it could be a second input or the output: say which with -o")
    return True


def _is_folder(output: str) -> bool:
    return output.endswith(("/", "\\")) or Path(output).is_dir()


def _expand(given: str, recursive: bool) -> Iterator[_Found]:
    """Yield the files that an input stands for."""
    path = Path(given)
    if given == STANDARD_STREAM or path.is_file():
        yield _Found(given)
    elif path.is_dir():
        entries = sorted(path.rglob("*") if recursive else path.iterdir())
        files = [entry for entry in entries if entry.suffix.lower() in readable_extensions() and entry.is_file()]
        if not files:
            hint = "name one that does" if recursive else "add -r to enter its subfolders"
            raise UsageError(f"folder {given} holds no pictures: {hint}")
        for file in files:
            yield _Found(str(file), file.relative_to(path))
    elif glob.has_magic(given) and (matches := sorted(glob.glob(given, recursive=True))):  # noqa: PTH207 (patterns may be absolute)
        for match in matches:
            if Path(match).is_file():
                yield _Found(match)
    else:
        yield _Found(given)  # reading it gives the one clear error


def _default_jobs(found: Sequence[_Found], folder: str | None, work: Work, format: str | None) -> list[Job]:
    """Return jobs whose outputs are not named; no two have the same output."""
    jobs: dict[str, Job] = {}
    for file in found:
        if file.path == STANDARD_STREAM:
            target = STANDARD_STREAM
        else:
            path = Path(file.path)
            name = f"{work.suffix}{_extension(path, work, format)}"
            parent = _output_folder(file, folder, work.suffix)
            target = str(parent / f"{path.stem}{name}")
            if target in jobs:  # photo.gif beside photo.png, both to become photo_x2.png
                target = str(parent / f"{path.name}{name}")
            if target in jobs:
                raise UsageError(f"{file.path} and {jobs[target].source} have the same output {target}: run them apart")
        jobs[target] = Job(file.path, target)
    return list(jobs.values())


def _extension(path: Path, work: Work, format: str | None) -> str:
    """Return the extension of an output that is not named: the input's own, if it suits the work."""
    if format:
        return codec_named(format).extensions[0]
    extension = path.suffix.lower()
    return extension if extension in _suitable_extensions(work.carries_tag) else ".png"


def _suitable_extensions(carries_tag: bool) -> set[str]:
    """Return the extensions that a result may have unless another is asked for.

    GIF has too few colours and BMP holds no metadata; lossy formats spoil a shrunk picture.
    """
    fit = (codec for codec in writable_codecs() if codec.max_colours is None and codec.keeps)
    fit = (codec for codec in fit if not carries_tag or (codec.is_lossless and codec.keeps_xmp))
    return {extension for codec in fit for extension in codec.extensions}


def _output_folder(file: _Found, folder: str | None, suffix: str) -> Path:
    """Return the folder of an output that is not named."""
    path = Path(file.path)
    if file.relative is None:
        return Path(folder) if folder else path.parent
    if folder:
        return Path(folder) / file.relative.parent
    given = path.parents[len(file.relative.parts) - 1].resolve()
    return given.with_name(given.name + suffix) / file.relative.parent
