"""Running jobs in this process: decoding, network and encoding overlap."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Event

from twinscale.batch.journal import Journal
from twinscale.batch.plan import Job
from twinscale.batch.task import Outcome, Task
from twinscale.batch.work import Process, Work
from twinscale.batch.writing import Writing
from twinscale.images.picture import MAX_PIXELS
from twinscale.rescale.model import ProgressCallback

_IN_FLIGHT = 3  # pictures in memory: about one for each stage


def run(
    jobs: Iterable[Job],
    work: Work,
    writing: Writing = Writing(),
    *,
    fail_fast: bool = False,
    max_pixels: int = MAX_PIXELS,
    progress: ProgressCallback | None = None,
) -> Generator[Outcome, None, None]:
    """Do the work on every job's picture; a bad file never stops the rest.

    Three threads share the work: while the network works on one picture, the next is decoded and the last is encoded
    and written. Nothing runs before the first outcome is asked for. Closing the iterator, or an interrupt, stops the
    work after the current tile; every file that exists then is complete.

    Args:
        jobs: see :func:`twinscale.batch.plan`.
        work: what to do.
        writing: how to write the results.
        fail_fast: whether to end with the first outcome that failed; no later job's output is written then.
        max_pixels: see :meth:`twinscale.Picture.read`.
        progress: called with the number of finished tiles and of all tiles of the current picture, in another thread.

    Yields:
        The outcome of each job, in the order of the jobs.

    Raises:
        UsageError: the model or the format cannot do what is asked of it.
        ModelError: there is no such model, or its card is damaged.
    """
    pipeline = _Pipeline(work, writing, fail_fast, max_pixels, progress)
    try:
        for outcome in _in_order(pipeline, jobs):
            yield outcome
            if fail_fast and outcome.status == "failed":
                return
    finally:
        pipeline.close()


def rehearse(
    jobs: Iterable[Job], work: Work, writing: Writing = Writing(), *, max_pixels: int = MAX_PIXELS
) -> Generator[Outcome, None, None]:
    """Tell what :func:`run` would do: every picture is read, but no network runs and nothing is written.

    Args:
        jobs: see :func:`run`.
        work: see :func:`run`.
        writing: see :func:`run`.
        max_pixels: see :func:`run`.

    Yields:
        The outcome of each job; what would be written is ``planned``.

    Raises:
        UsageError: see :func:`run`.
        ModelError: see :func:`run`.
    """
    writing.check()
    work.load()
    journals = cache(Journal)
    for job in jobs:
        task = Task(job, work, writing, max_pixels=max_pixels, journals=journals)
        task.receive()
        task.check()
        task.open()
        yield task.foresee()


def _in_order(pipeline: "_Pipeline", jobs: Iterable[Job]) -> Iterator[Outcome]:
    """Keep a few jobs under way, and yield their outcomes in the order of the jobs."""
    under_way: deque[Future[Outcome]] = deque()
    for job in jobs:
        if len(under_way) == _IN_FLIGHT:
            yield under_way.popleft().result()
        under_way.append(pipeline.submit(job))
    while under_way:
        yield under_way.popleft().result()


class _Stopped(BaseException):
    """Unwinds a stage whose result nobody wants any more."""


class _Pipeline:
    """A thread for each stage. Tasks pass through every stage in order, so their outcomes come in order."""

    def __init__(
        self, work: Work, writing: Writing, fail_fast: bool, max_pixels: int, progress: ProgressCallback | None
    ) -> None:
        writing.check()
        self._process: Process = work.load()
        self._work = work
        self._writing = writing
        self._fail_fast = fail_fast
        self._max_pixels = max_pixels
        self._progress = progress
        self._journals = cache(Journal)
        self._stop = Event()
        self._stages = [ThreadPoolExecutor(1, f"twinscale-{name}") for name in ("decoder", "network", "encoder")]

    def submit(self, job: Job) -> Future[Outcome]:
        """Send a job on its way."""
        decoder, network, encoder = self._stages
        task = Task(job, self._work, self._writing, max_pixels=self._max_pixels, journals=self._journals)
        task.receive()  # here, since the caller's thread is the one that an interrupt reaches
        opened = decoder.submit(self._open, task)
        processed = network.submit(self._run_network, task, opened)
        return encoder.submit(self._write, task, processed)

    def close(self) -> None:
        """Drop what is under way and wait until every thread has ended."""
        self._stop.set()
        for stage in self._stages:
            stage.shutdown(cancel_futures=True)

    def _open(self, task: Task) -> None:
        task.check()
        task.open()

    def _run_network(self, task: Task, opened: Future[None]) -> None:
        opened.result()
        task.process(self._process, self._advance)

    def _write(self, task: Task, processed: Future[None]) -> Outcome:
        processed.result()
        if self._stop.is_set():
            raise _Stopped
        outcome = task.write()
        if self._fail_fast and outcome.status == "failed":
            self._stop.set()
        return outcome

    def _advance(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise _Stopped
        if self._progress:
            self._progress(done, total)
