"""The page of a paper."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from twinscale.papers.paper import Item, Paper, write_page


def test_page_holds_what_was_made_in_the_papers_order(tmp_path: Path) -> None:
    items = [Item(name, name.upper(), lambda reproduction: iter(())) for name in ("one", "two", "three")]
    paper = Paper("p", "Somebody", "Said so.", items)
    write_page(tmp_path / "p.md", paper, "make it", {"three": "3", "one": "1"})
    assert (
        tmp_path / "p.md"
    ).read_text() == "# Somebody\n\nMade by `make it`. Said so.\n\n## ONE\n\n1\n\n## THREE\n\n3\n"
