"""The store: nothing is lost, nothing is counted twice, whatever happens."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from twinscale.errors import UsageError
from twinscale.study import Answers, Showing
from twinscale.study.answers import OutOfTurnError, UnknownParticipantError

PLAN = [Showing(4, True), Showing(1, False), Showing(4, False)]


def test_answers_are_kept_in_order(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    token = answers.enrol(PLAN)
    assert answers.of(token) == PLAN
    answers.give(token, 0, "b")
    answers.give(token, 1, "equal")
    assert [showing.choice for showing in answers.of(token)] == ["b", "equal", None]
    other = Answers(tmp_path / "a.sqlite")  # as after a restart
    other.give(token, 2, "a")
    given = zip(PLAN, ("b", "equal", "a"), strict=True)
    assert other.all() == [[replace(showing, choice=choice) for showing, choice in given]]


def test_an_answer_is_given_once(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    token = answers.enrol(PLAN)
    answers.give(token, 0, "a")
    answers.give(token, 0, "a")  # the same again, as if the acknowledgement had been lost
    for position, choice in ((0, "b"), (2, "a"), (-1, "a"), (3, "a"), (10**30, "a")):
        with pytest.raises(OutOfTurnError, match=f"question {position} is not the next one"):
            answers.give(token, position, choice)
    answers.give(token, 1, "a")
    answers.give(token, 2, "a")
    with pytest.raises(OutOfTurnError):
        answers.give(token, 3, "a")
    with pytest.raises(OutOfTurnError):
        answers.give(token, 1, "a")  # not the last one any more
    assert [showing.choice for showing in answers.of(token)] == ["a", "a", "a"]


def test_strangers(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    tokens = {answers.enrol(PLAN) for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) > 20 for token in tokens)
    for stranger in ("", "1", "' OR 1=1 --", "\0"):
        with pytest.raises(UnknownParticipantError):
            answers.of(stranger)
        with pytest.raises(UnknownParticipantError):
            answers.give(stranger, 0, "a")


def test_many_people_at_once(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    plan = [Showing(index, False) for index in range(5)]

    def take_part(number: int) -> str:
        token = answers.enrol(plan)
        for position in range(5):
            answers.give(token, position, "ab"[(number >> position) & 1])  # type: ignore[arg-type]
        return token

    with ThreadPoolExecutor(12) as pool:
        tokens = list(pool.map(take_part, range(12)))
    assert len(answers.all()) == 12
    for number, token in enumerate(tokens):
        given = "".join(showing.choice or "" for showing in answers.of(token))
        assert given == "".join("ab"[(number >> position) & 1] for position in range(5))


def test_of_answers_that_race_one_wins(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    token = answers.enrol(PLAN)

    def give(choice: str) -> str | None:
        try:
            answers.give(token, 0, choice)  # type: ignore[arg-type]
        except OutOfTurnError:
            return None
        return choice

    with ThreadPoolExecutor(8) as pool:
        won = {choice for choice in pool.map(give, ["a", "b", "equal"] * 4) if choice}
    assert len(won) == 1
    assert [showing.choice for showing in answers.of(token)] == [won.pop(), None, None]


def test_an_answer_survives_a_process_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom twinscale.study import Answers, Showing\n"
        "answers = Answers(Path(sys.argv[1]))\n"
        "answers.give(answers.enrol([Showing(3, True)]), 0, 'b')\n"
        "os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "a.sqlite"
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -9
    assert Answers(path).all() == [[Showing(3, True, "b")]]


def test_the_database_refuses_what_the_code_should_not_let_through(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    token = answers.enrol(PLAN)
    with pytest.raises(sqlite3.IntegrityError):
        answers.give(token, 0, "c")  # type: ignore[arg-type]
    assert answers.of(token) == PLAN  # and the transaction is undone
    with sqlite3.connect(tmp_path / "a.sqlite") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"something else" * 100)
    for path in (tmp_path / "a.sqlite", tmp_path, tmp_path / "nowhere" / "a.sqlite"):
        with pytest.raises(UsageError, match="cannot hold answers"):
            Answers(path)
