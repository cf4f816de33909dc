"""What a study asks: its questions, and how each participant meets them."""

import dataclasses
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from twinscale.errors import UsageError
from twinscale.images.files import write_atomically
from twinscale.strict import Between, Matching, from_mapping

MANIFEST = "study.json"
PICTURES = "pictures"

Task = Literal["restored", "small"]
"""What is compared: pictures that were shrunk and brought back, or the small pictures themselves."""

TASKS: tuple[Task, ...] = ("restored", "small")

Choice = Literal["a", "equal", "b"]
"""A participant's answer: A is better, A equals B, B is better."""

CHOICES: tuple[Choice, ...] = ("a", "equal", "b")

Preference = Literal["subject", "equal", "competitor"]
"""What a choice means once it is known which method stood on which side."""

PREFERENCES: tuple[Preference, ...] = ("subject", "equal", "competitor")

PictureFile = Annotated[str, Matching("[0-9a-f]{16}", "sixteen hexadecimal digits")]
"""The stem of a PNG file in the study's folder of pictures; it says nothing about the method."""


@dataclass(frozen=True, slots=True)
class Question:
    """One picture as the subject and one competitor made it, beside the original."""

    task: Task
    picture: str
    """Path of the original when the study was made; for its makers, never shown to participants."""
    competitor: str
    original: PictureFile
    subject_variant: PictureFile
    competitor_variant: PictureFile


@dataclass(frozen=True, slots=True)
class Showing:
    """A question as one participant meets it."""

    question: int
    """Its index among the study's questions."""
    swapped: bool
    """Whether the competitor stands at A and the subject at B."""
    choice: Choice | None = None
    """The answer, once it is given."""

    @property
    def preference(self) -> Preference | None:
        """What was preferred, once it is known."""
        if self.choice in (None, "equal"):
            return self.choice
        return "subject" if (self.choice == "a") != self.swapped else "competitor"


@dataclass(frozen=True, slots=True)
class Study:
    """The design of a study, as its folder keeps it."""

    subject: str
    """The method that is compared with each of the others."""
    competitors: list[str]
    scale: Annotated[int, Between(2, 16)]
    repeats: Annotated[int, Between(0, 1000)]
    """How many questions of each task come twice, to see whether a participant agrees with themselves."""
    questions: list[Question]

    @property
    def tasks(self) -> list[Task]:
        """The tasks that it has questions for."""
        return [task for task in TASKS if any(question.task == task for question in self.questions)]

    def of_task(self, task: Task) -> list[int]:
        """Return the indices of a task's questions."""
        return [index for index, question in enumerate(self.questions) if question.task == task]

    @property
    def showings(self) -> int:
        """How many questions a participant answers, repeats included."""
        return sum(len(self.of_task(task)) + self._repeats(task) for task in self.tasks)

    def plan(self, chance: random.Random) -> list[Showing]:
        """Draw what one participant sees: the tasks in random order, and within each the questions and their sides.

        A repeated question has its sides exchanged, so that whoever always takes the same side never agrees with
        themselves.
        """
        plan = []
        for task in chance.sample(self.tasks, len(self.tasks)):
            asked = [Showing(index, chance.random() < 0.5) for index in self.of_task(task)]
            again = chance.sample(asked, self._repeats(task))
            part = asked + [Showing(showing.question, not showing.swapped) for showing in again]
            chance.shuffle(part)
            plan += part
        return plan

    def _repeats(self, task: Task) -> int:
        return min(self.repeats, len(self.of_task(task)))

    def save(self, folder: Path) -> None:
        """Write the manifest into the study's folder."""
        text = json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)
        write_atomically(folder / MANIFEST, text.encode(), overwrite=False)

    @classmethod
    def load(cls, folder: Path) -> "Study":
        """Read the manifest of a study's folder.

        Raises:
            UsageError: there is none, or it is damaged.
        """
        path = folder / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(f"{folder} is not the folder of a study: make one with 'twinscale study make'") from None
        except ValueError as error:
            raise UsageError(f"{path} is damaged ({error}): make the study again") from None
        if not isinstance(manifest, dict) or not isinstance(manifest.get("questions"), list):
            raise UsageError(f"{path} is damaged (it has no list of questions): make the study again")
        questions = _questions(manifest["questions"], str(path))
        study = from_mapping(cls, manifest | {"questions": []}, str(path))
        unknown = {question.competitor for question in questions} - set(study.competitors)
        if not questions or unknown:
            problem = f"it does not list {min(unknown)!r} as a competitor" if unknown else "it has no questions"
            raise UsageError(f"{path} is damaged ({problem}): make the study again")
        return dataclasses.replace(study, questions=questions)


def _questions(rows: Sequence[Any], path: str) -> list[Question]:
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{path} is damaged (a question is not a table): make the study again")
    return [from_mapping(Question, row, f"{path}: question {index}") for index, row in enumerate(rows)]
