"""The commands as a user runs them: files, streams, exit codes, and folders full of trouble."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tests.awkward import make_awkward_pictures, pattern
from tests.cli.conftest import Run
from twinscale import __version__
from twinscale.batch.journal import JOURNAL
from twinscale.cli.app import app
from twinscale.images.picture import Picture


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(pattern(41, 63)).save(path, icc_profile=b"", pnginfo=None)
    return path


def one_line(error: bytes) -> str:
    text = error.decode()
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text


class TestRuntime:
    @pytest.mark.parametrize("command", ["upscale", "shrink", "restore"])
    def test_what_is_not_available_is_one_error(self, run: Run, photo: Path, command: str) -> None:
        refused = run(command, "--backend", "abacus", photo, photo)
        assert refused.returncode == 2
        assert "unknown backend 'abacus': use auto or one of onnxruntime" in one_line(refused.stderr)

    def test_backend_device_and_precision_reach_the_network(self, run: Run, photo: Path, upscaler: Path) -> None:
        options = ["--backend", "onnxruntime", "--device", "cpu", "--precision", "float32", "-j", "1", "-t", "16"]
        assert run("upscale", "-m", upscaler, *options, photo, "-o", "large.png").returncode == 0
        refused = run("upscale", "-m", upscaler, "-d", "beads", photo)
        assert refused.returncode == 2
        assert "device 'beads'" in one_line(refused.stderr)


class TestShrinkAndRestore:
    def test_round_trip_through_files(self, run: Run, photo: Path, pair: Path, tmp_path: Path) -> None:
        shrunk = run("shrink", "-m", pair, photo)
        assert shrunk.returncode == 0, shrunk.stderr
        assert shrunk.stdout.decode().startswith(f"{photo} -> {tmp_path / f'photo_shrunk_{pair.name}.png'} (32x21")
        restored = run("restore", "-m", pair, f"photo_shrunk_{pair.name}.png", "back.png")
        assert restored.returncode == 0, restored.stderr
        assert Image.open(tmp_path / "back.png").size == (63, 41)

    def test_round_trip_through_streams(self, run: Run, photo: Path, pair: Path) -> None:
        shrunk = run("shrink", "-m", pair, "-", stdin=photo.read_bytes())
        assert shrunk.returncode == 0, shrunk.stderr
        restored = run("restore", "-m", pair, "-", "-f", "png", stdin=shrunk.stdout)
        assert Image.open(io.BytesIO(restored.stdout)).size == (63, 41)

    def test_formats_that_drop_the_tag_are_refused(self, run: Run, photo: Path, pair: Path, tmp_path: Path) -> None:
        refused = run("shrink", "-m", pair, photo, "small.bmp")
        assert refused.returncode == 2
        assert "BMP cannot hold the tag" in one_line(refused.stderr)
        assert not (tmp_path / "small.bmp").exists()

    def test_without_a_tag_restore_says_what_to_do(self, run: Run, photo: Path, tmp_path: Path) -> None:
        refused = run("restore", photo)
        assert refused.returncode == 2
        assert "carries no tag" in one_line(refused.stderr)
        enlarged = run("restore", "--fallback", "bicubic", "-s", "3", photo)
        assert enlarged.returncode == 0
        assert Image.open(tmp_path / "photo_restored.png").size == (189, 123)


class TestFiles:
    def test_nothing_is_overwritten_unasked(self, run: Run, photo: Path, upscaler: Path, tmp_path: Path) -> None:
        output = tmp_path / f"photo_{upscaler.name}.png"
        output.write_bytes(b"precious")
        refused = run("upscale", "-m", upscaler, photo)
        assert refused.returncode == 1
        assert "already exists" in one_line(refused.stderr)
        foreign = run("upscale", "-m", upscaler, photo, "--skip-existing")
        assert foreign.returncode == 1
        assert "is not what twinscale wrote here" in one_line(foreign.stderr)
        assert output.read_bytes() == b"precious"
        assert run("upscale", "-m", upscaler, photo, "--overwrite").returncode == 0
        assert Image.open(output).size == (126, 82)
        skipped = run("upscale", "-m", upscaler, photo, "--skip-existing", "--json")
        assert json.loads(skipped.stdout)[0]["status"] == "skipped"

    def test_exit_codes(self, run: Run, photo: Path, upscaler: Path, pair: Path, tmp_path: Path) -> None:
        (tmp_path / "letter.jpg").write_text("Dear reader")
        cases = {
            3: [("upscale", "-m", upscaler, "letter.jpg"), ("upscale", "-m", upscaler, "missing.png")],
            2: [("upscale", "-m", upscaler, "-s", "17", photo), ("upscale",), ("shrink", "-m", upscaler, photo)],
            4: [("upscale", "-m", "no-such-model", photo), ("restore", "-m", "no-such-model", photo)],
            1: [("upscale", "-m", upscaler, photo, "letter.jpg", "-o", "out")],
        }
        for code, commands in cases.items():
            for command in commands:
                result = run(*command)
                assert result.returncode == code, (command, result.stderr)
                assert b"Traceback" not in result.stderr
        assert (tmp_path / "out" / f"photo_{upscaler.name}.png").exists()  # the bad file did not stop the good one

    def test_a_fractional_scale(self, run: Run, photo: Path, upscaler: Path, tmp_path: Path) -> None:
        result = run("upscale", "-m", upscaler, "-s", "1.5", photo)
        assert result.returncode == 0, result.stderr
        assert Image.open(tmp_path / f"photo_{upscaler.name}_x1.5.png").size == (94, 62)

    def test_families_and_ensembles(self, run: Run, photo: Path, tmp_path: Path) -> None:
        for name, more in {"exact.png": ("-m", "srcnn-x3"), "family.png": ("-m", "srcnn", "-s", "3")}.items():
            assert run("upscale", photo, name, *more).returncode == 0
        assert (tmp_path / "family.png").read_bytes() == (tmp_path / "exact.png").read_bytes()
        assert run("upscale", photo, "ensemble.png", "-m", "srcnn", "-s", "3", "--ensemble").returncode == 0
        plain, ensemble = (np.asarray(Image.open(tmp_path / name)) for name in ("exact.png", "ensemble.png"))
        assert 0 < np.abs(plain.astype(int) - ensemble).mean() < 2
        assert run("shrink", photo, "-m", "dsn", "-s", "3").returncode == 0
        assert run("restore", "photo_shrunk_dsn-x3.png", "-m", "dsn").returncode == 0
        assert Image.open(tmp_path / "photo_shrunk_dsn-x3_restored_dsn.png").size == (63, 41)
        refused = run("upscale", photo, "-m", "srcnn", "-s", "17")
        assert refused.returncode == 2
        assert "scale 17.0 must be above 1 and at most 16" in one_line(refused.stderr)

    def test_to_a_size_and_far_beyond_the_networks(self, run: Run, photo: Path, upscaler: Path, tmp_path: Path) -> None:
        for options, name, size in [
            (("-W", "200"), "200w", (200, 130)),
            (("-H", "200"), "200h", (307, 200)),
            (("--fit", "200x100"), "200x100", (154, 100)),
            (("-s", "5"), "x5", (315, 205)),
        ]:
            assert run("upscale", "-m", upscaler, photo, *options).returncode == 0
            assert Image.open(tmp_path / f"photo_{upscaler.name}_{name}.png").size == size
        for options, message in [
            (("-W", "200", "-s", "2"), "contradict each other"),
            (("-W", "200", "-H", "200"), "would distort the picture"),
            (("--fit", "200"), "'200' is not a width and a height such as 1920x1080"),
            (("-W", "60"), "upscale only enlarges"),
        ]:
            refused = run("upscale", photo, *options)
            assert refused.returncode == 2
            assert message in one_line(refused.stderr)

    def test_report_and_picture_do_not_share_a_stream(self, run: Run, photo: Path, upscaler: Path) -> None:
        refused = run("upscale", "-m", upscaler, photo, "-o", "-", "--json")
        assert refused.returncode == 2
        assert refused.stdout == b""
        assert "cannot take both" in one_line(refused.stderr)

    def test_overwriting_and_skipping_contradict(self, run: Run, photo: Path) -> None:
        refused = run("upscale", photo, "--overwrite", "--skip-existing")
        assert refused.returncode == 2
        assert "contradict" in one_line(refused.stderr)

    def test_fail_fast_stops(self, run: Run, photo: Path, upscaler: Path, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_text("no picture")
        result = run("upscale", "-m", upscaler, "--fail-fast", "--json", "a.jpg", photo, "-o", "out")
        assert result.returncode == 1
        assert [entry["status"] for entry in json.loads(result.stdout)] == ["failed"]


@pytest.mark.parametrize(("command", "method"), [("upscale", None), ("shrink", None), ("shrink", "dpid")])
def test_a_folder_of_awkward_pictures(
    command: str, method: str | None, run: Run, upscaler: Path, pair: Path, tmp_path: Path
) -> None:
    """Each is processed with everything kept or refused in one line; nothing stops, nothing half-written stays."""
    folder = tmp_path / "awkward"
    folder.mkdir()
    expected = make_awkward_pictures(folder)
    model = upscaler if command == "upscale" else pair
    result = run(command, "-m", method or model, "--json", folder, "-o", "out")
    report = {Path(entry["input"]).name: entry for entry in json.loads(result.stdout)}
    assert set(report) == set(expected)
    assert result.returncode == 1
    assert b"Traceback" not in result.stderr
    carries_tag = command == "shrink" and method is None
    unwritable = set() if carries_tag else {"ten-bits.avif"}  # AVIF is written with 8 bits only
    for name, verdict in expected.items():
        entry = report[name]
        if verdict == "refused" or name in unwritable:
            assert entry["status"] == "failed", name
            assert "\n" not in entry["error"]
            assert name in entry["error"]
            assert not Path(tmp_path / entry["output"]).exists()
            continue
        assert entry["status"] == "done", (name, entry)
        before, after = Picture.read(folder / name), Picture.read(tmp_path / entry["output"])
        factor = 2 if command == "upscale" else 0.5
        assert after.pixels.shape[:2] == tuple(int(np.ceil(side * factor)) for side in before.pixels.shape[:2])
        assert after.depth == before.depth
        transparent = before.alpha is not None and (before.alpha != np.iinfo(before.alpha.dtype).max).any()
        assert (after.alpha is not None) >= transparent, name
        if before.exif and name.endswith((".jpg", ".JPG")):
            assert after.exif is not None
        if carries_tag:
            assert after.xmp is not None
            assert pair.name.encode() in after.xmp
    left = {path.name for path in (tmp_path / "out").rglob("*")} - {JOURNAL}
    assert left == {Path(entry["output"]).name for entry in report.values() if entry["status"] == "done"}


def test_models_and_version(run: Run, pair: Path) -> None:
    runtimes = {"ONNX Runtime": "onnxruntime", "OpenVINO": "openvino", "torch": "torch"}
    installed = [f"{name} {version(package)}" for name, package in runtimes.items() if find_spec(package)]
    assert run("--version").stdout.decode() == f"twinscale {__version__} ({', '.join(installed)})\n"
    shown = run("models", "show", pair).stdout.decode()
    assert f'name = "{pair.name}"' in shown


def test_list_of_models(run: Run) -> None:
    listed = run("models", "list", "--json", "--speed")
    rows = {row["name"]: row for row in json.loads(listed.stdout)}
    assert {"srcnn-x2", "dsn-x2", "dsn-y-x2"} <= set(rows)
    for name, row in rows.items():
        parts = {"down", "up"} if row["kind"] == "pair" else {"up"}
        assert set(row["multiply_adds_per_pixel"]) == set(row["milliseconds_per_megapixel"]) == parts, name
        assert min(row["milliseconds_per_megapixel"].values()) > 0
        assert (Path(row["folder"]) / "card.toml").is_file()
    assert listed.stderr == b""
    unmeasured = [{key: row[key] for key in row if key != "milliseconds_per_megapixel"} for row in rows.values()]
    assert json.loads(run("models", "list", "--json").stdout) == unmeasured

    lines = run("models", "list").stdout.decode().splitlines()
    cells = {line.split()[0]: line.split() for line in lines if line.strip()}
    down, up = (f"{rows['dsn-x2']['multiply_adds_per_pixel'][key] / 1e3:.1f}k" for key in ("down", "up"))
    assert cells["dsn-x2"][1:4] == ["pair", "rgb", "2"]
    assert cells["dsn-x2"][5:7] == [down, up]
    assert cells["srcnn-x2"][5] == "–"
    for name, row in rows.items():
        assert f"licence {cells[name][-1]}: {row['licence']}" in lines
    assert max(map(len, lines)) <= 100


def test_evaluate_a_folder(run: Run, pair: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("one", "two"):
        Image.fromarray(pattern(60, 80)).save(folder / f"{name}.png")
    result = run("evaluate", pair, folder, "--json", "--per-picture")
    assert result.returncode == 0, result.stderr
    (row,) = json.loads(result.stdout)
    assert [picture["name"] for picture in row["pictures"]] == ["one", "two"]
    mean = np.mean([picture["ours"]["psnr_y"] for picture in row["pictures"]])
    assert row["ours"]["psnr_y"] == pytest.approx(mean)
    assert row["looks"] == row["pictures"][0]["looks"]  # both pictures are the same
    table = run("evaluate", pair, folder).stdout.decode()
    assert re.search(rf"{row['bicubic']['psnr_y']:.2f} / {row['bicubic']['ssim_y']:.4f}", table)
    looks = row["looks"]
    shown = f"{looks['fidelity']:.2f} {looks['ciede2000']:.1f} / {looks['ciede2000_p99']:.1f}"
    assert re.search(rf" small +ΔE00 .*\n.*\n +set .* {shown} ", table)


def test_evaluate_an_ensemble(run: Run, upscaler: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    Image.fromarray(pattern(60, 80)).save(tmp_path / "set" / "one.png")
    (plain,) = json.loads(run("evaluate", upscaler, "set", "--json").stdout)
    (ensemble,) = json.loads(run("evaluate", upscaler, "set", "--json", "--ensemble").stdout)
    assert (plain["ensemble"], ensemble["ensemble"]) == (False, True)
    assert plain["ours"] != ensemble["ours"]
    assert f"{upscaler.name}+" in run("evaluate", upscaler, "set", "--ensemble").stdout.decode()
    refused = run("evaluate", upscaler, "set", "--ensemble", "--record", "docs")
    assert refused.returncode == 2
    assert "leave out --record, or --ensemble and --jpeg" in one_line(refused.stderr)


def test_evaluate_records_what_changed_only(run: Run, pair: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    Image.fromarray(pattern(60, 80)).save(folder / "one.png")
    (tmp_path / "docs").mkdir()
    assert len(json.loads(run("evaluate", pair, folder, "--json", "--record", "docs").stdout)) == 1
    assert json.loads(run("evaluate", pair, folder, "--json", "--record", "docs").stdout) == []
    assert f"## {pair.name}" in (tmp_path / "docs" / "results.md").read_text()


class TestUsage:
    @staticmethod
    def said_and_loaded(*arguments: str | Path) -> tuple[str, set[str]]:
        """What a command that goes well prints, and the modules that it has imported by its end."""
        script = (
            "import sys; sys.argv[0] = 'twinscale'\n"
            "from twinscale.cli import main\n"
            "try: main()\n"
            "finally: print(*sys.modules, file=sys.stderr)"
        )
        command = [sys.executable, "-c", script, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout, set(done.stderr.split())

    def test_version_help_and_list_of_models_load_nothing_heavy(self) -> None:
        for command in (("--version",), ("-h",), ("upscale", "-h"), ("models", "list", "--json")):
            said, loaded = self.said_and_loaded(*command)
            assert "twinscale" in said
            assert not {"numpy", "onnxruntime", "rich", "PIL"} & loaded

    @pytest.mark.parametrize(
        ("typed", "offered"),
        [("upscale -m twin-x", "twin-x2"), ("evaluate fast-x2 Set", "Set14"), ("reproduce dsn ", "table-1")],
    )
    def test_completion_loads_nothing_heavy(self, monkeypatch: pytest.MonkeyPatch, typed: str, offered: str) -> None:
        monkeypatch.setenv("_TWINSCALE_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", f"twinscale {typed}")
        monkeypatch.setenv("COMP_CWORD", str(typed.count(" ") + 1))
        said, loaded = self.said_and_loaded()
        assert f"plain,{offered}" in said.splitlines()
        assert not {"numpy", "onnxruntime", "rich", "PIL", "torch"} & loaded

    def test_every_command_has_help_and_verbose(self) -> None:
        def commands(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
            yield path
            if isinstance(command, click.Group):
                for name in command.list_commands(click.Context(command)):
                    inner = command.get_command(click.Context(command), name)
                    assert inner is not None
                    yield from commands(inner, *path, name)

        paths = list(commands(app))
        assert ("bench", "engine") in paths
        for path in paths:
            short, long = (CliRunner().invoke(app, [*path, option]) for option in ("-h", "--help"))
            assert short.exit_code == 0, path
            assert short.output == long.output
            assert "-v, --verbose" in short.output

    def test_small_picture_loads_only_what_it_needs(self, photo: Path, tmp_path: Path) -> None:
        said, loaded = self.said_and_loaded("upscale", photo, "-o", tmp_path / "large.png")
        assert "large.png (126x82" in said
        assert {"numpy", "onnxruntime", "imagecodecs"} <= loaded
        assert not {"torch", "openvino", "ray", "rich", "PIL", "ssl", "urllib.request"} & loaded

    def test_help_lists_every_command_in_full(self, run: Run) -> None:
        help = run("--help").stdout.decode()
        assert help == run("-h").stdout.decode()
        commands = help.split("Commands:")[1].split("Examples:")[0]
        assert len(commands.strip().splitlines()) == len(app.list_commands(click.Context(app)))
        assert "..." not in commands
        assert "twinscale upscale photo.jpg" in run("upscale", "-h").stdout.decode()

    def test_mistakes_are_one_line(self, run: Run, photo: Path) -> None:
        for command in (("upscale",), ("upscale", photo, "--ensembl"), ("upscale", photo, "-q", "101"), ("enlarge",)):
            refused = run(*command)
            assert refused.returncode == 2
            assert re.search(r"See 'twinscale.* --help'", one_line(refused.stderr))

    def test_a_cluster_has_no_standard_streams(self, run: Run, photo: Path) -> None:
        """``--cluster`` takes its value after ``=``, so a picture may follow it."""
        refused = run("upscale", "--cluster", photo, "-o", "-")
        assert refused.returncode == 2
        assert "a cluster reads and writes files" in one_line(refused.stderr)
