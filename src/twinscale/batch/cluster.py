"""Running jobs on the workers of a Ray cluster, by Ray Data."""

import logging
import os
import pickle
import socket
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from twinscale.batch.journal import Journal
from twinscale.batch.plan import STANDARD_STREAM, Job
from twinscale.batch.task import Outcome, Task
from twinscale.batch.work import Work
from twinscale.batch.writing import Writing
from twinscale.errors import TwinscaleError, UsageError, install
from twinscale.images.picture import MAX_PIXELS

_OBJECT_STORE = 100_000_000  # bytes, of a Ray started here; only names and outcomes pass through it, never pictures
_CONNECT_SECONDS = 5
_RETRIES = 3  # of a job whose worker died
_MAX_BLOCKS = 1000  # for Ray Data to schedule
_LOST = "every worker that tried it died: try it on a machine with more memory"


def run_on_cluster(
    jobs: Sequence[Job],
    work: Work,
    writing: Writing = Writing(),
    *,
    address: str | None = None,
    fail_fast: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Generator[Outcome, None, None]:
    """Do what :func:`twinscale.batch.run` does on the workers of a Ray cluster.

    Every machine needs twinscale and must see the files under the same names, as on a shared file system. There is one
    worker per processor, or per ``work.runtime.threads`` processors; each loads the model once. The jobs of a worker
    that dies are done again by another.

    Args:
        jobs: see :func:`twinscale.batch.plan`.
        work: what to do.
        writing: how to write the results.
        address: ``"host:port"`` of a cluster, or ``"ray://host:port"``; by default a cluster of this machine's
            processors is started for the call, unless the process is connected to one.
        fail_fast: whether to end with the first outcome that failed. Workers may have done later jobs by then.
        max_pixels: see :meth:`twinscale.Picture.read`.

    Yields:
        The outcome of each job, in the order of the jobs. A job that killed every worker that tried it has failed.

    Raises:
        UsageError: Ray is not installed, the cluster at the address cannot be reached, a job uses a standard stream,
            or the model or the format cannot do what is asked of it.
        ModelError: there is no such model, or its card is damaged.
    """
    if any(STANDARD_STREAM in (job.source, job.target) for job in jobs):
        raise UsageError("a cluster reads and writes files, not standard streams: name files")
    work.load()  # errors that concern all jobs are raised here, once
    writing.check()
    # Outputs that exist already are found here, because a worker may meet the output of one that was killed.
    journals = cache(Journal)
    tasks = [Task(job, work, writing, journals=journals) for job in jobs]
    checked = [task.check() for task in tasks]
    rows = [
        {"index": index, "job": pickle.dumps(task.job), "outdated": pickle.dumps(task.outdated)}
        for index, (task, outcome) in enumerate(zip(tasks, checked, strict=True))
        if outcome is None
    ]
    with _ray(address) as processors:
        outcomes = _outcomes(rows, work, writing, max_pixels, processors)
        arrived: tuple[int, Outcome] | None = None
        for index, job in enumerate(jobs):
            outcome = checked[index]
            if outcome is None:
                arrived = arrived or next(outcomes, None)
                if arrived and arrived[0] == index:
                    outcome, arrived = arrived[1], None
                else:
                    outcome = Outcome(job, "failed", error=TwinscaleError(f"{job.source}: {_LOST}"))
            yield outcome
            if fail_fast and outcome.status == "failed":
                return


class _Worker:
    """An actor: it holds the model and does one job at a time."""

    def __init__(self, folder: str, work: Work, writing: Writing, max_pixels: int) -> None:
        os.chdir(folder)
        self._process = work.load()
        self._work = work
        self._writing = writing
        self._max_pixels = max_pixels
        self._journals = cache(Journal)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        job = pickle.loads(row["job"])
        task = Task(job, self._work, self._writing, max_pixels=self._max_pixels, journals=self._journals)
        task.outdated = pickle.loads(row["outdated"])
        task.open()
        task.process(self._process)
        return {"index": row["index"], "outcome": pickle.dumps(task.write())}


def _outcomes(
    rows: Sequence[dict[str, Any]], work: Work, writing: Writing, max_pixels: int, processors: int
) -> Iterator[tuple[int, Outcome]]:
    """Yield outcomes with their jobs' indices, in rising order; jobs that kill their workers have none."""
    import ray.data

    if not rows:
        return
    threads = min(work.runtime.threads or 1, processors)
    work = replace(work, runtime=replace(work.runtime, threads=threads))
    with warnings.catch_warnings(action="ignore"):  # about this way to limit retries: there is no other yet
        results = ray.data.from_items(rows, override_num_blocks=min(len(rows), _MAX_BLOCKS)).map(
            _Worker,
            fn_constructor_args=(str(Path.cwd()), work, writing, max_pixels),
            # One job at a time, or those that wait behind a deadly one would die with it, as often as it is tried.
            compute=ray.data.ActorPoolStrategy(
                size=min(len(rows), processors // threads), max_tasks_in_flight_per_actor=1
            ),
            num_cpus=threads,
            max_task_retries=_RETRIES,
        )
    results.context.enable_progress_bars = False
    results.context.execution_options.preserve_order = True
    results.context.max_errored_blocks = -1
    for row in results.iter_rows():
        yield row["index"], pickle.loads(row["outcome"])


@contextmanager
def _ray(address: str | None) -> Iterator[int]:
    """Connect to the cluster at the address, or start one, and yield the number of its processors."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # twinscale reports its use to nobody
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray.data
    except ModuleNotFoundError as error:
        raise UsageError(f"a cluster needs {error.name}: {install('cluster')}") from None

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    attached = ray.is_initialized()
    if not attached:
        quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
        if address is None:
            ray.init("local", include_dashboard=False, object_store_memory=_OBJECT_STORE, **quiet)
        else:
            _check_reachable(address)
            try:
                ray.init(address, **quiet)
            except ConnectionError:
                raise _unreachable(address) from None
    try:
        yield int(ray.cluster_resources()["CPU"])
    finally:
        if not attached:
            ray.shutdown()


def _check_reachable(address: str) -> None:
    """Knock at the address, because Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError):
        raise _unreachable(address) from None


def _unreachable(address: str) -> UsageError:
    return UsageError(
        f"cannot connect to a Ray cluster at {address!r}: check host:port, and the token if the cluster wants one"
    )
