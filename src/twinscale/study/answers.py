"""The answers of a study's participants, kept in SQLite: each is on the disk before it is acknowledged."""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from twinscale.errors import TwinscaleError, UsageError
from twinscale.study.design import Choice, Showing

ANSWERS = "answers.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS participant (
    id INTEGER PRIMARY KEY,
    token TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS showing (
    participant INTEGER NOT NULL REFERENCES participant,
    position INTEGER NOT NULL,
    question INTEGER NOT NULL,
    swapped INTEGER NOT NULL CHECK (swapped IN (0, 1)),
    choice TEXT CHECK (choice IN ('a', 'equal', 'b')),
    answered_at TEXT,
    PRIMARY KEY (participant, position)
) WITHOUT ROWID;
"""


class UnknownParticipantError(TwinscaleError):
    """A participant whom the study has not enrolled."""


class OutOfTurnError(TwinscaleError):
    """An answer to another question than the participant's next one."""


class Answers:
    """Who takes part in a study, what they are shown, and what they answered.

    Any number of threads and processes may use the same file: each call opens it, and SQLite lets one write at a time.

    Args:
        path: the database; it is made if it is not there.

    Raises:
        UsageError: the file cannot be opened as a database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with closing(self._open()) as database:
                database.execute("PRAGMA journal_mode = WAL")  # the file remembers it
                database.executescript(_TABLES)
        except sqlite3.Error as error:
            raise UsageError(f"{path} cannot hold answers ({error}): check the file, its folder and the disk") from None

    def enrol(self, showings: Sequence[Showing]) -> str:
        """Add a participant.

        Args:
            showings: what they will be shown, in this order.

        Returns:
            The secret by which they are known from now on.
        """
        token = secrets.token_urlsafe(16)
        with self._writing() as database:
            participant = database.execute("INSERT INTO participant (token) VALUES (?)", (token,)).lastrowid
            database.executemany(
                "INSERT INTO showing (participant, position, question, swapped) VALUES (?, ?, ?, ?)",
                ((participant, place, showing.question, showing.swapped) for place, showing in enumerate(showings)),
            )
        return token

    def of(self, token: str) -> list[Showing]:
        """Return what a participant is shown, with the answers given so far.

        Raises:
            UnknownParticipantError: nobody has this token.
        """
        with closing(self._open()) as database:
            return self._showings(database, _participant(database, token))

    def give(self, token: str, position: int, choice: Choice) -> None:
        """Keep an answer; the same answer to the question before is one whose acknowledgement was lost, and is fine.

        Raises:
            UnknownParticipantError: nobody has this token.
            OutOfTurnError: the participant's next question is another one.
        """
        with self._writing() as database:
            participant = _participant(database, token)
            showings = self._showings(database, participant)
            following = answered(showings)
            if position == following - 1 and showings[position].choice == choice:
                return
            if position != following or following == len(showings):
                raise OutOfTurnError(f"question {position} is not the next one: reload the page")
            database.execute(
                "UPDATE showing SET choice = ?, answered_at = CURRENT_TIMESTAMP WHERE participant = ? AND position = ?",
                (choice, participant, position),
            )

    def all(self) -> list[list[Showing]]:
        """Return what every participant was shown and answered, in the order in which they came."""
        with closing(self._open()) as database:
            participants = database.execute("SELECT id FROM participant ORDER BY id").fetchall()
            return [self._showings(database, participant) for (participant,) in participants]

    @staticmethod
    def _showings(database: sqlite3.Connection, participant: int) -> list[Showing]:
        rows = database.execute(
            "SELECT question, swapped, choice FROM showing WHERE participant = ? ORDER BY position", (participant,)
        )
        return [Showing(question, bool(swapped), choice) for question, swapped, choice in rows]

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        database.execute("PRAGMA synchronous = FULL")  # in WAL mode, the default may lose the last answers
        database.execute("PRAGMA foreign_keys = ON")
        return database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that no other writer can come between."""
        with closing(self._open()) as database:
            database.execute("BEGIN IMMEDIATE")
            with database:  # commits, or rolls back after an error
                yield database


def answered(showings: Sequence[Showing]) -> int:
    """Count the answers; since they are given in order, it is also the position of the next question."""
    return sum(showing.choice is not None for showing in showings)


def _participant(database: sqlite3.Connection, token: str) -> int:
    row = database.execute("SELECT id FROM participant WHERE token = ?", (token,)).fetchone()
    if row is None:
        raise UnknownParticipantError("this study does not know the participant: begin anew")
    participant: int = row[0]
    return participant
