"""A paper as its items, and the page that holds what they show."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from twinscale.images.files import write_atomically
from twinscale.papers.report import Block
from twinscale.papers.reproduction import Reproduction


@dataclass(frozen=True, slots=True)
class Item:
    """One table or figure of a paper."""

    name: str
    title: str
    make: Callable[[Reproduction], Iterator[Block]]
    """Trains and measures what is missing, and yields what the page shows."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper and those of its items that are reproduced."""

    name: str
    citation: str
    introduction: str
    """Protocol and data that all items share."""
    items: list[Item] = field(default_factory=list)


def write_page(path: Path, paper: Paper, command: str, sections: Mapping[str, str]) -> None:
    """Write the Markdown page of a paper.

    Args:
        path: the page.
        paper: the paper.
        command: how readers can make it again.
        sections: Markdown of the items, by name; items that are missing are left out.
    """
    lines = [f"# {paper.citation}", f"Made by `{command}`. {paper.introduction}"]
    for item in paper.items:
        if item.name in sections:
            lines += [f"## {item.title}", sections[item.name]]
    write_atomically(path, ("\n\n".join(lines) + "\n").encode(), overwrite=True)
