"""The design of a study: what each participant sees, and the manifest that keeps it."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from twinscale.errors import UsageError
from twinscale.study import Question, Showing, Study


def question(task: Any, picture: int, competitor: str) -> Question:
    return Question(task, f"set/{picture}.png", competitor, *(f"{picture:015x}{digit}" for digit in range(3)))


QUESTIONS = [
    question(task, picture, competitor)
    for task in ("restored", "small")
    for picture in range(20)
    for competitor in ("bicubic", "perceptual", "dpid", "l0")
]
PAPER = Study("car", ["bicubic", "perceptual", "dpid", "l0"], 4, 10, QUESTIONS)


def test_the_paper_asks_80_questions_of_each_task_and_10_of_them_twice() -> None:
    assert PAPER.tasks == ["restored", "small"]
    assert PAPER.showings == 2 * 90
    for seed in range(5):
        plan = PAPER.plan(random.Random(seed))
        assert len(plan) == 180
        first, second = ({QUESTIONS[showing.question].task for showing in part} for part in (plan[:90], plan[90:]))
        assert len(first) == len(second) == 1
        assert first != second
        for part in (plan[:90], plan[90:]):
            counts = Counter(showing.question for showing in part)
            assert sorted(counts.values()) == [1] * 70 + [2] * 10


def test_a_repeated_question_has_its_sides_exchanged() -> None:
    plan = PAPER.plan(random.Random(1))
    for index in range(len(QUESTIONS)):
        sides = [showing.swapped for showing in plan if showing.question == index]
        assert sides in ([True], [False], [True, False], [False, True])


def test_order_sides_and_the_first_task_are_random() -> None:
    plans = [PAPER.plan(random.Random(seed)) for seed in range(200)]
    assert len({tuple(showing.question for showing in plan) for plan in plans}) == 200
    assert 70 < sum(QUESTIONS[plan[0].question].task == "small" for plan in plans) < 130  # four standard deviations
    swapped = sum(showing.swapped for plan in plans for showing in plan)
    assert swapped == pytest.approx(200 * 90, abs=4 * (200 * 160 / 4) ** 0.5)
    appeared = [plan[0].question for plan in plans]
    assert len(set(appeared)) > 80  # of 160


def test_small_studies_repeat_at_most_every_question() -> None:
    study = Study("ours", ["theirs"], 2, 10, [question("small", 0, "theirs"), question("small", 1, "theirs")])
    plan = study.plan(random.Random(0))
    assert study.showings == len(plan) == 4
    assert {(showing.question, showing.swapped) for showing in plan} == {(0, False), (0, True), (1, False), (1, True)}


def test_what_a_choice_means() -> None:
    assert Showing(0, False, "a").preference == Showing(0, True, "b").preference == "subject"
    assert Showing(0, True, "a").preference == Showing(0, False, "b").preference == "competitor"
    assert Showing(0, True, "equal").preference == "equal"
    assert Showing(0, True).preference is None


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    PAPER.save(tmp_path)
    assert Study.load(tmp_path) == PAPER


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": 1}, "scale = 1 must be 2 to 16"),
        ({"repeats": "ten"}, "repeats = 'ten' must be of type int"),
        ({"title": "x"}, "unknown key 'title'"),
        ({"questions": []}, "it has no questions"),
        ({"questions": None}, "it has no list of questions"),
        ({"questions": [1]}, "a question is not a table"),
        ({"competitors": ["bicubic"]}, "it does not list 'dpid' as a competitor"),
        ({"questions": [{"task": "small"}]}, "question 0: missing key 'picture'"),
        ({"original": "../../etc/passwd"}, "original = '../../etc/passwd' must be sixteen hexadecimal digits"),
        ({"task": "large"}, "task = 'large' must be one of restored, small"),
    ],
)
def test_damaged_manifests(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    PAPER.save(tmp_path)
    path = tmp_path / "study.json"
    manifest = json.loads(path.read_text())
    (manifest if set(change) <= {*manifest, "title"} else manifest["questions"][3]).update(change)
    path.write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=message):
        Study.load(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "\udc80"])
def test_manifests_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.json").write_text(text, errors="surrogateescape")
    with pytest.raises(UsageError, match=r"study\.json is damaged"):
        Study.load(tmp_path)


def test_a_folder_without_a_study(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the folder of a study: make one with"):
        Study.load(tmp_path)
