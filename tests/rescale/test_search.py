"""The search: against a plain loop, on what rises and on what does not."""

import math

import numpy as np
import pytest

from twinscale.rescale.search import first


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_finds_what_a_plain_loop_finds(count: int) -> None:
    for expected in range(count + 1):
        for guess in (None, 0, count // 3, count - 1, count + 5, -5):
            assert first(lambda number: number >= expected, count, guess) == expected  # noqa: B023 (called at once)


def test_few_numbers_are_asked_about_and_none_twice() -> None:
    for expected in range(101):
        for guess in (None, *range(100)):
            asked: list[int] = []

            def holds(number: int) -> bool:
                asked.append(number)  # noqa: B023 (called at once)
                return number >= expected  # noqa: B023

            first(holds, 100, guess)
            assert len(set(asked)) == len(asked)
            assert all(0 <= number < 100 for number in asked)
            error = 100 if guess is None else abs(expected - guess) + 1
            most = 7 if guess is None else 2 * math.log2(error) + 3
            assert len(asked) <= most


def test_where_it_rises_and_falls_it_still_holds_for_the_result() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        rises = generator.random(50) + np.linspace(0, 2, 50) > 1.5
        for guess in (None, 10, 49):
            found = first(lambda number: bool(rises[number]), 50, guess)  # noqa: B023 (called at once)
            assert found == 50 or rises[found]
            assert found == 0 or not rises[found - 1]
