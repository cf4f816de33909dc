"""The recipes of the reproduction, and the papers' names."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from twinscale.errors import UsageError
from twinscale.papers import PAPERS, find_paper
from twinscale.papers.dsn import _network
from twinscale.training.build import build


def test_networks_that_are_compared_train_on_the_same_crops() -> None:
    for name in ("srcnn", "srcnn-955", "fsrcnn", "espcn", "vdsr", "upsnet"):
        by_bicubic, by_pair = (_network(name, reduced_by) for reduced_by in ("bicubic", "dsn-y-x3"))
        assert by_pair.data.reduced_by == "dsn-y-x3"
        assert replace(by_pair.data, reduced_by="bicubic") == by_bicubic.data
        assert by_bicubic.data.train == ["T91", "BSDS200"]
        assert by_bicubic.data.scales == []
        assert all(picture.startswith("BSDS200/") for picture in by_bicubic.data.validation)
        assert (by_pair.network, by_pair.optimisation) == (by_bicubic.network, by_bicubic.optimisation)
        assert (by_pair.network.scale, by_pair.network.colour) == (3, "y")


def test_the_two_srcnns() -> None:
    early, later = (build(_network(name)) for name in ("srcnn", "srcnn-955"))
    weights = [[parameter.numel() for parameter in each.parameters() if parameter.ndim == 4] for each in (early, later)]
    assert [sum(each) for each in weights] == [8032, 57184]  # as SRCNN's two papers count them, without biases


def test_items_have_names_of_their_own() -> None:
    for paper in PAPERS.values():
        names = [item.name for item in paper.items]
        assert len(set(names)) == len(names)


def test_unknown_paper() -> None:
    with pytest.raises(UsageError, match="no paper 'dns': use one of dsn"):
        find_paper("dns")
