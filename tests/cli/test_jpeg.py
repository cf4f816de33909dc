"""The commands on JPEGs, with tiny random models in a catalogue of their own: ``repair``, ``upscale``, ``evaluate``."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
import skimage.data
from click.testing import CliRunner, Result
from PIL import Image

from tests.awkward import make_awkward_pictures, pattern
from tests.models import make_jpeg, make_upscaler
from twinscale import repair
from twinscale.batch.journal import JOURNAL
from twinscale.cli.app import app
from twinscale.errors import TwinscaleError, UsageError
from twinscale.images.picture import Picture

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_jpeg(folder, 1)
    make_jpeg(folder, 2)
    make_upscaler(folder, 2, "y", name="fast-x2")
    return folder


@pytest.fixture
def run(shipped: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("repair", "a.jpg")`` in a folder with a JPEG and a PNG; errors are raised unless they are expected."""
    monkeypatch.chdir(tmp_path)
    image = Image.fromarray(pattern(21, 34))
    image.save("a.jpg", quality=40, subsampling="4:2:0")
    image.save("b.png")

    def run(*arguments: str | Path, error: type[Exception] | None = None, stdin: bytes | None = None) -> Result:
        result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, standalone_mode=False)
        if error is None and result.exception is not None:
            raise result.exception
        assert error is None or isinstance(result.exception, error)
        return result

    return run


def failure(result: Result) -> str:
    """The one line about what went wrong."""
    error = result.exception
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    assert "\n" not in text
    return text


class TestRepair:
    def test_the_result_is_lossless(self, run: Run, tmp_path: Path) -> None:
        result = run("repair", "a.jpg")
        assert result.stdout.startswith("a.jpg -> a_repaired_jpg.png (34x21, ")
        assert result.stderr == ""
        np.testing.assert_array_equal(Image.open("a_repaired_jpg.png"), repair("a.jpg").pixels)
        run("repair", "a.jpg", "-o", "clean.jpg")
        assert Image.open("clean.jpg").format == "JPEG"

    def test_what_tells_nothing_comes_out_as_it_is(self, run: Run) -> None:
        result = run("repair", "b.png")
        assert "b.png: nothing to repair: the file does not tell" in result.stderr
        np.testing.assert_array_equal(Image.open("b_repaired.png"), Image.open("b.png"))
        told = run("repair", "--saved-at", "40", "b.png", "-o", "c.png")
        assert told.stderr == ""
        assert not np.array_equal(Image.open("c.png"), Image.open("b.png"))

    def test_a_batch_is_brought_up_to_date(self, run: Run, shelf: Path, tmp_path: Path) -> None:
        planned = run("repair", ".", "-o", "out", "--dry-run")
        assert "a.jpg (34x21) -> out/a_repaired_jpg.png (34x21)" in planned.stdout
        assert not Path("out").exists()
        for expected in ("done", "skipped"):
            report = json.loads(run("repair", ".", "-o", "out", "--skip-existing", "--json").stdout)
            assert [entry["status"] for entry in report] == [expected] * 2
        again = json.loads(run("repair", ".", "-o", "out", "--skip-existing", "--json", "--saved-at", "30").stdout)
        assert [entry["reason"] for entry in again] == ["the model or the options have changed"] * 2

    def test_streams(self, run: Run) -> None:
        result = run("repair", "-", stdin=Path("a.jpg").read_bytes())
        assert Image.open(io.BytesIO(result.stdout_bytes)).format == "PNG"

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            (["-m", "jpeg-x2"], UsageError, "jpeg-x2 enlarges 2 times: repair takes a model of scale 1"),
            (["--saved-at", "0"], click.ClickException, "0 is not in the range 1<=x<=100"),
            (["-m", "nothing"], TwinscaleError, "no model 'nothing'"),
        ],
    )
    def test_mistakes(self, run: Run, options: list[str], error: type[Exception], message: str) -> None:
        assert message in failure(run("repair", "a.jpg", *options, error=error))
        assert not list(Path().glob("*repaired*"))

    def test_a_folder_of_awkward_pictures(self, run: Run) -> None:
        Path("awkward").mkdir()
        expected = make_awkward_pictures(Path("awkward"))
        report = {
            Path(entry["input"]).name: entry
            for entry in json.loads(run("repair", "awkward", "-o", "out", "--json").stdout)
        }
        for name, verdict in expected.items():
            entry = report[name]
            assert entry["status"] == ("failed" if verdict == "refused" else "done"), (name, entry)
            if entry["status"] == "done":
                before, after = Picture.read(Path("awkward", name)), Picture.read(entry["output"])
                assert (after.height, after.width, after.depth) == (before.height, before.width, before.depth)
                assert (after.alpha is None) == (before.alpha is None)
                if before.quantisation is None:
                    np.testing.assert_array_equal(after.pixels, before.pixels)
        assert {path.name for path in Path("out").iterdir()} == {JOURNAL} | {
            Path(entry["output"]).name for entry in report.values() if entry["status"] == "done"
        }


class TestUpscale:
    def test_what_is_said_once(self, run: Run) -> None:
        Image.open("a.jpg").convert("L").save("c.jpg", quality=30)
        result = run("upscale", ".", "-o", "out")
        assert result.stderr == "twinscale: JPEGs are repaired on the way: -m fast only enlarges them\n"
        assert len(result.stdout.splitlines()) == 3
        report = json.loads(run("upscale", ".", "-o", "again", "--json").stdout)
        assert [len(entry["notes"]) for entry in report] == [1, 0, 1]

    def test_nothing_is_said_of_a_model_that_is_named(self, run: Run) -> None:
        assert run("upscale", "-m", "fast", "a.jpg").stderr == ""
        assert run("upscale", "--quiet", "a.jpg").stderr == ""

    def test_a_batch_knows_both_models(self, run: Run, shelf: Path) -> None:
        run("upscale", ".", "-o", "out")
        skipped = json.loads(run("upscale", ".", "-o", "out", "--skip-existing", "--json").stdout)
        assert [entry["status"] for entry in skipped] == ["skipped"] * 2
        card = shelf / "jpeg-x2" / "card.toml"
        intact = card.read_text()
        card.write_text(re.sub('sha256 = "[^"]+"', f'sha256 = "{64 * "0"}"', intact))
        try:
            again = run("upscale", ".", "-o", "out", "--skip-existing", "--dry-run", "--json")
        finally:
            card.write_text(intact)
        reasons = [entry.get("reason") for entry in json.loads(again.stdout)]
        assert reasons == ["the model or the options have changed"] * 2

    def test_a_model_that_only_repairs_is_refused(self, run: Run) -> None:
        refused = run("upscale", "-m", "jpeg-x1", "a.jpg", error=UsageError)
        assert failure(refused) == "jpeg-x1 repairs pictures and does not enlarge them: use repair, or another model"


class TestInfo:
    @pytest.mark.parametrize(
        ("mode", "options", "line", "facts"),
        [
            ("RGB", {"quality": 75, "subsampling": "4:2:0"}, "JPEG of quality 75, 4:2:0, ", (75, "4:2:0")),
            ("RGB", {"quality": 92, "subsampling": "4:2:2", "progressive": True}, "quality 92, 4:2:2, ", (92, "4:2:2")),
            ("L", {"quality": 20}, "  JPEG of quality 20, ", (20, None)),
            ("CMYK", {"quality": 20}, "  JPEG, ", None),
        ],
    )
    def test_how_a_jpeg_was_saved(
        self, run: Run, mode: str, options: dict, line: str, facts: tuple[int, str | None] | None
    ) -> None:
        Image.open("b.png").convert(mode).save("c.jpg", **options)
        assert line in run("info", "c.jpg").stdout.splitlines()[1]
        (report,) = json.loads(run("info", "--json", "c.jpg").stdout)
        assert report["jpeg"] == (facts and {"quality": facts[0], "subsampling": facts[1]})

    def test_of_another_format(self, run: Run) -> None:
        assert run("info", "b.png").stdout.splitlines()[1].startswith("  PNG, ")
        assert json.loads(run("info", "--json", "b.png").stdout)[0]["jpeg"] is None


class TestEvaluate:
    @pytest.fixture(autouse=True)
    def pictures(self, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        Picture(skimage.data.astronaut()[10:57, 190:252]).write(tmp_path / "mine" / "astronaut.png")

    def test_each_quality_is_a_row(self, run: Run) -> None:
        lines = run("evaluate", "fast-x2", "mine", "--jpeg", "30,90").stdout.splitlines()
        assert [line.split()[:3] for line in lines if "JPEG" in line] == [["mine,", "JPEG", q] for q in ("30", "90")]
        clean, *_ = json.loads(run("evaluate", "fast-x2", "mine", "--json").stdout)
        coarse, fine = json.loads(run("evaluate", "fast-x2", "mine", "--jpeg", "30,90", "--json").stdout)
        assert [row["protocol"]["jpeg"] for row in (clean, coarse, fine)] == [None, 30, 90]
        bicubic = [row["bicubic"]["psnr_y"] for row in (coarse, fine, clean)]
        assert bicubic == sorted(bicubic)

    def test_a_model_that_only_repairs(self, run: Run) -> None:
        (row,) = json.loads(run("evaluate", "jpeg-x1", "mine", "--jpeg", "50", "--json").stdout)
        saved = io.BytesIO()
        truth = skimage.data.astronaut()[10:57, 190:252]
        Image.fromarray(truth).save(saved, "JPEG", quality=50, subsampling="4:2:0")
        error = (np.asarray(Image.open(saved)).astype(float) - truth)[1:-1, 1:-1]
        assert row["bicubic"]["psnr_rgb"] == pytest.approx(10 * np.log10(255**2 / (error**2).mean()), abs=0.05)
        assert "as it is" in run("evaluate", "jpeg-x1", "mine", "--jpeg", "50").stdout

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["jpeg-x1", "mine"], "jpeg-x1 only repairs: say at what quality of JPEG to measure it"),
            (["fast-x2", "mine", "--jpeg", "30,high"], "'30,high' is not a list of qualities of 1 to 100"),
            (["fast-x2", "mine", "--jpeg", "101"], "'101' is not a list of qualities of 1 to 100"),
            (["fast-x2", "mine", "--jpeg", "30", "--record", "kept"], "on clean pictures: leave out --record"),
        ],
    )
    def test_mistakes(self, run: Run, options: list[str], message: str) -> None:
        assert message in failure(run("evaluate", *options, error=Exception))

    def test_all_that_enlarge(self, run: Run) -> None:
        rows = json.loads(run("evaluate", "all", "mine", "--json").stdout)
        assert [row["model"] for row in rows] == ["fast-x2", "jpeg-x2"]
