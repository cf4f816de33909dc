"""Running a batch: outcomes in order, stages that overlap, and nothing half-written whatever happens."""

import errno
import io
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.awkward import pattern
from tests.batch.works import Each
from tests.models import make_pair
from twinscale.batch import Downscale, Job, Outcome, Restore, Shrink, Upscale, Writing, plan, rehearse, run
from twinscale.batch.journal import JOURNAL
from twinscale.errors import ModelError, OutOfMemoryError, OutputExistsError, PictureError, UsageError
from twinscale.images.picture import Picture
from twinscale.rescale import restore, shrink, upscale
from twinscale.rescale.model import ProgressCallback
from twinscale.spill import Data


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with pictures ``10.png`` to ``15.png`` of those widths."""
    monkeypatch.chdir(tmp_path)
    for width in range(10, 16):
        Image.fromarray(pattern(12, width)).save(tmp_path / f"{width}.png")
    return tmp_path


def jobs() -> list[Job]:
    return [Job(f"{width}.png", f"out/{width}.png") for width in range(10, 16)]


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir() if path.name != JOURNAL)


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def test_outcomes_come_in_order_and_say_what_was_written(folder: Path) -> None:
    outcomes = list(run(jobs(), Each()))
    assert [outcome.job for outcome in outcomes] == jobs()
    for width, outcome in zip(range(10, 16), outcomes, strict=True):
        assert outcome.status == "done"
        assert outcome.size == (12, width)
        assert outcome.bytes == Path(outcome.job.target).stat().st_size
        assert outcome.seconds > 0
        np.testing.assert_array_equal(np.asarray(Image.open(outcome.job.target)), pattern(12, width))


def test_a_bad_file_never_stops_the_rest(folder: Path) -> None:
    (folder / "11.png").write_text("no picture")
    (folder / "12.png").unlink()

    def function(picture: Picture, progress: ProgressCallback | None) -> Picture:
        if picture.width == 13:
            raise MemoryError
        if picture.width == 14:
            raise ModelError("the weights are damaged")
        return picture

    outcomes = list(run(jobs(), Each(function)))
    assert statuses(outcomes) == ["done", "failed", "failed", "failed", "failed", "done"]
    errors = [outcome.error for outcome in outcomes]
    assert [type(error) for error in errors[1:5]] == [PictureError, PictureError, OutOfMemoryError, ModelError]
    assert str(errors[4]) == "14.png: the weights are damaged"
    assert written(folder) == ["10.png", "15.png"]


def test_no_error_of_the_system_stops_the_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one line, which names the picture and what the system says."""
    scan = os.scandir

    def unreadable(path: str) -> Any:  # root may read everything, whatever the permissions say
        if Path(path).name == "unreadable":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    def function(picture: Picture, progress: ProgressCallback | None) -> Picture:
        if picture.width == 11:
            raise OSError(errno.EIO, "Input/output error")
        return picture

    monkeypatch.setattr(os, "scandir", unreadable)
    monkeypatch.setattr("sys.stdin", None)
    (folder / "file").touch()
    (folder / "unreadable").mkdir()
    impossible = [
        Job("10.png", "file/10.png"),
        Job("11.png", "out/11.png"),
        Job("12.png", f"out/{'x' * 300}.png"),
        Job("13.png", f"{'x' * 300}/13.png"),
        Job(f"{'x' * 300}.png", "out/x.png"),
        Job("-", "out/standard.png"),
        *plan(["unreadable"], Each(), output="out"),
    ]
    outcomes = list(run([*impossible, *jobs()[4:]], Each(function)))
    assert statuses(outcomes) == ["failed"] * len(impossible) + ["done"] * 2
    expected = ["is a file", "Input/output", "too long", "too long", "too long", "is closed", "Permission denied"]
    for outcome, reason in zip(outcomes[: len(impossible)], expected, strict=True):
        assert isinstance(outcome.error, PictureError)
        assert str(outcome.error).startswith(f"{outcome.job.source}: ")
        assert reason in str(outcome.error)
        assert "\n" not in str(outcome.error)
    assert written(folder) == ["14.png", "15.png"]
    assert statuses(list(rehearse(impossible, Each()))) == ["failed", "planned"] + ["failed"] * 5


@pytest.mark.parametrize(
    ("existing", "status", "content"),
    [("refuse", "failed", b"old"), ("skip", "failed", b"old"), ("replace", "done", None)],
)
def test_outputs_that_exist(folder: Path, existing: str, status: str, content: bytes | None) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "10.png").write_bytes(b"old")
    (outcome,) = run(jobs()[:1], Each(), Writing(existing=existing))  # type: ignore[arg-type]
    assert outcome.status == status
    assert isinstance(outcome.error, OutputExistsError) == (existing != "replace")
    after = (folder / "out" / "10.png").read_bytes()
    assert after == content if content else Image.open(io.BytesIO(after)).size == (10, 12)


def test_an_output_that_appears_meanwhile(folder: Path) -> None:
    """What this job would have written itself is its own, as of a worker that was killed; anything else stays."""
    list(run(jobs()[:1], Each()))
    own = (folder / "out" / "10.png").read_bytes()
    for found, status in ((own, "done"), (b"foreign", "failed")):
        (folder / "out" / "10.png").unlink()

        def function(picture: Picture, progress: ProgressCallback | None, found: bytes = found) -> Picture:
            (folder / "out" / "10.png").write_bytes(found)
            return picture

        (outcome,) = run(jobs()[:1], Each(function))
        assert outcome.status == status
        assert (folder / "out" / "10.png").read_bytes() == found


def test_a_rehearsal_says_what_would_be_done(folder: Path) -> None:
    """It runs no network and writes nothing, and what then is done is what it said."""
    (folder / "11.png").write_text("no picture")
    (folder / "out").mkdir()
    (folder / "out" / "12.png").write_bytes(b"foreign")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    foreseen = list(rehearse(jobs(), Each(lambda picture, _: pytest.fail("worked"))))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert statuses(foreseen) == ["planned", "failed", "failed", "planned", "planned", "planned"]
    assert (foreseen[0].input_size, foreseen[0].size) == ((12, 10), (12, 10))
    done = list(run(jobs(), Each()))
    assert statuses(done) == [status.replace("planned", "done") for status in statuses(foreseen)]
    assert [str(outcome.error) for outcome in done] == [str(outcome.error) for outcome in foreseen]


def test_failing_fast_writes_nothing_later(folder: Path) -> None:
    (folder / "12.png").write_text("no picture")
    assert statuses(list(run(jobs(), Each(), fail_fast=True))) == ["done", "done", "failed"]
    assert written(folder) == ["10.png", "11.png"]


def test_stages_overlap_and_few_pictures_are_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network of the first picture ends only once the second is decoded; decoding waits for outcomes."""
    decoded: list[str] = []
    second = threading.Event()
    read = Picture.of_file

    def note(data: Data, name: str, **options: int) -> Picture:
        decoded.append(name)
        if name == "11.png":
            second.set()
        return read(data, name, **options)

    def function(picture: Picture, progress: ProgressCallback | None) -> Picture:
        assert second.wait(30)
        return picture

    monkeypatch.setattr(Picture, "of_file", note)
    outcomes = run(jobs(), Each(function))
    next(outcomes)
    assert len(decoded) <= 3
    assert len(list(outcomes)) == 5


def test_closing_stops_the_work_and_leaves_whole_files(folder: Path) -> None:
    threads = set(threading.enumerate())
    at_work, closing = threading.Event(), threading.Event()

    def function(picture: Picture, progress: ProgressCallback | None) -> Picture:
        assert progress is not None
        if picture.width > 10:
            at_work.set()
            assert closing.wait(30)
            for tile in range(1000):
                progress(tile, 1000)
                closing.wait(0.01)
        return picture

    outcomes = run(jobs(), Each(function))
    next(outcomes)
    assert at_work.wait(30)
    threading.Timer(0.2, closing.set).start()
    outcomes.close()  # type: ignore[attr-defined]
    assert written(folder) == ["10.png"]
    assert {thread for thread in threading.enumerate() if not isinstance(thread, threading.Timer)} <= threads


def test_an_error_that_nobody_expected_is_raised(folder: Path) -> None:
    def function(picture: Picture, progress: ProgressCallback | None) -> Picture:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(run(jobs(), Each(function)))
    assert not (folder / "out").exists()


def test_progress_is_passed_on(folder: Path) -> None:
    def function(picture: Picture, progress: ProgressCallback | None) -> Picture:
        assert progress is not None
        progress(1, picture.width)
        return picture

    calls: list[tuple[int, int]] = []
    list(run(jobs(), Each(function), progress=lambda done, total: calls.append((done, total))))
    assert calls == [(1, width) for width in range(10, 16)]


def test_the_works_are_the_functions_of_the_same_name(folder: Path, tmp_path: Path) -> None:
    pair = str(make_pair(tmp_path / "models", 2, "rgb"))
    source = Picture.read("15.png")
    for work, expected in (
        (Upscale("srcnn", 2.5, ensemble=True), lambda picture: upscale(picture, 2.5, model="srcnn", ensemble=True)),
        (Shrink(pair), lambda picture: shrink(picture, model=pair)),
        (Downscale("perceptual", 5), lambda picture: shrink(picture, 5, method="perceptual")),
    ):
        (outcome,) = run([Job("15.png", "result.png")], work, Writing(existing="replace"))
        assert outcome.error is None
        result, wanted = Picture.read("result.png"), expected(source)
        np.testing.assert_array_equal(result.pixels, wanted.pixels)
        assert result.xmp == wanted.xmp
    list(run([Job("15.png", "result.png")], Shrink(pair), Writing(existing="replace")))
    (outcome,) = run(plan(["result.png"], Restore(pair)), Restore(pair))
    assert outcome.job.target == "result_restored_pair-rgb-x2.png"
    np.testing.assert_array_equal(Picture.read(outcome.job.target).pixels, restore("result.png", model=pair).pixels)


def test_what_is_wrong_for_all_is_raised_at_once(folder: Path) -> None:
    for work, error in (
        (Upscale("no-such-model"), ModelError),
        (Upscale(scale=17.0), UsageError),
        (Restore("no-such-model"), ModelError),
    ):
        with pytest.raises(error):
            list(run(jobs(), work))
