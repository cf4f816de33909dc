"""Several trainings, side by side or one after the other: a process each, all in a session of their own.

Nobody has to wait for them: they go on when the command that started them, or its terminal, is gone. What each has
reached is in its run's folder and nowhere else, so the same command continues what was interrupted.

``python -m twinscale.training.jobs`` reads a plan from standard input and carries it out.
"""

import json
import math
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any

from twinscale.training import cores
from twinscale.training.archive import ARCHIVE, write_archive
from twinscale.training.history import LOG
from twinscale.training.lock import held, is_held
from twinscale.training.runs import CHECKPOINT, MODELS, Run

JOURNAL = "trainings.log"
_ARCHIVE_SECONDS = 5.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training."""

    recipe: str
    """Name or path."""
    folder: Path
    """Of the run."""
    start: list[str]
    """What follows ``twinscale train`` to start it."""
    resume: list[str]
    """What follows ``twinscale train`` to continue it."""
    replaces: Path | None = None
    """Folder of the model whose place the result takes if it scores better; None leaves it in the run's folder."""

    @property
    def output(self) -> Path:
        """The file, beside the run's folder, that keeps what the training says."""
        return Path(f"{self.folder}.log")

    def is_finished(self) -> bool:
        """Return whether it took all its steps and its model is exported."""
        if not (self.folder / CHECKPOINT).exists():
            return False
        return bool(Run.load(self.folder).facts()["finished"]) and any((self.folder / MODELS).glob("*/card.toml"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is trained, and how many at a time."""

    folder: Path
    """Where the journal and the archive go."""
    jobs: list[Job]
    at_once: int
    on_gpu: bool
    minutes: float | None = None
    """When all must have ended, from the start of the plan; None lets each take its own time."""
    is_tuned: bool = False
    """Whether each is preceded by a measurement of which precision and how many threads are fastest here."""

    @property
    def journal(self) -> Path:
        """The file that says what was started and what became of it; whoever carries out a plan holds it."""
        return self.folder / JOURNAL

    def unfinished(self) -> list[Job]:
        """Return the jobs that are not finished."""
        return [job for job in self.jobs if not job.is_finished()]

    def dumps(self) -> str:
        """Format the plan as JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def loads(cls, text: str) -> "Plan":
        """Read what :meth:`dumps` wrote."""
        plan = json.loads(text)
        jobs = [
            Job(**{**job, "folder": Path(job["folder"]), "replaces": job["replaces"] and Path(job["replaces"])})
            for job in plan["jobs"]
        ]
        return cls(**{**plan, "folder": Path(plan["folder"]), "jobs": jobs})


def carry_out(plan: Plan) -> None:
    """Carry out a plan in a session of its own, or join whoever already does so in its folder, and show its journal.

    An interrupt ends only the showing.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    is_under_way = is_held(plan.journal)
    with plan.journal.open("a+", encoding="utf-8") as journal:
        shown = journal.tell()
        if is_under_way:
            print(f"trainings in {plan.folder} are already under way", file=sys.stderr)
            _show(plan.journal, shown, lambda: is_held(plan.journal))
            return
        command = [sys.executable, "-m", "twinscale.training.jobs"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=journal, stderr=journal, start_new_session=True, text=True
        )
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(plan.dumps())
    try:
        _show(plan.journal, shown, lambda: process.poll() is None)
    except KeyboardInterrupt:
        print(f"the trainings go on; to end them with checkpoints: kill {process.pid}", file=sys.stderr)
        raise


def _show(path: Path, shown: int, is_under_way: Callable[[], bool]) -> None:
    """Print what is added to a file, for as long as something may be."""
    with path.open(encoding="utf-8") as file:
        file.seek(shown)
        while True:
            is_last = not is_under_way()
            sys.stderr.write(file.read())
            sys.stderr.flush()
            if is_last:
                return
            time.sleep(_POLL_SECONDS)


@dataclass(slots=True)
class _Work:
    """A plan that is being carried out."""

    plan: Plan
    begun: float = field(default_factory=time.monotonic)
    stopped: threading.Event = field(default_factory=threading.Event)
    running: set[subprocess.Popen[str]] = field(default_factory=set)
    places: "queue.SimpleQueue[list[int]]" = field(default_factory=queue.SimpleQueue)
    """For each job at a time, the cores that it runs on."""

    def do(self) -> None:
        """Train all that is not finished, and gather what there is then."""
        plan, waiting = self.plan, self.plan.unfinished()
        for job in plan.jobs:
            if job not in waiting:
                _say(job.folder, "is finished")
        for place in cores.shares(plan.at_once):
            self.places.put(place)
        # One after the other, as many as fit in share the time.
        rounds = math.ceil(len(waiting) / plan.at_once)
        shares = [(number // plan.at_once + 1) / rounds for number in range(len(waiting))]
        with ThreadPoolExecutor(plan.at_once) as pool:
            list(pool.map(self._train, waiting, shares))
        _say(plan.folder / ARCHIVE, write_archive(plan.folder / ARCHIVE, [job.folder for job in plan.jobs]))

    def stop(self, number: int, _: FrameType | None) -> None:
        """End the trainings, each with a checkpoint, and start no more."""
        self.stopped.set()
        for process in list(self.running):
            process.terminate()

    def _train(self, job: Job, share: float) -> None:
        """Train one network, until this share of the plan's time has passed."""
        place = self.places.get()
        try:
            while is_held(job.folder / LOG) and not self.stopped.wait(_POLL_SECONDS):
                pass  # it outlived those who started it
            if not (job.is_finished() or self.stopped.is_set()):
                is_alone = self.plan.at_once == 1 and not self.plan.on_gpu
                arguments, used = self._begin(job, share, cores.unused() if is_alone else place)
                _say(job.folder, f"{'continues' if arguments is job.resume else 'starts'} on cores {used}")
                self._call(job, ["train", *arguments], used)
            if job.replaces and job.is_finished():
                models, name = job.replaces.parent, job.replaces.name
                self._call(job, ["export", str(job.folder), str(models), "--name", name], place)
        finally:
            self.places.put(place)

    def _begin(self, job: Job, share: float, place: list[int]) -> tuple[list[str], list[int]]:
        """Return what follows ``twinscale train``, and the cores that are used."""
        if (job.folder / CHECKPOINT).exists():
            return job.resume, place
        arguments = list(job.start)
        if self.plan.is_tuned:
            fastest = self._fastest(job, place)
            place = place[: fastest["threads"]]
            arguments = [f"--set=optimisation.{key}={fastest[key]}" for key in ("precision", "compile")] + arguments
        if self.plan.minutes is not None:
            left = share * 60 * self.plan.minutes - _ARCHIVE_SECONDS - (time.monotonic() - self.begun)
            arguments += ["--minutes", f"{max(1, left) / 60:.3f}"]
        return arguments, place

    def _fastest(self, job: Job, place: list[int]) -> dict[str, Any]:
        """Measure which precision and how many threads train fastest."""
        _say(job.folder, "measuring what is fastest")
        with tempfile.TemporaryFile("w+") as output:
            self._run(["bench", "train", job.recipe, "--seconds", "3", "--rounds", "1", "--json"], place, output)
            output.seek(0)
            lines = output.read()
        fastest: dict[str, Any] = json.loads(lines[lines.index("{") :])["fastest"]
        return fastest

    def _call(self, job: Job, arguments: list[str], place: list[int]) -> None:
        """Run a command of twinscale and say in one line what became of it."""
        with job.output.open("a+", encoding="utf-8") as output:
            self._run(arguments, place, output)
            output.seek(0)
            lines = output.read().splitlines()
        _say(job.folder, lines[-1] if lines else "ended without a word")

    def _run(self, arguments: list[str], place: list[int], output: IO[str]) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(len(place))}
        command = [sys.executable, "-m", "twinscale", *arguments]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment, text=True
        )
        self.running.add(process)
        if not self.plan.on_gpu:
            cores.pin(process.pid, place)
        if self.stopped.is_set():
            process.terminate()
        process.wait()
        self.running.remove(process)


def _say(what: Path, text: str) -> None:
    print(time.strftime("%H:%M:%S"), f"{what}: {text}", flush=True)


def main() -> None:
    """Carry out the plan that standard input holds; its trainings outlive whoever gave it."""
    plan = Plan.loads(sys.stdin.read())
    work = _Work(plan)
    signal.signal(signal.SIGTERM, work.stop)
    with held(plan.journal):
        work.do()


if __name__ == "__main__":
    main()
