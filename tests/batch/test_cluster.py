"""A local Ray of two workers does what this process does."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.awkward import pattern
from tests.batch.murder import Murderous
from twinscale.batch import Outcome, Shrink, Upscale, Writing, plan, run
from twinscale.batch.cluster import run_on_cluster
from twinscale.batch.journal import JOURNAL
from twinscale.errors import UsageError

ray = pytest.importorskip("ray.data", reason="the cluster extra is not installed") and pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def two_workers() -> Iterator[None]:
    """Ray, whose workers can import these tests."""
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with six pictures of different widths in ``pictures``, one of them none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    for width in range(20, 26):
        Image.fromarray(pattern(16, width)).save(tmp_path / "pictures" / f"{width}.png")
    (tmp_path / "pictures" / "22.png").write_text("no picture")
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    """The outputs, and the lines of their journal, which workers write in any order."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {**found, JOURNAL: b"".join(sorted(found[JOURNAL].splitlines(keepends=True)))}


def comparable(outcomes: Iterator[Outcome]) -> list[tuple[object, ...]]:
    """All of the outcomes but their times, and the folder of their outputs."""
    plain = [replace(outcome, seconds=0.0, error=None) for outcome in outcomes]
    return [(o.job.source, Path(o.job.target).name, o.status, o.size, o.bytes, o.notes) for o in plain]


def test_same_files_and_outcomes_as_here(folder: Path) -> None:
    (folder / "here").mkdir()
    (folder / "here" / "23_srcnn-x2.png").touch()
    (folder / "there").mkdir()
    (folder / "there" / "23_srcnn-x2.png").touch()
    work = Upscale("srcnn-x2")
    here = list(run(plan(["pictures"], work, output="here"), work))
    there = list(run_on_cluster(plan(["pictures"], work, output="there"), work))
    assert comparable(iter(there)) == comparable(iter(here))
    assert [outcome.status for outcome in here] == ["done", "done", "failed", "failed", "done", "done"]
    assert str(there[2].error) == str(here[2].error)
    assert str(there[3].error) == str(here[3].error).replace("here", "there")
    assert files(folder / "there") == files(folder / "here")


def test_nothing_is_lost_with_a_worker(folder: Path) -> None:
    work = Murderous(str(folder), width=23)
    outcomes = list(run_on_cluster(plan(["pictures"], work, output="out"), work))
    assert (folder / "0").exists()  # somebody died
    assert [outcome.status for outcome in outcomes] == ["done", "done", "failed", "done", "done", "done"]
    assert [Path(outcome.job.source).stem for outcome in outcomes] == ["20", "21", "22", "23", "24", "25"]
    assert {path.name for path in (folder / "out").iterdir()} - {JOURNAL} == {
        f"{width}_inverted.png" for width in (20, 21, 23, 24, 25)
    }
    for width in (20, 21, 23, 24, 25):
        inverted = np.asarray(Image.open(folder / "out" / f"{width}_inverted.png"))
        np.testing.assert_array_equal(inverted, 255 - pattern(16, width))


def test_a_picture_that_kills_every_worker_fails_alone(folder: Path) -> None:
    work = Murderous(str(folder), width=23, times=100)
    outcomes = list(run_on_cluster(plan(["pictures"], work, output="out"), work))
    assert [outcome.status for outcome in outcomes] == ["done", "done", "failed", "failed", "done", "done"]
    assert "pictures/23.png: every worker that tried it died" in str(outcomes[3].error)


def test_skipping_and_failing_fast(folder: Path) -> None:
    work = Upscale("srcnn-x2")
    jobs = plan(["pictures"], work, output="out")
    assert [outcome.status for outcome in run(jobs[:2], work)] == ["done", "done"]
    Image.fromarray(pattern(16, 30)).save(folder / "pictures" / "21.png")  # since changed
    outcomes = list(run_on_cluster(jobs, work, Writing(existing="skip"), fail_fast=True))
    assert [outcome.status for outcome in outcomes] == ["skipped", "done", "failed"]
    assert outcomes[1].reason == "the picture has changed"
    assert Image.open(folder / "out" / "21_srcnn-x2.png").size == (60, 32)
    (folder / "out" / "20_srcnn-x2.png").write_bytes(b"precious")
    outcomes = list(run_on_cluster(jobs[:2], work, Writing(existing="skip")))
    assert [outcome.status for outcome in outcomes] == ["failed", "skipped"]
    assert (folder / "out" / "20_srcnn-x2.png").read_bytes() == b"precious"


def test_the_outputs_name_says_the_format(folder: Path) -> None:
    """A shrunk JPEG is a PNG, not a JPEG of that name."""
    (folder / "photos").mkdir()
    Image.fromarray(pattern(16, 20)).save(folder / "photos" / "a.jpg")
    (outcome,) = run_on_cluster(plan(["photos"], Shrink(), output="out"), Shrink())
    assert outcome.status == "done"
    assert Image.open(folder / "out" / "a_shrunk_jpg.png").format == "PNG"


def test_standard_streams_are_refused() -> None:
    with pytest.raises(UsageError, match="not standard streams"):
        list(run_on_cluster(plan(["-"], Upscale()), Upscale()))
