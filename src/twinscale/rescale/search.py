"""Finding the number at which something begins to hold, in few tries."""

from collections.abc import Callable


def first(holds: Callable[[int], bool], count: int, guess: int | None = None) -> int:
    """Return the least of the numbers below ``count`` for which something holds; ``count`` if it holds for none.

    What holds for a number is taken to hold for larger ones, too. Even where it does not, it holds for the result, and
    does not for the number before it.

    Args:
        holds: is asked about each number once at most; by bisection about ``log2(count)`` numbers.
        count: how many numbers there are, from 0 on.
        guess: where to look first. Twice the logarithm of its error is about how often is asked.
    """
    below, above, step = -1, count, 1
    at = count // 2 if guess is None else min(max(guess, 0), count - 1)
    while above - below > 1:
        if holds(at):
            above, further = at, at - step
        else:
            below, further = at, at + step
        step *= 2
        is_open = guess is not None and (below == -1 or above == count)
        at = min(max(further, below + 1), above - 1) if is_open else (below + above) // 2
    return above
