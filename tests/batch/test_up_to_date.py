"""Bringing outputs up to date: in the end every picture has its own right result, whatever happened before."""

import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.awkward import pattern
from tests.batch.works import Add
from twinscale.batch import Job, Outcome, Writing, plan, rehearse, run, task
from twinscale.batch.journal import JOURNAL
from twinscale.codecs.encoding import Encoded
from twinscale.errors import OutputExistsError
from twinscale.images.picture import Picture

UP_TO_DATE = Writing(existing="skip")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two pictures in ``photos``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # nothing here survives the machine
    (tmp_path / "photos").mkdir()
    for width, name in ((5, "a.png"), (6, "b.png")):
        Image.fromarray(pattern(4, width)).save(tmp_path / "photos" / name)
    return tmp_path


def update(work: Add = Add(), writing: Writing = UP_TO_DATE, output: str = "out") -> list[Outcome]:  # noqa: B008
    return list(run(plan(["photos"], work, output=output), work, writing))


def told(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status if outcome.reason is None else f"{outcome.status}: {outcome.reason}" for outcome in outcomes]


def is_result(output: str | Path, source: str | Path, number: int = 100) -> bool:
    """Whether the output is what :class:`Add` makes of the source, as another library reads them."""
    before, after = (np.asarray(Image.open(path).convert("RGB")) for path in (source, output))
    return np.array_equal(after, before + np.uint8(number))


def test_what_is_done_is_skipped_and_what_is_not_is_done(folder: Path) -> None:
    assert told(update()) == ["done", "done"]
    Path("out/b_new.png").unlink()
    assert told(update()) == ["skipped: up to date", "done"]
    assert told(update()) == ["skipped: up to date"] * 2
    assert is_result("out/b_new.png", "photos/b.png")


def test_a_picture_of_the_same_stem_added_later(folder: Path) -> None:
    """The first is not done again under another name, and the second is not taken for done."""
    update()
    Image.fromarray(pattern(4, 9)).save("photos/a.gif")
    assert told(update()) == ["done", "skipped: up to date", "skipped: up to date"]
    assert is_result("out/a_new_gif.png", "photos/a.gif")


@pytest.mark.parametrize(
    ("work", "writing"),
    [(Add(50), UP_TO_DATE), (Add(), Writing(existing="skip", depth=16)), (Add(), Writing(existing="skip", strip=True))],
)
def test_other_options_make_results_again(folder: Path, work: Add, writing: Writing) -> None:
    update()
    again = ["done: the model or the options have changed"] * 2
    assert told(update(work, writing)) == again
    assert told(update(work, writing)) == ["skipped: up to date"] * 2
    assert told(update()) == again
    assert is_result("out/a_new.png", "photos/a.png")


def test_a_picture_that_has_changed_is_done_again(folder: Path) -> None:
    update()
    Path("photos/a.png").rename("photos/c.png")
    Path("photos/b.png").rename("photos/a.png")
    Path("photos/c.png").rename("photos/b.png")
    assert told(update()) == ["done: the picture has changed"] * 2
    assert is_result("out/a_new.png", "photos/a.png")
    assert is_result("out/b_new.png", "photos/b.png")


def test_only_the_bytes_and_the_name_of_a_picture_count(folder: Path) -> None:
    update()
    os.utime("photos/a.png", (0, 0))
    (folder / "photos").rename(folder / "album")
    work = Add()
    assert told(list(run(plan(["album"], work, output="out"), work, UP_TO_DATE))) == ["skipped: up to date"] * 2
    (folder / "moved").mkdir()
    for name in ("album", "out"):
        (folder / name).rename(folder / "moved" / name)
    Image.fromarray(pattern(4, 9)).save("moved/album/b.png")
    outcomes = list(run(plan(["moved/album"], work, output="moved/out"), work, UP_TO_DATE))
    assert told(outcomes) == ["skipped: up to date", "failed"]  # of another b.png, as the journal has it
    assert "is the result of" in str(outcomes[1].error)


@pytest.mark.parametrize("content", [b"foreign", b""])
def test_files_that_are_not_ours_are_left_alone(folder: Path, content: bytes) -> None:
    update()
    Path("out/a_new.png").write_bytes(content)  # ours once, and changed since
    Image.fromarray(pattern(4, 9)).save("photos/c.png")
    Path("out/c_new.png").write_bytes(content)  # never ours
    outcomes = update()
    assert told(outcomes) == ["failed", "skipped: up to date", "failed"]
    for outcome, name in ((outcomes[0], "a"), (outcomes[2], "c")):
        assert isinstance(outcome.error, OutputExistsError)
        assert f"out/{name}_new.png is not what twinscale wrote here" in str(outcome.error)
        assert Path(f"out/{name}_new.png").read_bytes() == content


def test_the_result_of_another_picture_is_left_alone(folder: Path) -> None:
    update()
    (folder / "more").mkdir()
    Image.fromarray(pattern(4, 9)).save("more/a.png")
    (outcome,) = run(plan(["more"], Add(), output="out"), Add(), UP_TO_DATE)
    assert f"out/a_new.png is the result of {folder / 'photos' / 'a.png'}" in str(outcome.error)
    assert is_result("out/a_new.png", "photos/a.png")


def test_an_outdated_result_that_changes_meanwhile_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update()
    append = task.Task._note

    def retouch(self: task.Task, target: Path, data: bytes) -> None:
        append(self, target, data)
        target.write_bytes(b"retouched")

    monkeypatch.setattr(task.Task, "_note", retouch)
    assert told(update(Add(50))) == ["failed", "failed"]
    assert Path("out/a_new.png").read_bytes() == b"retouched"


def test_a_damaged_journal_loses_nothing(folder: Path) -> None:
    update()
    journal = Path("out") / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-40])
    before = Path("out/b_new.png").read_bytes()
    assert told(update(Add(50))) == ["done: the model or the options have changed", "failed"]
    assert Path("out/b_new.png").read_bytes() == before


def test_a_journal_that_cannot_be_written_is_told(folder: Path) -> None:
    (folder / "out" / JOURNAL).mkdir(parents=True)
    outcomes = update()
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert "--skip-existing will not know out/a_new.png" in outcomes[0].notes[0]
    assert told(update()) == ["failed", "failed"]


def test_files_that_are_named_are_brought_up_to_date_as_well(folder: Path) -> None:
    jobs = [Job("photos/a.png", "here.png"), Job("photos/b.png", "deep/there.webp")]
    assert told(list(run(jobs, Add()))) == ["done", "done"]
    Image.fromarray(pattern(4, 9)).save("photos/b.png")
    assert told(list(run(jobs, Add(), UP_TO_DATE))) == ["skipped: up to date", "done: the picture has changed"]
    assert is_result("deep/there.webp", "photos/b.png")


@pytest.mark.parametrize("outdated", [False, True])
@pytest.mark.parametrize("own", [b"", b"other bytes"])
def test_of_two_runs_at_the_same_time_the_slower_skips(
    outdated: bool, own: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not both make the same bytes, as they may not if they run networks on different backends."""
    if outdated:
        update(Add(50))

    def after_the_other_run(self: Picture, *args: Any, **options: Any) -> Encoded:
        monkeypatch.setattr(Picture, "encoded", encoded)
        assert [outcome.status for outcome in update()] == ["done"] * 2
        made = encoded(self, *args, **options)
        return made._replace(data=made.data + own)

    encoded = Picture.encoded
    monkeypatch.setattr(Picture, "encoded", after_the_other_run)
    assert told(update()) == ["skipped: up to date"] * 2
    assert is_result("out/a_new.png", "photos/a.png")


class _Killed(BaseException):
    pass


class _World:
    """Pictures that are added, removed, renamed and replaced, and a batch that follows them."""

    def __init__(self, seed: int, output: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        self.random = random.Random(seed)
        self.output = output
        self.monkeypatch = monkeypatch
        self.work = Add()
        self.own: dict[Path, bytes] = {path: path.read_bytes() for path in Path("photos").iterdir()}
        """What the user's pictures and other files hold: nothing may change them."""

    def step(self) -> None:
        actions: list[Callable[[], None]] = [self.add, self.remove, self.rename, self.swap, self.replace]
        actions += [self.meddle, self.lose, self.change_options, self.update, self.interrupt, self.kill]
        self.random.choice(actions)()

    def name(self) -> Path:
        stem = self.random.choice(("a", "b", "a_new", "a_new_gif", "a_new_new"))
        return Path("photos") / (stem + self.random.choice((".png", ".PNG", ".gif", ".webp", ".tif", ".bmp")))

    def add(self) -> None:
        self.put(self.name())

    def put(self, path: Path) -> None:
        size = self.random.randrange(1, 6), self.random.randrange(1, 6)
        pixels = np.frombuffer(self.random.randbytes(size[0] * size[1]), np.uint8).reshape(size)
        Image.fromarray(pixels).save(path)
        self.own[path] = path.read_bytes()

    def picture(self) -> Path | None:
        pictures = sorted(path for path in self.own if path.parent == Path("photos"))
        return self.random.choice(pictures) if pictures else None

    def remove(self) -> None:
        if path := self.picture():
            path.unlink()
            del self.own[path]

    def rename(self) -> None:
        if path := self.picture():
            new = self.name().with_suffix(path.suffix)
            self.own[new] = self.own.pop(path)
            path.replace(new)

    def swap(self) -> None:
        first, second = self.picture(), self.picture()
        if first and second and first.suffix.lower() == second.suffix.lower():
            self.own[first], self.own[second] = self.own[second], self.own[first]
            first.write_bytes(self.own[first])
            second.write_bytes(self.own[second])

    def replace(self) -> None:
        if path := self.picture():
            self.put(path)

    def meddle(self) -> None:
        """Retouch a result, or put a picture where one would go."""
        jobs = self.jobs()
        if jobs:
            target = Path(self.random.choice(jobs).target)
            target.parent.mkdir(exist_ok=True)
            self.put(target)

    def lose(self) -> None:
        """Delete a result."""
        targets = (Path(job.target) for job in self.jobs())
        results = [path for path in targets if path.exists() and path not in self.own]
        if results:
            self.random.choice(results).unlink()

    def change_options(self) -> None:
        self.work = Add(self.random.choice((50, 100)))

    def jobs(self) -> list[Job]:
        if not any(path.parent == Path("photos") for path in self.own):
            return []
        jobs = plan(["photos"], self.work, output=self.output)
        return [Job(os.path.relpath(job.source), os.path.relpath(job.target)) for job in jobs]

    def update(self) -> None:
        jobs = self.jobs()
        foreseen = list(rehearse(jobs, self.work, UP_TO_DATE))
        outcomes = list(run(jobs, self.work, UP_TO_DATE))
        assert [o.status.replace("planned", "done") for o in foreseen] == [o.status for o in outcomes]
        self.check(outcomes)

    def interrupt(self) -> None:
        outcomes = run(self.jobs(), self.work, UP_TO_DATE)
        for _ in range(self.random.randrange(3)):
            next(outcomes, None)
        outcomes.close()  # type: ignore[attr-defined]

    def kill(self) -> None:
        """End in the worst moment: what is to be written is in the journal, and is not yet there."""
        left, write = self.random.randrange(3), task.write_atomically

        def die(path: Path, data: bytes, *, overwrite: bool) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise _Killed
            write(path, data, overwrite=overwrite)

        with self.monkeypatch.context() as patch:
            patch.setattr(task, "write_atomically", die)
            with suppress(_Killed):
                list(run(self.jobs(), self.work, UP_TO_DATE))

    def check(self, outcomes: list[Outcome]) -> None:
        """Every picture was an input and has its own right result, unless another picture of the user's is there."""
        for path, content in self.own.items():
            assert path.read_bytes() == content, path
        assert {Path(o.job.source) for o in outcomes} == {path for path in self.own if path.parent == Path("photos")}
        assert len({o.job.target for o in outcomes}) == len(outcomes)
        for outcome in outcomes:
            if Path(outcome.job.target) in self.own:
                assert outcome.status == "failed"
                assert isinstance(outcome.error, OutputExistsError)
            else:
                assert outcome.error is None
                assert is_result(outcome.job.target, outcome.job.source, self.work.number)


@pytest.mark.parametrize("output", ["out", "photos", None])
@pytest.mark.parametrize("seed", range(6))
def test_every_picture_has_its_own_right_result(
    seed: int, output: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _World(seed, output, monkeypatch)
    for _ in range(50):
        world.step()
    world.update()
    world.update()
