"""The models that are shipped, and which one serves when none is named."""

import math
import os
import shutil
from pathlib import Path

import pytest

from tests.models import make_jpeg, make_pair
from twinscale.engine import Operation, Runtime
from twinscale.errors import ModelError, UsageError
from twinscale.rescale.channel import create_channel
from twinscale.zoo import (
    DEFAULT_FAMILIES,
    Card,
    catalogue,
    families,
    find_card,
    list_models,
    load_card,
    model_names,
    resolve,
    scales,
)

# The papers' PSNR in dB on Set5: Dong et al. 2014, Table 1; Cai et al., Table 4.


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue with two tiny models instead of the shipped ones."""
    monkeypatch.setattr(catalogue, "_SHIPPED", tmp_path)
    make_pair(tmp_path, 2, "rgb", name="twin-x2")
    make_pair(tmp_path, 3, "y", name="lonely-x3")
    (tmp_path / "no-card").mkdir()
    return tmp_path


def test_names_are_sorted_and_have_cards(shelf: Path) -> None:
    assert model_names() == ["lonely-x3", "twin-x2"]


def test_by_name_and_by_folder(shelf: Path) -> None:
    assert load_card("twin-x2").name == "twin-x2"
    assert load_card(shelf / "twin-x2") == load_card(str(shelf / "twin-x2")) == load_card("twin-x2")


def test_unknown_name_suggests_the_nearest(shelf: Path) -> None:
    with pytest.raises(ModelError, match=r"no model 'twin-x3', and no folder of that name: did you mean 'twin-x2'\?"):
        load_card("twin-x3")
    with pytest.raises(ModelError, match="'twinscale models list' shows the names"):
        load_card("something quite different")
    with pytest.raises(ModelError, match="holds no model"):
        load_card(shelf / "no-card")


def test_names_that_no_folder_can_have(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a" * 300, "a\0b", "a/" * 3000, "\n"):
        with pytest.raises(ModelError, match="and no folder of that name"):
            load_card(name)
    monkeypatch.setenv("TWINSCALE_MODELS", f"{'a' * 300}{os.pathsep}{'a/' * 3000}")
    assert [card.name for card in list_models()] == ["lonely-x3", "twin-x2"]


def test_a_card_that_is_no_file(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_pair(tmp_path / "own", 2, "rgb", name="piped")
    (folder / "card.toml").unlink()
    os.mkfifo(folder / "card.toml")
    with pytest.raises(ModelError, match=r"card\.toml \(not an ordinary file\)"):
        load_card(folder)
    monkeypatch.setenv("TWINSCALE_MODELS", str(folder.parent))
    with pytest.raises(ModelError, match=r"card\.toml \(not an ordinary file\)"):
        list_models()


@pytest.fixture
def relatives(shelf: Path) -> Path:
    """The same catalogue where ``twin`` is a family of two, with a model whose name looks like a family's."""
    for name in ("twin-x4", "twin-y-x2", "lonely"):
        shutil.copytree(shelf / "twin-x2", shelf / name)
    return shelf


def test_families_are_names_without_their_scale(relatives: Path) -> None:
    make_jpeg(relatives, 1, name="twin-x1")  # it only repairs, so no scale chooses it
    assert families() == {"lonely": [3], "twin": [2, 4], "twin-y": [2]}
    assert load_card("twin").name == "twin-x2"


@pytest.mark.parametrize(
    ("scale", "name"), [(None, "twin-x2"), (1.01, "twin-x2"), (2, "twin-x2"), (2.001, "twin-x4"), (4, "twin-x4")]
)
def test_a_family_serves_a_scale_by_the_next_larger_one(scale: float | None, name: str, relatives: Path) -> None:
    assert resolve("twin", scale) == name
    assert load_card("twin", scale).folder.name == name


@pytest.mark.parametrize("scale", [1, 0.5, -3, 4.01, 10**400, math.nan])
def test_scales_beyond_a_family(scale: float, relatives: Path) -> None:
    expected = rf"no model of 'twin' is for scale {scale}: it must be above 1 and at most 4.*twin-x2, twin-x4"
    with pytest.raises(UsageError, match=expected):
        load_card("twin", scale)


def test_models_go_before_families_and_families_before_folders(
    relatives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resolve("lonely", 3) == "lonely"
    assert resolve("twin-x2", 4) == "twin-x2"
    own = tmp_path / "mine" / "twin"
    shutil.copytree(relatives / "twin-x2", own)
    monkeypatch.chdir(own.parent)
    assert load_card("twin").folder == relatives / "twin-x2"
    assert load_card("./twin").folder == Path("./twin")
    assert resolve("elsewhere/twin", 4) == "elsewhere/twin"


def test_unknown_name_suggests_the_nearest_family(relatives: Path) -> None:
    with pytest.raises(ModelError, match=r"no model 'tvin'.* did you mean 'twin'\?"):
        load_card("tvin", 3)


@pytest.mark.parametrize("kind", ["pair", "upscaler"])
def test_defaults_are_shipped_and_openly_licensed(kind: str) -> None:
    family = DEFAULT_FAMILIES[kind]
    assert families()[family] == [2, 3, 4]
    for scale in families()[family]:
        card = load_card(family, scale)
        assert (card.kind, card.scale) == (kind, scale)
        assert "openly licensed" in card.licence


@pytest.mark.parametrize("name", model_names())
def test_shipped_card_is_complete(name: str) -> None:
    card = load_card(name)
    assert card.name == name
    assert card.kind in ("pair", "upscaler")
    assert card.colour in ("y", "rgb")
    assert card.input in ("small", "interpolated")
    assert card.scale in ((1, 2, 3, 4) if card.conditions == "jpeg" and card.kind == "upscaler" else (2, 3, 4))
    assert card.licence.startswith("Apache-2.0")
    assert card.description
    assert (card.down is not None) == (card.kind == "pair")
    assert card.training["data"]
    assert card.training["validation"]
    assert card.training["runs"]
    for run in card.training["runs"]:
        assert run["steps"] > 0
        assert run["minutes"] > 0
        assert run["machine"]
        assert run["validation_psnr_y"] > 20
        assert len(run["recipe_sha256"]) == 64


@pytest.mark.parametrize("name", model_names())
def test_shipped_files_match_their_card(name: str) -> None:
    card = load_card(name)
    for key, part in (("up", card.up), ("down", card.down)):
        if part is not None:
            Operation.of(Runtime(1).load(card.read(part), name=f"{name}/{key}"))
            assert part.file == f"{key}.onnx"
            fixed = key == "up" and card.parameters.get("upscaler") == "bicubic"
            assert fixed or part.parameters > 1000
            assert fixed or part.multiply_adds > 100
            assert part.radius > 0
            assert part.multiple_of % (card.scale if key == "down" else 1) == 0
    listed = {part.file for part in (card.up, card.down) if part is not None}
    assert {path.name for path in card.folder.iterdir()} == listed | {"card.toml"}


@pytest.mark.parametrize("name", model_names())
def test_shipped_card_fits_the_network(name: str) -> None:
    pytest.importorskip("torch")
    from twinscale.nets import Pair, create
    from twinscale.training.export import load_weights

    card = load_card(name)
    parameters = {"scale": card.scale, "channels": 1 if card.colour == "y" else 3, **card.parameters}
    if card.kind == "pair":
        parameters["channel"] = create_channel(card.channel, card.channel_parameters)
    made = create(card.architecture, **parameters)
    made.load_state_dict(load_weights(card, made))
    parts = [(made.up, card.up), (made.down, card.down)] if isinstance(made, Pair) else [(made, card.up)]
    for network, part in parts:
        assert part is not None
        assert part.parameters == sum(p.numel() for p in network.parameters())
        assert (part.radius, part.multiple_of) == (network.radius, network.multiple_of)


def test_every_shipped_folder_loads_from_its_path() -> None:
    for name in model_names():
        assert Card.load(load_card(name).folder).name == name


def test_a_run_or_a_folder_of_one_model_stands_for_it(shelf: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "mine"
    shutil.copytree(shelf / "twin-x2", run / "models" / "mine")
    for folder in (run, run / "models", tmp_path / "runs"):
        assert load_card(folder).folder == run / "models" / "mine"
    shutil.copytree(shelf / "twin-x2", run / "models" / "copy")
    assert load_card(run).digest == load_card(shelf / "twin-x2").digest  # the same weights
    shutil.copytree(shelf / "lonely-x3", run / "models" / "other")
    with pytest.raises(ModelError, match=r"runs/mine may be any of .*models/copy, .*models/mine, .*models/other: name"):
        load_card(run)


def test_own_models_are_listed_and_found_by_name(
    relatives: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path_factory.mktemp("own")
    made = make_pair(own, 3, "y", name="mine")
    shipped = ["lonely-x3", *["twin-x2"] * 4]  # copies keep the names on their cards
    assert sorted(card.name for card in list_models()) == shipped
    with pytest.raises(ModelError, match="no model 'mine'"):
        load_card("mine")
    monkeypatch.setenv("TWINSCALE_MODELS", str(own))
    assert load_card("mine").folder == made
    assert [card.name for card in list_models()][-1] == "mine"
    assert [card.scale for card in list_models("pair", scale=3)].count(3) == len(list_models(scale=3))
    assert list_models("upscaler") == []
    assert find_card("mine", load_card("mine").digest).folder == made
    assert find_card("mine", "0" * 64) is None
    assert find_card(str(made), load_card("mine").digest) is None
    with pytest.raises(ModelError, match=r"no model 'mein'.* did you mean 'mine'\?"):
        load_card("mein")


def test_several_own_models_of_one_name(
    shelf: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    make_pair(one, 2, "rgb", name="mine")
    make_pair(two, 3, "y", name="mine")
    monkeypatch.setenv("TWINSCALE_MODELS", f"{one}{os.pathsep}{two}")
    with pytest.raises(ModelError, match="mine may be any of"):
        load_card("mine")
    digest = load_card(two / "mine").digest
    assert find_card("mine", digest).folder == two / "mine"


@pytest.mark.parametrize(("name", "expected"), [("twin", [2, 4]), ("twin-x4", [2]), ("lonely", [2])])
def test_scales(name: str, expected: list[int], relatives: Path) -> None:
    assert scales(name) == expected  # the copies named twin-x4 and lonely have the card of twin-x2
