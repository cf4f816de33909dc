"""What the answers say: who is consistent, and how often each method is preferred."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinscale.errors import UsageError
from twinscale.study.design import PREFERENCES, Preference, Showing, Study, Task

CONSISTENCY = 0.8
"""The share of repeated questions in which participants must agree with themselves (Öztireli and Gross, 2015)."""

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A mean over participants of how often they gave an answer, 0 to 1, with its 95 percent confidence interval."""

    mean: float
    low: float | None
    """Lower end of the interval; None for a single participant, who has none."""
    high: float | None

    @classmethod
    def of(cls, shares: Sequence[float]) -> "Share":
        """Average the shares of participants; the interval is Student's over them, cut off at 0 and 1.

        It says how far another group of people may differ on the same pictures.
        """
        mean, count = float(np.mean(shares)), len(shares)
        if count == 1:
            return cls(mean, None, None)
        reach = student_t(count - 1) * float(np.std(shares, ddof=1)) / math.sqrt(count)
        return cls(mean, max(0.0, mean - reach), min(1.0, mean + reach))


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The answers to one task. Who finishes it with enough consistency counts, whatever became of the other task."""

    pictures: int
    valid: int
    """Participants who count."""
    inconsistent: int
    """Participants who finished but contradicted themselves too often."""
    unfinished: int
    shares: dict[str, dict[Preference, Share]]
    """By competitor; empty while nobody counts."""


def analyse(study: Study, participants: Sequence[Sequence[Showing]]) -> dict[Task, TaskResult]:
    """Evaluate the answers as section 4.4 of the CAR paper does.

    Each task is evaluated by itself. Of a repeated question the first answer counts; the second only shows consistency.

    Args:
        study: the study.
        participants: what :meth:`twinscale.study.answers.Answers.all` returns.

    Raises:
        UsageError: the answers are to another study.
    """
    shown = {showing.question for showings in participants for showing in showings}
    if strange := shown - set(range(len(study.questions))):
        raise UsageError(f"there are answers to question {min(strange)}, which is not of this study: keep them apart")
    return {task: _of_task(study, task, participants) for task in study.tasks}


def consistency(showings: Sequence[Showing]) -> float:
    """Return the share of repeated questions, all answered, with the same preference both times; 1 without repeats."""
    preferences = defaultdict(list)
    for showing in showings:
        preferences[showing.question].append(showing.preference)
    repeated = [given for given in preferences.values() if len(given) > 1]
    return sum(len(set(given)) == 1 for given in repeated) / len(repeated) if repeated else 1.0


def _of_task(study: Study, task: Task, participants: Sequence[Sequence[Showing]]) -> TaskResult:
    questions = study.of_task(task)
    own = [[showing for showing in showings if showing.question in questions] for showings in participants]
    finished = [showings for showings in own if all(showing.choice is not None for showing in showings)]
    valid = [showings for showings in finished if consistency(showings) >= CONSISTENCY]
    firsts = [{showing.question: showing.preference for showing in reversed(showings)} for showings in valid]
    shares = {}
    for competitor in study.competitors if valid else ():
        asked = [index for index in questions if study.questions[index].competitor == competitor]
        given = [[first[index] for index in asked] for first in firsts]
        shares[competitor] = {
            preference: Share.of([answers.count(preference) / len(asked) for answers in given])
            for preference in PREFERENCES
        }
    return TaskResult(
        pictures=len({study.questions[index].original for index in questions}),
        valid=len(valid),
        inconsistent=len(finished) - len(valid),
        unfinished=len(own) - len(finished),
        shares=shares,
    )


def student_t(freedom: int) -> float:
    """Return the value that Student's t stays within, either side of zero, with 95 percent probability.

    Args:
        freedom: degrees of freedom, at least 1.
    """
    low, high = 0.0, 16.0  # 12.7 for one degree of freedom is the largest
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < CONFIDENCE else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """Return the probability of -t to t (Abramowitz and Stegun, equations 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    term, total, start = (1.0, 0.0, 2) if freedom % 2 == 0 else (math.cos(angle), 0.0, 3)
    for power in range(start, freedom + 1, 2):
        total += term
        term *= math.cos(angle) ** 2 * (power - 1) / power
    total *= math.sin(angle)
    return total if freedom % 2 == 0 else (angle + total) * 2 / math.pi
