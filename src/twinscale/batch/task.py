"""One job: opened, worked on and written; and what became of it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from twinscale.batch.plan import STANDARD_STREAM, Job
from twinscale.batch.work import Process
from twinscale.codecs.registry import codec_named, codec_of_path, writable_codecs
from twinscale.errors import OutOfMemoryError, OutputExistsError, PictureError, TwinscaleError, UsageError
from twinscale.images.files import write_atomically
from twinscale.images.picture import Picture
from twinscale.rescale.model import ProgressCallback

Existing = Literal["refuse", "replace", "skip"]


@dataclass(frozen=True, slots=True)
class Writing:
    """How results are written.

    Attributes:
        format: such as ``"PNG"``; by default what the output's extension says, or else the input's format.
        quality: 1 to 100, for lossy formats.
        existing: what to do if the output already exists: refuse the job, replace the file, or skip the job.
    """

    format: str | None = None
    quality: int | None = None
    existing: Existing = "refuse"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: which.
        status: whether its output was written, was there already, or could not be made.
        seconds: how long reading, the network and writing took, without waiting for each other.
        error: why it failed.
        size: ``(height, width)`` of what was written, in pixels.
        bytes: size of the file.
        notes: what was changed on reading the input or left out on writing the output, one line each.
    """

    job: Job
    status: Literal["done", "skipped", "failed"]
    seconds: float = 0.0
    error: TwinscaleError | None = None
    size: tuple[int, int] | None = None
    bytes: int | None = None
    notes: tuple[str, ...] = ()


class Task:
    """One job under way; its stages run one after the other, though perhaps in different threads.

    A stage that fails ends the task: the later ones do nothing, and :meth:`write` returns the error.

    Args:
        job: which.
        writing: how the result is to be written.
        carries_tag: whether only a format that holds XMP will do.
    """

    def __init__(self, job: Job, writing: Writing, *, carries_tag: bool) -> None:
        self.job = job
        self._writing = writing
        self._carries_tag = carries_tag
        self._format = writing.format
        self._picture: Picture | None = None
        self._notes: tuple[str, ...] = ()
        self._outcome: Outcome | None = None
        self._seconds = 0.0

    def check(self) -> Outcome | None:
        """Return the outcome of a job that evidently needs no work or cannot succeed, else None; reads nothing."""
        with self._stage():
            if self.job.target != STANDARD_STREAM:
                if Path(self.job.target).exists() and self._writing.existing != "replace":
                    if self._writing.existing == "skip":
                        self._outcome = Outcome(self.job, "skipped")
                        return self._outcome
                    raise OutputExistsError(
                        f"{self.job.source}: {self.job.target} already exists: use --overwrite, --skip-existing or "
                        "another name"
                    )
                self._format = self._format or codec_of_path(self.job.target).name
        return self._outcome

    def open(self, source: str | bytes) -> None:
        """Read the picture from its file, or from the bytes that standard input gave."""
        if self._outcome is not None:
            return
        with self._stage():
            self._picture = Picture.read(source)
            self._notes = self._picture.notes
            own = self._picture.format
            self._format = self._format or (own if own in {codec.name for codec in writable_codecs()} else "PNG")
            assert self._format is not None
            if self._carries_tag and not codec_named(self._format).keeps_xmp:
                raise UsageError(
                    f"{self.job.source}: {self._format} cannot hold the tag that restore needs: write PNG, TIFF or WebP"
                )

    def process(self, process: Process, progress: ProgressCallback | None = None) -> None:
        """Do the work on the picture."""
        with self._stage():
            if self._picture is not None:
                self._picture = process(self._picture, progress)

    def write(self) -> Outcome:
        """Encode and write the result, if the stages before went well.

        A file that appeared at the output's place since :meth:`check` is not replaced; if it holds what this job
        makes, it is from an earlier attempt whose process was killed before it could say so.
        """
        with self._stage():
            if self._picture is not None and self._format is not None:
                data, lost = self._picture.encoded(self._format, quality=self._writing.quality)
                self._write_output(data)
                size, self._picture = self._picture.size, None
                notes = (*self._notes, *lost)
                self._outcome = Outcome(self.job, "done", size=size, bytes=len(data), notes=notes)
        assert self._outcome is not None
        return replace(self._outcome, seconds=self._seconds)

    def _write_output(self, data: bytes) -> None:
        target = Path(self.job.target)
        if self.job.target == STANDARD_STREAM:
            sys.stdout.buffer.write(data)
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, data, overwrite=self._writing.existing == "replace")
        except OSError as error:
            raise PictureError(f"folder {target.parent} cannot be created ({error.strerror}): name another") from error
        except OutputExistsError:
            if not target.is_file() or target.read_bytes() != data:
                raise

    @contextmanager
    def _stage(self) -> Iterator[None]:
        """Time a stage, and turn an error that a user can act on into the outcome."""
        start = time.perf_counter()
        try:
            yield
        except (TwinscaleError, MemoryError) as error:
            self._picture = None
            self._outcome = Outcome(self.job, "failed", error=self._named(error))
        finally:
            self._seconds += time.perf_counter() - start

    def _named(self, error: TwinscaleError | MemoryError) -> TwinscaleError:
        """Return the error with the name of the picture in its message."""
        if isinstance(error, MemoryError):
            return OutOfMemoryError(f"{self.job.source}: too large for the available memory: use a smaller picture")
        if self.job.source in str(error):
            return error
        named = type(error)(f"{self.job.source}: {error}")
        named.__cause__ = error
        return named
