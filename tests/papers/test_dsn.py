"""The published tables, against what the paper says about them elsewhere."""

import statistics

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from twinscale.errors import UsageError
from twinscale.papers import PAPERS, find_paper
from twinscale.papers.dsn import KERNELS, TABLE_1, TABLE_1_AVERAGE, TABLE_3, TABLE_4, _network
from twinscale.training.export import published_figures


def test_averages_of_table_1() -> None:
    # The paper's third average, 30.70, is not the mean of its row, 30.65.
    for trained, average in TABLE_1_AVERAGE.items():
        assert statistics.mean(TABLE_1[trained].values()) == pytest.approx(average, abs=0.051)


def test_table_1_is_best_on_its_diagonal() -> None:
    for tested in KERNELS:
        assert max(KERNELS, key=lambda trained: TABLE_1[trained][tested]) == tested


def test_tables_3_and_4_agree_where_they_overlap() -> None:
    for dataset, row in TABLE_3.items():
        assert row["co-trained"] == TABLE_4[dataset][3]["DSN"][0]
        assert row["vdsr"][0] == TABLE_4[dataset][3]["VDSR"][0]


def test_cards_carry_table_4() -> None:
    for scale in (2, 3, 4):
        for family in ("dsn", "twin"):
            card = published_figures(f"{family}-y-x{scale}")
            for dataset, row in TABLE_4.items():
                assert card[dataset] == list(row[scale]["DSN"])


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
