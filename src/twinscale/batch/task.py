"""One job: opened, worked on and written; and what became of it."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from twinscale import spill
from twinscale.batch.journal import JOURNAL, Entry, Journal, digest_of, path_from
from twinscale.batch.names import suitable_codecs
from twinscale.batch.plan import STANDARD_STREAM, Job
from twinscale.batch.work import Process, Work
from twinscale.batch.writing import Writing
from twinscale.codecs.registry import codec_named, codec_of_path
from twinscale.errors import (
    OutOfMemoryError,
    OutputExistsError,
    PictureError,
    TwinscaleError,
    UsageError,
    is_lack_of_memory,
)
from twinscale.images.files import read_source, write_atomically
from twinscale.images.picture import MAX_PIXELS, Picture
from twinscale.rescale.model import ProgressCallback
from twinscale.rescale.pack import Packed

if TYPE_CHECKING:
    from twinscale.codecs.codec import Codec


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: which.
        status: whether its output was written, was up to date already, or could not be made; or would be written, if
            that was all to be known.
        reason: why its output was up to date, or was made again.
        seconds: how long reading, the network and writing took, without waiting for each other.
        error: why it failed.
        input_size: ``(height, width)`` of the input, in pixels.
        size: ``(height, width)`` of the output, in pixels.
        input_bytes: size of the input, as a file.
        bytes: size of the output, as a file.
        notes: what was changed on reading the input, and what else the user should know, one line each.
        packed: how the output was packed and what was measured, without the file itself.
    """

    job: Job
    status: Literal["done", "skipped", "failed", "planned"]
    reason: str | None = None
    seconds: float = 0.0
    error: TwinscaleError | None = None
    input_size: tuple[int, int] | None = None
    size: tuple[int, int] | None = None
    input_bytes: int | None = None
    bytes: int | None = None
    notes: tuple[str, ...] = ()
    packed: Packed | None = None


@dataclass(frozen=True, slots=True)
class Outdated:
    """An earlier result in the output's place, which may be replaced while it is unchanged.

    Attributes:
        sha256: of its bytes.
        reason: what has changed.
    """

    sha256: str
    reason: str


class Task:
    """One job under way; its stages run one after the other, though perhaps in different threads.

    A stage that fails ends the task: the later ones do nothing, and :meth:`write` returns the error.

    Args:
        job: which.
        work: what is done to the picture.
        writing: how the result is to be written.
        max_pixels: see :meth:`Picture.read`.
        journals: gives the journal of a folder.

    Attributes:
        outdated: what :meth:`check` found that may be replaced.
    """

    def __init__(
        self,
        job: Job,
        work: Work,
        writing: Writing,
        *,
        max_pixels: int = MAX_PIXELS,
        journals: Callable[[Path], Journal] = Journal,
    ) -> None:
        self.job = job
        self.outdated: Outdated | None = None
        self._work = work
        self._writing = writing
        self._given: spill.Data | None = None
        self._max_pixels = max_pixels
        self._journals = journals
        self._codec: Codec | None = None
        self._picture: Picture | None = None
        self._packed: Packed | None = None
        self._input_sha256 = ""
        self._input_size = (0, 0)
        self._input_bytes = 0
        self._notes: tuple[str, ...] = ()
        self._outcome: Outcome | None = None
        self._seconds = 0.0

    def receive(self) -> None:
        """Read standard input, if that is the job's source."""
        if self.job.source == STANDARD_STREAM:
            with self._stage():
                self._given = _read_standard_input()

    def check(self) -> Outcome | None:
        """Return the outcome of a job that evidently needs no work or cannot succeed, else None; decodes nothing."""
        if self._outcome is not None:
            return self._outcome
        with self._stage():
            if self.job.error:
                raise self.job.error
            if codec := self._named_codec():
                self._choose(codec)
            if self.job.target == STANDARD_STREAM:
                return None
            if _is_there(self.job.target) and self._writing.existing != "replace":
                self._outcome = self._check_existing(Path(self.job.target))
            if self._outcome is None:
                _check_folder(Path(self.job.target).parent)
        return self._outcome

    def _check_existing(self, target: Path) -> Outcome | None:
        """Return the outcome of a job whose output is up to date; None if it may be made again."""
        if self._writing.existing == "refuse":
            raise OutputExistsError(f"{target} already exists: use --overwrite, --skip-existing or another name")
        journal = self._journals(target.parent)
        entry = journal.find(target.name)
        if entry is None:
            raise OutputExistsError(
                f"{target} is not what twinscale wrote here, so it is left alone: rename it, or use --overwrite"
            )
        source = digest_of(Path(self.job.source)) if self._given is None else _digest(self._given)
        if (entry.source_sha256, entry.made_by) == (source, self._made_by()):
            return Outcome(self.job, "skipped", "up to date")
        if entry.source != path_from(target.parent, self.job.source):
            raise OutputExistsError(
                f"{target} is the result of {journal.origin(entry)}, so it is left alone: use another name, or "
                "--overwrite"
            )
        other_picture = entry.source_sha256 != source
        reason = "the picture has changed" if other_picture else "the model or the options have changed"
        self.outdated = Outdated(entry.sha256, reason)
        return None

    def _made_by(self) -> dict[str, Any]:
        """Return what decides the result besides the picture."""
        assert self._codec is not None
        options = {**asdict(self._writing), "format": self._codec.name}
        del options["existing"]
        return {**self._work.identity, **options}

    def open(self) -> None:
        """Read the picture."""
        if self._outcome is not None:
            return
        with self._stage():
            data = read_source(self.job.source)[1] if self._given is None else self._given
            picture = Picture.of_file(data, self.job.source, max_pixels=self._max_pixels)
            self._input_sha256 = _digest(data)
            self._input_size, self._input_bytes = (picture.height, picture.width), len(data)
            self._notes = picture.notes
            if self._codec is None:
                suitable = suitable_codecs(self._work.formats)
                own = (codec for codec in suitable if codec.name == picture.format)
                self._choose(self._named_codec() or next(own, suitable[0]))
            assert self._codec is not None
            self._writing.check_fits(self._codec, picture, self._work.size(picture))
            self._picture = picture

    def process(self, process: Process, progress: ProgressCallback | None = None) -> None:
        """Do the work on the picture."""
        with self._stage():
            if self._picture is None or self._codec is None:
                return
            picture, self._picture = self._picture, None
            if self._work.carries_tag:  # what will be restored is the picture as it is asked for
                result = process(self._writing.applied_to(picture), self._codec.name, progress)
            else:
                picture = picture.with_depth(16) if self._writing.depth == 16 else picture
                result = process(picture, self._codec.name, progress)
            if isinstance(result, Packed):
                self._packed = result
            else:
                self._picture = result if self._work.carries_tag else self._writing.applied_to(result)

    def foresee(self) -> Outcome:
        """Return what would become of the job, if the stages before went well."""
        with self._stage():
            if self._picture is not None:
                self._outcome = self._success("planned", self._work.size(self._picture))
        assert self._outcome is not None
        return self._outcome

    def write(self) -> Outcome:
        """Encode and write the result, if the stages before went well.

        A file that appeared at the output's place since :meth:`check` is not replaced. If it holds what this job
        makes, it is from an earlier attempt whose process was killed before it could say so; if outputs are brought up
        to date, it may be from another process that does the same.
        """
        with self._stage():
            if self._picture is not None and self._codec is not None:
                data, lost = self._picture.encoded(self._codec.name, quality=self._writing.quality)
                size, self._notes = (self._picture.height, self._picture.width), (*self._picture.notes, *lost)
                if self._work.carries_tag and len(data) > self._input_bytes:
                    fewer = "-f webp" if self._codec.quality is None else "a lower -q"
                    remedy = "--depth 8" if self._picture.depth > 8 else fewer  # WebP holds no more bits
                    self._notes += (f"the small file has more bytes than the input: {remedy} takes fewer",)
                self._picture = None
                made_meanwhile = self._write_output(data)
                self._outcome = made_meanwhile or replace(self._success("done", size), bytes=len(data))
            elif self._packed is not None:
                packed, self._packed = self._packed, None
                self._notes += packed.notes
                made_meanwhile = self._write_output(packed.data)
                done = self._success("done", (packed.height, packed.width))
                done = replace(done, bytes=len(packed.data), packed=replace(packed, data=b""))
                self._outcome = made_meanwhile or done
        assert self._outcome is not None
        return replace(self._outcome, seconds=self._seconds)

    def _success(self, status: Literal["done", "planned"], size: tuple[int, int]) -> Outcome:
        return Outcome(
            self.job,
            status,
            self.outdated.reason if self.outdated else None,
            input_size=self._input_size,
            size=size,
            input_bytes=self._input_bytes,
            notes=self._notes,
        )

    def _named_codec(self) -> "Codec | None":
        """Return the format that is asked for, or that the output's name says; None on standard output."""
        if self._writing.format is not None:
            return codec_named(self._writing.format)
        return None if self.job.target == STANDARD_STREAM else codec_of_path(self.job.target)

    def _choose(self, codec: "Codec") -> None:
        """Settle the format of the output, if it can be written as asked."""
        self._writing.check_quality(codec)
        if self._work.carries_tag and not codec.keeps_xmp:
            raise UsageError(f"{codec.name} cannot hold the tag that restore needs: write PNG, TIFF or WebP")
        self._codec = codec

    def _write_output(self, data: spill.Data) -> Outcome | None:
        """Write the result; return the job's outcome if another process was faster."""
        target = Path(self.job.target)
        if self.job.target == STANDARD_STREAM:
            _write_standard_output(data)
            return None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._note(target, data)
            replaceable = self.outdated is not None and digest_of(target) == self.outdated.sha256
            write_atomically(target, data, overwrite=replaceable or self._writing.existing == "replace")
        except OSError as error:
            raise PictureError(f"folder {target.parent} cannot be created ({error.strerror}): name another") from error
        except OutputExistsError:
            if self._writing.existing == "skip" and (made_meanwhile := self._check_existing(target)):
                return made_meanwhile
            if digest_of(target) != _digest(data):
                raise
        return None

    def _note(self, target: Path, data: spill.Data) -> None:
        """Write into the journal what is about to be written, so that no output is ever unknown."""
        entry = Entry(
            output=target.name,
            sha256=_digest(data),
            source=path_from(target.parent, self.job.source),
            source_sha256=self._input_sha256,
            made_by=self._made_by(),
        )
        try:
            self._journals(target.parent).add(entry)
        except OSError as error:
            self._notes += (f"{JOURNAL} cannot be written ({error.strerror}): --skip-existing will not know {target}",)

    @contextmanager
    def _stage(self) -> Iterator[None]:
        """Time a stage, and turn an error that a user can act on into the outcome."""
        start = time.perf_counter()
        try:
            yield
        except BrokenPipeError:  # nobody reads standard output any more, which ends the command quietly
            raise
        except (TwinscaleError, MemoryError, OSError) as error:
            self._picture = None
            self._outcome = Outcome(self.job, "failed", error=self._named(error))
        finally:
            self._seconds += time.perf_counter() - start

    def _named(self, error: TwinscaleError | MemoryError | OSError) -> TwinscaleError:
        """Return the error with the name of the picture in its message."""
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and is_lack_of_memory(error)):
            return OutOfMemoryError(f"{self.job.source}: too large for the available memory: use a smaller picture")
        if isinstance(error, OSError):
            place = self.job.target if error.filename is None else error.filename
            return PictureError(f"{self.job.source}: {place}: {error.strerror or error}: check the path and the disk")
        if str(error).startswith(f"{self.job.source}: "):
            return error
        named = type(error)(f"{self.job.source}: {error}")
        named.__cause__ = error
        return named


def _digest(data: spill.Data) -> str:
    digest = hashlib.sha256()
    for part in spill.parts(data):
        digest.update(part)
    return digest.hexdigest()


def _read_standard_input() -> spill.Data:
    if sys.stdin is None:
        raise PictureError("standard input is closed: send a picture to it, or name a file")
    try:
        return spill.read(sys.stdin.buffer)
    except OSError as error:
        raise PictureError(f"standard input cannot be read ({error.strerror}): send a picture to it") from error


def _write_standard_output(data: spill.Data) -> None:
    """Write all bytes; the stream takes only some of them at a time if it is unbuffered."""
    if sys.stdout is None:
        raise PictureError("standard output is closed: name a file with -o")
    try:
        for rest in spill.parts(data):
            while rest:
                rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise PictureError(f"standard output cannot be written ({error.strerror}): check the disk behind it") from error


def _is_there(path: str) -> bool:
    """Return whether a file, a folder or a link exists; raise ``OSError`` for names that the system refuses."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    return True


def _check_folder(folder: Path) -> None:
    """Raise if files cannot be written to a folder, which may have yet to be created."""
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise PictureError(f"{nearest} is a file, so it cannot hold {folder}: name another output")
    if not os.access(nearest, os.W_OK):
        raise PictureError(f"folder {nearest} may not be written to: name another output")
