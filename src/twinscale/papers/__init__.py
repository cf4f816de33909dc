"""The papers: how every table and figure of each is made again."""

from twinscale.errors import UsageError
from twinscale.papers import car, compressed_sr, dsn, small_cnns, srcnn
from twinscale.papers.paper import Paper

PAPERS: dict[str, Paper] = {
    "car": car.PAPER,
    "compressed_sr": compressed_sr.PAPER,
    "dsn": dsn.PAPER,
    "small_cnns": small_cnns.PAPER,
    "srcnn": srcnn.PAPER,
}

__all__ = ["PAPERS", "Paper", "find_paper"]


def find_paper(name: str) -> Paper:
    """Find a paper by its name.

    Raises:
        UsageError: there is no such paper.
    """
    if name not in PAPERS:
        raise UsageError(f"no paper {name!r}: use one of {', '.join(PAPERS)}")
    return PAPERS[name]
