"""``study``: made, served and evaluated on the command line."""

import json
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from tests.awkward import pattern
from tests.cli.test_complete import offered
from tests.study.participants import answered, by_preference, make
from twinscale.cli.app import app
from twinscale.errors import OutputExistsError, UsageError
from twinscale.study import Answers, Study
from twinscale.study.answers import ANSWERS
from twinscale.study.design import CHOICES


def study(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, ["study", *map(str, arguments)])
    if result.exception:
        raise result.exception
    return result.stdout


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with the answers of three who prefer the subject save for "another", a clicker, and one who left."""
    folder = make(tmp_path_factory.mktemp("study"), repeats=4)
    design, kept, chance = Study.load(folder), Answers(folder / ANSWERS), random.Random(1)
    choose = by_preference(design, lambda question: "equal" if question.competitor == "another" else "subject")
    for decide in (choose, choose, choose, lambda _: "a"):
        plan = design.plan(chance)
        token = kept.enrol(plan)
        for position, showing in enumerate(answered(plan, decide)):
            kept.give(token, position, showing.choice or CHOICES[1])
    kept.enrol(design.plan(chance))
    return folder


def test_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for album in ("one", "two"):
        (tmp_path / album).mkdir()
        for number in range(4):
            Image.fromarray(pattern(24, 32)).save(tmp_path / album / f"{number}.png")
    options = ("-m", "twin", "-a", "dpid+bicubic", "-a", "area", "-s", "2", "--pictures", "3", "--repeats", "5")
    assert study("make", "one", "two", *options).strip() == "study"
    made = Study.load(Path("study"))
    assert (made.subject, made.competitors, made.scale, made.repeats) == ("twin", ["dpid+bicubic", "area"], 2, 5)
    assert made.showings == 2 * (6 * 2 + 5)
    drawn = {question.picture for question in made.questions}
    assert [sum(name.startswith(album) for name in drawn) for album in ("one", "two")] == [3, 3]
    with pytest.raises(OutputExistsError, match="study: already exists"):
        study("make", "one", *options)


def test_what_the_methods_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture is what the commands of the same names make."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Image.fromarray(pattern(24, 32)).save("folder/a.png")
    study("make", "folder", "-m", "twin", "-a", "twin+bicubic", "-a", "dpid+best", "--task", "restored", "-s", "2")
    run = CliRunner().invoke
    for command in (
        "shrink folder/a.png -o small.png",
        "restore small.png -o twin.png",
        "shrink folder/a.png -m dpid -o dpid.png",
        "upscale -m best dpid.png -o best.png",
    ):
        assert run(app, command.split()).exit_code == 0
    with_partner, with_bicubic, with_best = (
        Image.open(f"study/pictures/{name}.png")
        for question in Study.load(Path("study")).questions
        for name in ([question.subject_variant] if question.competitor == "twin+bicubic" else [])
        + [question.competitor_variant]
    )
    assert with_partner.tobytes() == Image.open("twin.png").tobytes()
    assert with_best.tobytes() == Image.open("best.png").tobytes()
    assert with_bicubic.size == (32, 24)
    assert with_bicubic.tobytes() != with_partner.tobytes()


def test_what_the_shell_offers() -> None:
    assert offered("study", "make", "Set1") == ["<dir>", "Set14"]
    for option in ("-m", "--against"):
        assert offered("study", "make", "Set14", option, "d")[:2] == ["<dir>", "dpid"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-m", "twin", "-a", "twin+fast"],
            "twin and another method make the same small pictures",
        ),
        (["-m", "dpid", "-a", "area", "-a", "area"], "'area' is named twice"),
        (["-m", "fast", "-a", "area"], "fast-x4 only enlarges"),
        (["-m", "twin", "-a", "area", "-s", "16"], "no model of 'twin' is for scale 16"),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, arguments: list[str], message: str) -> None:
    Image.fromarray(pattern(24, 32)).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match=message):
        study("make", tmp_path, *arguments, "-o", tmp_path / "study")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]


def test_results_as_a_table(answers: Path) -> None:
    assert [" ".join(line.split()) for line in study("results", answers).splitlines()] == [
        "restored pictures, x2: 3 of 5 people count (1 inconsistent, 1 unfinished); 2 pictures",
        "against ours is better both are equal the other is better",
        "theirs 100% (100 to 100%) 0% (0 to 0%) 0% (0 to 0%)",
        "another 0% (0 to 0%) 100% (100 to 100%) 0% (0 to 0%)",
        "small pictures, x2: 3 of 5 people count (1 inconsistent, 1 unfinished); 2 pictures",
        "against ours is better both are equal the other is better",
        "theirs 100% (100 to 100%) 0% (0 to 0%) 0% (0 to 0%)",
        "another 0% (0 to 0%) 100% (100 to 100%) 0% (0 to 0%)",
    ]


def test_results_as_json(answers: Path) -> None:
    report = json.loads(study("results", answers, "--json"))
    assert (report["subject"], report["scale"], list(report["tasks"])) == ("ours", 2, ["restored", "small"])
    for task in report["tasks"].values():
        assert {name: task[name] for name in ("pictures", "valid", "inconsistent", "unfinished")} == {
            **{"pictures": 2, "valid": 3},
            **{"inconsistent": 1, "unfinished": 1},
        }
        certain, never = ({"mean": share, "low": share, "high": share} for share in (1, 0))
        assert task["shares"] == {
            "theirs": {"subject": certain, "equal": never, "competitor": never},
            "another": {"subject": never, "equal": certain, "competitor": never},
        }


def test_results_drawn(answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    assert "people count" in study("results", answers, "-o", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
    for name, message in (("a.pdf", "is not a PNG file"), ("no/a.png", "cannot be written")):
        with pytest.raises(UsageError, match=message):
            study("results", answers, "-o", tmp_path / name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"drawing needs matplotlib: install it with pip install 'twinscale\[train\]'"):
        study("results", answers, "-o", tmp_path / "b.png")


def test_results_without_answers(tmp_path: Path) -> None:
    folder = make(tmp_path)
    with pytest.raises(UsageError, match="nobody has taken part yet: let people in with 'twinscale study serve"):
        study("results", folder)
    assert not (folder / ANSWERS).exists()
    Answers(folder / ANSWERS).enrol(Study.load(folder).plan(random.Random(0)))
    assert study("results", folder).splitlines() == [
        f"{task} pictures, x2: 0 of 1 people count (0 inconsistent, 1 unfinished); 2 pictures"
        for task in ("restored", "small")
    ]
    with pytest.raises(UsageError, match="there is nothing to draw: nobody counts yet"):
        study("results", folder, "-o", tmp_path / "a.png")
    with sqlite3.connect(folder / ANSWERS) as database:
        database.execute("UPDATE showing SET question = 99 WHERE position = 3")
    with pytest.raises(UsageError, match="not of this study"):
        study("results", folder)


def test_serve_until_it_is_interrupted(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    folder = make(tmp_path)
    command = [sys.executable, "-m", "twinscale", "study", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            with urllib.request.urlopen(address, timeout=30) as response:
                page = response.read()
        finally:
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=30)
    assert b"Which one looks better?" in page
    assert (process.returncode, rest, errors) == (0, "", "")


def test_serve_where_another_server_is(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=rf"cannot serve at 127\.0\.0\.1, port {port} \(Address already in use"):
            study("serve", make(tmp_path), "--port", str(port))


def test_serve_needs_its_extra_and_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="is not the folder of a study"):
        study("serve", tmp_path)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(UsageError, match=r"serving needs uvicorn: install it with pip install 'twinscale\[serve\]'"):
        study("serve", tmp_path)
