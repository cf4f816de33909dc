"""The recipes of the reproduction, and the papers' names."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from twinscale.errors import UsageError
from twinscale.papers import PAPERS, find_paper
from twinscale.papers.dsn import _network


def test_every_network_trains_on_the_papers_pictures() -> None:
    for name in ("srcnn", "fsrcnn", "espcn", "vdsr", "upsnet"):
        recipe = _network(name, "dsn-y-x3")
        assert recipe.data.train == ["T91", "BSDS200"]
        assert all(picture.startswith("BSDS200/") for picture in recipe.data.validation)
        assert (recipe.network.scale, recipe.network.colour, recipe.data.reduced_by) == (3, "y", "dsn-y-x3")


def test_items_have_names_of_their_own() -> None:
    for paper in PAPERS.values():
        names = [item.name for item in paper.items]
        assert len(set(names)) == len(names)


def test_unknown_paper() -> None:
    with pytest.raises(UsageError, match="no paper 'dns': use one of dsn"):
        find_paper("dns")
