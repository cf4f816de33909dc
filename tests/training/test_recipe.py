from dataclasses import dataclass, fields

import pytest

from twinscale.datasets import catalogue
from twinscale.errors import UsageError
from twinscale.training.recipe import ChannelSpec, DataSpec, Recipe, shipped_recipes

MINIMAL = """
name = "mine"
[network]
architecture = "dsn"
scale = 2
colour = "y"
[data]
train = ["T91"]
crop = 32
batch = 4
[optimisation]
steps = 10
"""


@pytest.fixture
def load(tmp_path):
    """Loads a recipe after replacing one piece of the minimal one's text."""

    def load(old="", new=""):
        assert old in MINIMAL
        path = tmp_path / "mine.toml"
        path.write_text(MINIMAL.replace(old, new, 1))
        return Recipe.load(path)

    return load


def test_minimal_recipe_has_documented_defaults(load):
    recipe = load()
    assert recipe.data.augment == "all"
    assert recipe.data.validation == []
    assert recipe.optimisation.loss == "l1"
    assert recipe.optimisation.precision == "32-true"


def test_defaults_of_how_small_pictures_are_made_and_judged(load):
    recipe = load()
    assert (recipe.data.reduced_by, recipe.data.enlarged_by) == ("bicubic", "bicubic")
    assert recipe.data.scales == []
    assert recipe.optimisation.optimiser == "adam"
    assert recipe.optimisation.fidelity == 0


def test_keys_of_how_small_pictures_are_made_and_judged(load):
    data = load("batch = 4", 'batch = 4\nreduced_by = "dsn-y-x2"\nenlarged_by = "nearest"\nscales = [2, 3, 4]').data
    assert (data.reduced_by, data.enlarged_by, data.scales) == ("dsn-y-x2", "nearest", [2, 3, 4])
    optimisation = load("steps = 10", 'steps = 10\noptimiser = "muon"\nfidelity = 1').optimisation
    assert (optimisation.optimiser, optimisation.fidelity) == ("muon", 1.0)
    assert isinstance(optimisation.fidelity, float)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("batch = 4", 'batch = 4\nreduced_by = "nearest"'),
        ("batch = 4", 'batch = 4\nenlarged_by = "nearest"'),
        ("batch = 4", "batch = 4\nscales = [2]"),
        ("batch = 4", "batch = 4\nreduced_first = 2"),
        ("steps = 10", 'steps = 10\nfrozen = ["repair"]'),
        ("steps = 10", "steps = 10\nfidelity = 0.5"),
        ("steps = 10", 'steps = 10\noptimiser = "muon"'),
    ],
)
def test_they_decide_what_a_run_makes(load, tmp_path, old, new):
    recipe = load(old, new)
    assert recipe.digest() != load().digest()
    (tmp_path / "again.toml").write_text(recipe.dumps())
    assert Recipe.load(tmp_path / "again.toml") == recipe


def test_a_channel_is_named_or_left_out(load, tmp_path):
    assert load().channel is None
    assert "channel" not in load().dumps()
    recipe = load("[data]", '[channel]\nname = "none"\n[data]')
    assert recipe.channel == ChannelSpec(name="none")
    assert recipe.digest() != load().digest()
    (tmp_path / "again.toml").write_text(recipe.dumps())
    assert Recipe.load(tmp_path / "again.toml") == recipe


def test_integer_is_taken_for_a_float(load):
    rate = load("steps = 10", "steps = 10\nlearning_rate = 1").optimisation.learning_rate
    assert rate == 1.0
    assert isinstance(rate, float)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "steps = 10",
            "steps = 10\nlearning_rat = 1.0",
            "unknown key 'learning_rat'; did you mean 'learning_rate'?",
        ),
        ("steps = 10", "steps = 10\nzzz = 1", "unknown key 'zzz'; known keys are steps, loss"),
        ("[data]", "[dat]", "unknown key 'dat'; did you mean 'data'?"),
        ('name = "mine"', "", "missing key 'name'"),
        ("crop = 32", "", "data: missing key 'crop'"),
        ("crop = 32", "crop = 32.0", "crop = 32.0 must be of type int"),
        ("crop = 32", "crop = true", "crop = True must be of type int"),
        ("steps = 10", "steps = 10\nema = true", "ema = True must be of type float"),
        ("steps = 10", 'steps = "10"', "steps = '10' must be of type int"),
        ('["T91"]', '"T91"', "train = 'T91' must be of type list"),
        ('["T91"]', '["T91", 3]', "must hold only str values"),
        ('colour = "y"', 'colour = "Y"', "colour = 'Y' must be one of y, rgb"),
        ("steps = 10", 'steps = 10\nloss = "l3"', "loss = 'l3' must be one of l1, l2, charbonnier"),
        ("steps = 10", "steps = ", "is not valid TOML"),
        ("crop = 32", "crop = 0", "crop = 0 must be at least 1"),
        ("crop = 32", "crop = -32", "crop = -32 must be at least 1"),
        ("batch = 4", "batch = 0", "batch = 0 must be at least 1"),
        ("batch = 4", "batch = 4\nreduced_first = 0", "reduced_first = 0 must be at least 1"),
        ("steps = 10", "steps = 0", "steps = 0 must be at least 1"),
        ("steps = 10", "steps = 10\nvalidate_every = 0", "validate_every = 0 must be at least 1"),
        (
            "batch = 4",
            'batch = 4\nenlarged_by = "box"',
            "enlarged_by = 'box' must be one of nearest, bilinear, bicubic",
        ),
        ("batch = 4", "batch = 4\nreduced_by = 2", "reduced_by = 2 must be of type str"),
        ("batch = 4", "batch = 4\nscales = 2", "scales = 2 must be of type list"),
        ("batch = 4", "batch = 4\nqualities = 75", "qualities = 75 must be of type list"),
        ("batch = 4", "batch = 4\nqualities = [75]", r"qualities = \[75\] must be the lowest and the highest"),
        ("batch = 4", "batch = 4\nqualities = [90, 10]", "must be the lowest and the highest, from 1 to 100"),
        ("batch = 4", "batch = 4\nqualities = [0, 90]", "must be the lowest and the highest, from 1 to 100"),
        ("batch = 4", "batch = 4\nqualities = [10, 101]", "must be the lowest and the highest, from 1 to 100"),
        ("batch = 4", 'batch = 4\nsubsampling = "4:1:1"', "subsampling = '4:1:1' must be one of 4:2:0, 4:2:2"),
        ("batch = 4", 'batch = 4\nscales = [2, "3"]', "must hold only int values"),
        ("steps = 10", 'steps = 10\noptimiser = "moun"', "optimiser = 'moun' must be one of adam, muon, sgd"),
        ("steps = 10", 'steps = 10\nfidelity = "much"', "fidelity = 'much' must be of type float"),
        ("steps = 10", "steps = 10\ncolour_fidelity = 0.5", "colour_fidelity = 0.5 is for networks of colour rgb"),
        ("[data]", '[channel]\nnam = "none"\n[data]', "channel: unknown key 'nam'; did you mean 'name'?"),
        ("[data]", "[channel]\nname = 8\n[data]", "channel: name = 8 must be of type str"),
    ],
)
def test_strict(load, old, new, message):
    with pytest.raises(UsageError, match=message.replace("?", r"\?")) as error:
        load(old, new)
    assert "\n" not in str(error.value)


def test_table_must_be_a_table(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nnetwork = 1\ndata = 2\noptimisation = 3\n')
    with pytest.raises(UsageError, match="network must be a table, not 1"):
        Recipe.load(path)


def test_unknown_recipes_are_named():
    with pytest.raises(UsageError, match=r"no shipped recipe 'dsn-x5': use one of .*dsn-x2, dsn-x3.* or the path"):
        Recipe.load("dsn-x5")
    with pytest.raises(UsageError, match=r"cannot read recipe nowhere\.toml: No such file"):
        Recipe.load("nowhere.toml")


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipe(name, tmp_path):
    recipe = Recipe.load(name)
    assert recipe.name == name
    # What is written with a run is the same recipe.
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.dumps())
    assert Recipe.load(path) == recipe
    assert Recipe.load(path).digest() == recipe.digest()


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipe_validates_on_named_training_pictures(name):
    data = Recipe.load(name).data
    sets = {dataset.name: dataset for dataset in catalogue()}
    tested = {picture.stem for dataset in sets.values() if dataset.kind == "test" for picture in dataset.pictures}
    assert len(data.validation) == len(set(data.validation)) == 10
    for source in data.train:
        assert sets[source].kind == "train"
        assert tested.isdisjoint(picture.stem for picture in sets[source].pictures)
    for picture in data.validation:
        source, _, stem = picture.partition("/")
        assert source in data.train
        assert stem in {picture.stem for picture in sets[source].pictures}


def test_digest_stays_when_recipes_get_more_keys(load):
    @dataclass(frozen=True, kw_only=True)
    class Later(Recipe):
        added: str = "nothing"

    recipe = load()
    said = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    assert Later(**said).digest() == recipe.digest()
    assert Later(**said, added="something").digest() != recipe.digest()


def test_digest_follows_every_value(load):
    assert load().digest() != load("crop = 32", "crop = 34").digest()
    assert load().digest() == load("steps = 10", 'steps = 10\nloss = "l1"').digest()


def test_scales_of_nothing_are_refused():
    with pytest.raises(UsageError, match="scales = 0 must be at least 1"):
        DataSpec(train=["a"], crop=8, batch=1, scales=[2, 0])
