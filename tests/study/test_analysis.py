"""The analysis: shares and intervals against hand and SciPy, and participants whose preference is known."""

import random
from dataclasses import replace

import numpy as np
import pytest

from tests.study.participants import answered, by_preference
from tests.study.test_design import PAPER, question
from twinscale.study import Share, Showing, Study, TaskResult, analyse
from twinscale.study.analysis import consistency, student_t


def test_student_t_is_that_of_the_tables() -> None:
    tables = {1: 12.706, 2: 4.303, 5: 2.571, 10: 2.228, 19: 2.093, 30: 2.042, 33: 2.035, 120: 1.980}
    assert {freedom: round(student_t(freedom), 3) for freedom in tables} == tables


def test_student_t_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom in range(1, 60):
        assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)


def test_a_share_and_its_interval_by_hand() -> None:
    # mean 0.5, standard deviation 0.2, of 4: 0.5 ± 3.182 * 0.2 / 2
    share = Share.of([0.5 - 0.1 * 3**0.5, 0.5 - 0.1 * 3**0.5, 0.5 + 0.1 * 3**0.5, 0.5 + 0.1 * 3**0.5])
    assert share.mean == pytest.approx(0.5)
    assert (share.low, share.high) == (pytest.approx(0.1818, abs=1e-4), pytest.approx(0.8182, abs=1e-4))


def test_the_interval_is_scipys_and_stays_within_0_and_1() -> None:
    stats = pytest.importorskip("scipy.stats")
    shares = np.random.default_rng(0).binomial(20, 0.6, 33) / 20
    low, high = stats.t.interval(0.95, 32, loc=shares.mean(), scale=stats.sem(shares))
    share = Share.of(shares.tolist())
    assert (share.mean, share.low, share.high) == pytest.approx((shares.mean(), low, high))
    assert Share.of([1.0, 0.9]) == Share(0.95, pytest.approx(0.95 - 12.7062 * 0.05, abs=1e-4), 1.0)
    assert Share.of([0.3]) == Share(0.3, None, None)
    assert Share.of([1.0, 1.0, 1.0]) == Share(1.0, 1.0, 1.0)


def test_shares_by_hand() -> None:
    """Two people, three pictures, one competitor; question 1 comes twice."""
    study = Study("ours", ["theirs"], 2, 1, [question("small", picture, "theirs") for picture in range(3)])
    one = [Showing(0, False, "a"), Showing(1, True, "a"), Showing(1, False, "b"), Showing(2, True, "b")]
    two = [Showing(2, False, "equal"), Showing(1, False, "a"), Showing(0, True, "a"), Showing(1, True, "b")]
    # one: subject, competitor (twice), subject; two: equal, subject (twice), competitor
    third = pytest.approx(1 / 3)
    assert analyse(study, [one, two]) == {
        "small": TaskResult(
            pictures=3,
            valid=2,
            inconsistent=0,
            unfinished=0,
            shares={
                "theirs": {
                    "subject": Share(pytest.approx(1 / 2), 0.0, 1.0),
                    "equal": Share(pytest.approx(1 / 6), 0.0, 1.0),
                    "competitor": Share(third, third, third),
                }
            },
        )
    }


def test_of_a_repeated_question_the_first_answer_counts() -> None:
    study = Study("ours", ["theirs"], 2, 5, [question("small", picture, "theirs") for picture in range(5)])
    twice = [Showing(index, swapped, "b" if swapped else "a") for swapped in (False, True) for index in range(5)]
    changed = [*twice[:-1], replace(twice[-1], choice="equal")]
    assert consistency(twice) == 1
    assert consistency(changed) == 0.8  # just enough
    (result,) = analyse(study, [changed]).values()
    assert (result.valid, result.shares["theirs"]["subject"].mean) == (1, 1)
    (reversed_result,) = analyse(study, [changed[::-1]]).values()
    assert reversed_result.shares["theirs"]["subject"].mean == 0.8
    assert reversed_result.shares["theirs"]["equal"].mean == 0.2


def test_consistency_counts_preferences_not_sides() -> None:
    same_side = [Showing(0, False, "a"), Showing(0, True, "a")]
    same_method = [Showing(0, False, "a"), Showing(0, True, "b")]
    assert (consistency(same_side), consistency(same_method)) == (0, 1)
    assert consistency([Showing(0, False, "a"), Showing(1, True, "a")]) == 1  # nothing is repeated


def test_people_of_known_preference_and_those_who_do_not_look() -> None:
    """One prefers the subject to two of its four competitors, one is often indifferent; the others just click."""
    chance = random.Random(7)
    fan = by_preference(PAPER, lambda asked: "competitor" if asked.competitor in ("dpid", "l0") else "subject")
    neutral = by_preference(PAPER, lambda asked: "equal" if asked.task == "small" else "subject")
    clickers = [lambda _: "a", lambda _: "b", lambda _: chance.choice(["a", "equal", "b"])]
    people = [answered(PAPER.plan(chance), choose) for choose in (fan, neutral, *clickers)]
    halfway = people[1][:100] + [replace(showing, choice=None) for showing in people[1][100:]]
    results = analyse(PAPER, [*people, halfway, PAPER.plan(chance)])
    first = PAPER.questions[people[1][0].question].task  # the one that halfway has finished

    for task, result in results.items():
        assert (result.pictures, result.valid, result.inconsistent) == (20, 3 if task == first else 2, 3)
        assert result.unfinished == (1 if task == first else 2)
        neutrals = result.valid - 1
        for competitor, shares in result.shares.items():
            fans = {"subject": competitor in ("bicubic", "perceptual"), "competitor": competitor in ("dpid", "l0")}
            others = "equal" if task == "small" else "subject"
            for preference, share in shares.items():
                expected = fans.get(preference, 0) + neutrals * (preference == others)
                assert share.mean == pytest.approx(expected / result.valid)
            assert sum(share.mean for share in shares.values()) == pytest.approx(1)


def test_random_clickers_are_found_out() -> None:
    """Who chooses one of three at random agrees with themselves in 8 of 10 with a probability of 0.3 percent."""
    chance = random.Random(7)
    people = [answered(PAPER.plan(chance), lambda _: chance.choice(["a", "equal", "b"])) for _ in range(30)]
    assert sum(result.inconsistent for result in analyse(PAPER, people).values()) >= 57  # of 60


def test_nobody_counts() -> None:
    chance = random.Random(7)
    (result, _) = analyse(PAPER, [PAPER.plan(chance)]).values()
    assert result == TaskResult(pictures=20, valid=0, inconsistent=0, unfinished=1, shares={})
