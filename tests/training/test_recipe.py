import os
from dataclasses import dataclass, fields, replace

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
        ("scale = 2", "scale = 0", "network: scale = 0 must be 1 to 16"),
        ("scale = 2", "scale = 1000000", "network: scale = 1000000 must be 1 to 16"),
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
        ("batch = 4", "batch = 4\ngrey = 0.5", "grey = 0.5 is for networks of colour rgb"),
        ("batch = 4", "batch = 4\ngrey = -0.5", "grey = -0.5 must be a share, from 0 to below 1"),
        ("batch = 4", "batch = 4\nsynthetic = 1.0", "synthetic = 1.0 must be a share, from 0 to below 1"),
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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps = 10", f"steps = {'9' * 1900}", "is not valid TOML: a number has more than 64 bits"),
        ("steps = 10", f"steps = {'[' * 900}{']' * 900}", "is not valid TOML: it is nested more than 10 deep"),
        ("steps = 10", f"steps = 10\n{'a.' * 9000}b = 1", "is not valid TOML: a line has more than 2000 characters"),
        ('name = "mine"', 'name = "mine"\ndescription = "a\\nb"', "must be one line of at most 1000 characters"),
        ('name = "mine"', "name = 1 # " + "much\n# " * 10_000, r"cannot read recipe .* more than 65536 bytes"),
    ],
)
def test_recipes_that_came_from_anywhere(load, old, new, message):
    with pytest.raises(UsageError, match=message) as error:
        load(old, new)
    assert "\n" not in str(error.value)


def test_recipes_that_are_no_text(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"mine\.toml is not valid TOML: 'utf-8' codec can't decode"):
        Recipe.load(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UsageError, match=r"cannot read recipe .*mine\.toml: not an ordinary file"):
        Recipe.load(path)
    for name in ("../recipes/dsn-x2", "", "a\0b", "a" * 300):
        with pytest.raises(UsageError, match="no shipped recipe"):
            Recipe.load(name)


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


# with_settings


def test_single_values_are_set(load):
    recipe = load().with_settings(
        [
            "data.batch=64",
            "optimisation.learning_rate = 5e-4",
            "optimisation.precision=bf16-mixed",
            'data.train=["T91", "a=b"]',
            "network.parameters.width=8",
            "channel.name=jpeg",
            "channel.parameters.quality=50",
            "data.batch=32",
        ]
    )
    expected = load("batch = 4", "batch = 32").data
    assert recipe.data == replace(expected, train=["T91", "a=b"])
    assert recipe.optimisation == replace(load().optimisation, learning_rate=5e-4, precision="bf16-mixed")
    assert recipe.network.parameters == {"width": 8}
    assert recipe.channel == ChannelSpec(name="jpeg", parameters={"quality": 50})
    assert load().with_settings([]) == load()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("data.batc=64", r"^--set data\.batc=64: data: unknown key 'batc'; did you mean 'batch'\?$"),
        ("dat.batch=64", r"unknown key 'dat'; did you mean 'data'\?"),
        ("data.batch=four", r"data: batch = 'four' must be of type int$"),
        ("data.batch=1.5", r"data: batch = 1\.5 must be of type int$"),
        ("data.batch=0", r"^batch = 0 must be at least 1$"),
        ("optimisation.precision=16", r"precision = 16 must be one of 32-true, bf16-mixed$"),
        ("data=1", r"data must be a table, not 1$"),
        *(
            (setting, r"must be TABLE\.KEY=VALUE as in a recipe, such as data\.batch=64$")
            for setting in ("data.batch", "=3", "data.=3", "data.batch.more=3")
        ),
    ],
)
def test_a_wrong_setting_is_one_line(load, setting, message):
    with pytest.raises(UsageError, match=message) as raised:
        load().with_settings([setting])
    assert "\n" not in str(raised.value)
