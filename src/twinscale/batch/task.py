"""One job: opened, worked on and written; and what became of it."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from twinscale.batch.plan import STANDARD_STREAM, Job
from twinscale.batch.work import Process, Work
from twinscale.codecs.registry import codec_named, codec_of_path, writable_codecs
from twinscale.errors import OutOfMemoryError, OutputExistsError, PictureError, TwinscaleError, UsageError
from twinscale.images.files import write_atomically
from twinscale.images.levels import to_planes
from twinscale.images.picture import MAX_PIXELS, Picture
from twinscale.rescale.model import ProgressCallback

if TYPE_CHECKING:
    from twinscale.codecs.codec import Codec

Existing = Literal["refuse", "replace", "skip"]


@dataclass(frozen=True, slots=True)
class Writing:
    """How results are written.

    Attributes:
        format: such as ``"PNG"``; by default what the output's extension says, or else the input's format.
        quality: 1 to 100, for lossy formats.
        existing: what to do if the output already exists: refuse the job, replace the file, or skip the job.
        depth: bits per sample, 8 or 16; by default those of the input.
        background: what to put transparent pictures on, ``"white"`` or ``"#rrggbb"``; by default they stay transparent.
        strip: whether to leave out EXIF and XMP. A shrunk picture keeps its tag.
    """

    format: str | None = None
    quality: int | None = None
    existing: Existing = "refuse"
    depth: Literal[8, 16] | None = None
    background: str | None = None
    strip: bool = False

    def check(self) -> None:
        """Find what is wrong whatever the picture.

        Raises:
            UsageError: there is no such format or colour, or the format takes no such quality.
        """
        if self.format is not None:
            self.check_quality(codec_named(self.format))
        if self.background is not None:
            Picture(np.zeros((1, 1, 1), np.uint8)).on_background(self.background)

    def check_quality(self, codec: "Codec") -> None:
        """Check that a format can be written with the quality.

        Raises:
            UsageError: it cannot.
        """
        from twinscale.codecs.encoding import check

        check(codec, size=(1, 1), channels=3, depth=min(codec.depths), transparent=False, quality=self.quality)

    def check_fits(self, codec: "Codec", picture: Picture, size: tuple[int, int]) -> None:
        """Check that a format can hold the result that a picture will have.

        Args:
            codec: the format.
            picture: what the work starts from.
            size: ``(height, width)`` of the result.

        Raises:
            UsageError: the quality is not one of the format's.
            PictureError: the format cannot hold the depth, the transparency or the size.
        """
        from twinscale.codecs.encoding import check

        transparent = picture.alpha is not None and self.background is None and to_planes(picture.alpha).min() < 1
        depth = self.depth or picture.depth
        check(codec, size=size, channels=picture.channels, depth=depth, transparent=transparent, quality=self.quality)

    def applied_to(self, picture: Picture) -> Picture:
        """Return the picture with the depth, the background and the metadata that are asked for."""
        if self.depth is not None:
            picture = picture.with_depth(self.depth)
        if self.background is not None:
            picture = picture.on_background(self.background)
        return picture.without_metadata() if self.strip else picture


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: which.
        status: whether its output was written, was there already, or could not be made.
        seconds: how long reading, the network and writing took, without waiting for each other.
        error: why it failed.
        size: ``(height, width)`` of what was written, in pixels.
        input_bytes: size of the input, as a file.
        bytes: size of the output, as a file.
        notes: what was changed on reading the input, and what else the user should know, one line each.
    """

    job: Job
    status: Literal["done", "skipped", "failed"]
    seconds: float = 0.0
    error: TwinscaleError | None = None
    size: tuple[int, int] | None = None
    input_bytes: int | None = None
    bytes: int | None = None
    notes: tuple[str, ...] = ()


class Task:
    """One job under way; its stages run one after the other, though perhaps in different threads.

    A stage that fails ends the task: the later ones do nothing, and :meth:`write` returns the error.

    Args:
        job: which.
        work: what is done to the picture.
        writing: how the result is to be written.
        max_pixels: see :meth:`Picture.read`.
    """

    def __init__(self, job: Job, work: Work, writing: Writing, *, max_pixels: int = MAX_PIXELS) -> None:
        self.job = job
        self._work = work
        self._writing = writing
        self._max_pixels = max_pixels
        self._codec: Codec | None = None
        self._picture: Picture | None = None
        self._input_bytes = 0
        self._outcome: Outcome | None = None
        self._seconds = 0.0

    def check(self) -> Outcome | None:
        """Return the outcome of a job that evidently needs no work or cannot succeed, else None; reads nothing."""
        with self._stage():
            if self._writing.format is not None:
                self._choose(codec_named(self._writing.format))
            if self.job.target == STANDARD_STREAM:
                return None
            if os.path.lexists(self.job.target) and self._writing.existing != "replace":
                if self._writing.existing == "skip":
                    self._outcome = Outcome(self.job, "skipped")
                    return self._outcome
                raise OutputExistsError(
                    f"{self.job.source}: {self.job.target} already exists: use --overwrite, --skip-existing or "
                    "another name"
                )
            if self._codec is None:
                self._choose(codec_of_path(self.job.target))
            _check_folder(Path(self.job.target).parent)
        return self._outcome

    def open(self, source: str | bytes) -> None:
        """Read the picture from its file, or from the bytes that standard input gave."""
        if self._outcome is not None:
            return
        with self._stage():
            picture = Picture.read(source, max_pixels=self._max_pixels)
            self._input_bytes = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
            if self._codec is None:
                writable = {codec.name: codec for codec in writable_codecs()}
                self._choose(writable.get(picture.format or "PNG", writable["PNG"]))
            assert self._codec is not None
            self._writing.check_fits(self._codec, picture, self._work.size(picture))
            self._picture = picture

    def process(self, process: Process, progress: ProgressCallback | None = None) -> None:
        """Do the work on the picture."""
        with self._stage():
            if self._picture is None:
                return
            if self._work.carries_tag:  # what will be restored is the picture as it is asked for
                self._picture = process(self._writing.applied_to(self._picture), progress)
            else:
                picture = self._picture.with_depth(16) if self._writing.depth == 16 else self._picture
                self._picture = self._writing.applied_to(process(picture, progress))

    def write(self) -> Outcome:
        """Encode and write the result, if the stages before went well.

        A file that appeared at the output's place since :meth:`check` is not replaced; if it holds what this job
        makes, it is from an earlier attempt whose process was killed before it could say so.
        """
        with self._stage():
            if self._picture is not None and self._codec is not None:
                data = self._picture.encode(self._codec.name, quality=self._writing.quality)
                self._write_output(data)
                size, notes = (self._picture.height, self._picture.width), self._picture.notes
                self._picture = None
                if self._work.carries_tag and len(data) > self._input_bytes:
                    remedy = "-f webp takes fewer" if self._codec.quality is None else "a lower -q takes fewer"
                    notes += (f"the small file has more bytes than the input: {remedy}",)
                self._outcome = Outcome(
                    self.job, "done", size=size, input_bytes=self._input_bytes, bytes=len(data), notes=notes
                )
        assert self._outcome is not None
        return replace(self._outcome, seconds=self._seconds)

    def _choose(self, codec: "Codec") -> None:
        """Settle the format of the output, if it can be written as asked."""
        self._writing.check_quality(codec)
        if self._work.carries_tag and not codec.keeps_xmp:
            raise UsageError(f"{codec.name} cannot hold the tag that restore needs: write PNG, TIFF or WebP")
        self._codec = codec

    def _write_output(self, data: bytes) -> None:
        target = Path(self.job.target)
        if self.job.target == STANDARD_STREAM:
            _write_standard_output(data)
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


def _write_standard_output(data: bytes) -> None:
    """Write all bytes; the stream takes only some of them at a time if it is unbuffered."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # nobody reads it any more, which ends the command quietly
        raise
    except OSError as error:
        raise PictureError(f"standard output cannot be written ({error.strerror}): check the disk behind it") from error


def _check_folder(folder: Path) -> None:
    """Raise if files cannot be written to a folder, which may have yet to be created."""
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise PictureError(f"{nearest} is a file, so it cannot hold {folder}: name another output")
    if not os.access(nearest, os.W_OK):
        raise PictureError(f"folder {nearest} may not be written to: name another output")
