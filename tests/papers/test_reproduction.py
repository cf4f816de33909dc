"""A reproduction trains what is missing, measures it, and computes nothing twice."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("matplotlib")

from tests.models import make_pair  # noqa: E402
from twinscale.drawings import FilterGrid  # noqa: E402
from twinscale.errors import UsageError  # noqa: E402
from twinscale.images.colour import luminance  # noqa: E402
from twinscale.images.metrics import psnr, ssim  # noqa: E402
from twinscale.images.picture import Picture  # noqa: E402
from twinscale.images.resize import imresize  # noqa: E402
from twinscale.papers import reproduction as reproduction_module  # noqa: E402
from twinscale.papers.report import Figure  # noqa: E402
from twinscale.papers.reproduction import Reproduction, multiply_adds  # noqa: E402
from twinscale.training import keeper, loop  # noqa: E402
from twinscale.training.budget import Pace  # noqa: E402
from twinscale.training.build import build  # noqa: E402
from twinscale.training.checkpoint import saved_step  # noqa: E402
from twinscale.training.export import load_weights  # noqa: E402
from twinscale.training.recipe import DataSpec, NetworkSpec, OptimisationSpec, Recipe  # noqa: E402
from twinscale.training.rescaler import as_trained  # noqa: E402
from twinscale.zoo import load_card  # noqa: E402


@pytest.fixture
def pictures(tmp_path):
    """Six pictures of smooth random shapes, 39 x 30 pixels."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(6):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
        coarse.resize((39, 30), Image.Resampling.BICUBIC).save(folder / f"p{i}.png")
    return folder


@pytest.fixture
def recipe(pictures):
    return Recipe(
        name="tiny",
        network=NetworkSpec(architecture="srcnn", scale=3, colour="y", parameters={"init": "identity"}),
        data=DataSpec(train=[str(pictures)], crop=24, batch=2),
        optimisation=OptimisationSpec(steps=6, loss="l2", validate_every=3),
    )


@pytest.fixture
def trainings(monkeypatch):
    """Names of the recipes that were trained, in order."""
    names: list[str] = []
    original = reproduction_module.train

    def spy(recipe, *arguments, **options):
        names.append(recipe.name)
        return original(recipe, *arguments, **options)

    monkeypatch.setattr(reproduction_module, "train", spy)
    return names


def full_reproduction(folder, **options):
    return Reproduction(folder, "tiny", minutes=None, sets=[], **options)


def test_trains_once_and_keeps_the_result(recipe, trainings, tmp_path):
    said: list[str] = []
    made = full_reproduction(tmp_path, notify=said.append).trained(recipe)
    assert said == ["training tiny, 6 steps"]
    assert made.steps == 6
    assert [step for step, _ in made.curve] == [3, 6]
    assert made.validation_psnr_y == pytest.approx(max(psnr for _, psnr in made.curve), abs=1e-4)
    assert full_reproduction(tmp_path).trained(recipe) == made  # from the file, by another reproduction
    assert trainings == ["tiny"]


@pytest.mark.parametrize(
    "changed",
    [
        lambda recipe: replace(recipe, seed=1),
        lambda recipe: replace(recipe, data=replace(recipe.data, reduced_by="bilinear")),
        lambda recipe: replace(recipe, optimisation=replace(recipe.optimisation, learning_rate=1e-4)),
        lambda recipe: replace(recipe, optimisation=replace(recipe.optimisation, steps=7)),
    ],
)
def test_whatever_decides_the_weights_trains_again(recipe, trainings, tmp_path, changed):
    full_reproduction(tmp_path).trained(recipe)
    full_reproduction(tmp_path).trained(changed(recipe))
    assert trainings == ["tiny", "tiny"]


def test_a_longer_budget_trains_again_and_a_shorter_one_does_not(recipe, trainings, tmp_path):
    full_reproduction(tmp_path).trained(recipe)
    path = tmp_path / "papers" / "tiny.json"
    kept = json.loads(path.read_text())
    kept["networks"]["tiny"]["minutes"] = 60.0
    path.write_text(json.dumps(kept))
    long = replace(recipe, optimisation=replace(recipe.optimisation, steps=10**9))
    assert Reproduction(tmp_path, "tiny", minutes=60.1, sets=[]).trained(long).minutes == 60
    assert trainings == ["tiny"]
    kept["networks"]["tiny"]["minutes"] = 1e-6
    path.write_text(json.dumps(kept))
    Reproduction(tmp_path, "tiny", minutes=0.01, sets=[]).trained(long)
    assert trainings == ["tiny", "tiny"]


def test_networks_that_are_compared_take_equally_many_steps(recipe, trainings, tmp_path):
    long = replace(recipe, optimisation=replace(recipe.optimisation, steps=10**9))
    other = replace(long, name="other", data=replace(long.data, reduced_by="nearest"))
    first = Reproduction(tmp_path, "tiny", minutes=0.02, sets=[]).trained(long)
    second = Reproduction(tmp_path, "tiny", minutes=0.02, sets=[]).trained(other)
    assert first.steps == second.steps
    assert len(second.curve) >= 10
    Reproduction(tmp_path, "tiny", minutes=0.02, sets=[]).trained(other)
    assert trainings == ["tiny", "other"]


def test_networks_of_different_sizes_share_a_timing_if_told_to(recipe, trainings, tmp_path):
    long = replace(recipe, optimisation=replace(recipe.optimisation, steps=10**9))
    small, other = (
        replace(long, name=name, network=replace(long.network, parameters={"filters": [4, 2]}))
        for name in ("small", "other")
    )
    reproduction = Reproduction(tmp_path, "tiny", minutes=0.02, sets=[])

    def timings():
        return len(json.loads((tmp_path / "papers" / "tiny.json").read_text())["steps"])

    taken = reproduction.trained(long).steps
    assert timings() == 1
    reproduction.trained(small)
    assert timings() == 2
    reproduction.keep_pace(long, [long, other])
    assert reproduction.trained(other).steps == taken
    assert timings() == 2
    assert trainings == ["tiny", "small", "other"]


def test_a_share_of_the_steps_in_the_time_given(recipe, trainings, tmp_path):
    long = replace(recipe, optimisation=replace(recipe.optimisation, steps=10**9))
    half = replace(long, name="half")
    reproduction = Reproduction(tmp_path, "tiny", minutes=0.02, sets=[])
    reproduction.keep_pace(long, [half], share=0.5)
    taken = reproduction.trained(half).steps
    assert taken == max(1, round(reproduction.trained(long).steps / 2))
    again = Reproduction(tmp_path, "tiny", minutes=0.02, sets=[])
    again.keep_pace(long, [half], share=0.5)
    again.trained(half)
    assert trainings == ["tiny", "half"]


def test_a_network_starts_from_others_that_are_trained_here(recipe, trainings, tmp_path):
    lazy = replace(recipe, optimisation=replace(recipe.optimisation, steps=1, learning_rate=1e-12))
    second, third = (replace(lazy, name=name, seed=1) for name in ("second", "third"))

    def chained():
        reproduction = full_reproduction(tmp_path)
        reproduction.start_from(second, {"": recipe})
        reproduction.start_from(third, {"": second})
        return reproduction

    reproduction = chained()
    ended = reproduction.network(third).state_dict()
    assert trainings == ["tiny", "second", "third"]
    for name, weights in reproduction.network(recipe).state_dict().items():
        torch.testing.assert_close(ended[name], weights, rtol=0, atol=1e-9)
    (run,) = (tmp_path / "runs").glob("third-*")
    assert json.loads((run / "run.json").read_text())["started_from"] == "second"
    assert chained().trained(third).weights == reproduction.trained(third).weights
    assert trainings == ["tiny", "second", "third"]
    changed_results(tmp_path, lambda kept: kept["networks"]["second"].update(weights="others"))
    assert chained()._key(third) != reproduction._key(third)


def test_a_part_starts_from_that_part_of_a_shipped_model(tmp_path):
    recipe = Recipe.load("car-bicubic-x4")
    pair = replace(recipe, network=replace(recipe.network, parameters={**recipe.network.parameters, "offsets": False}))
    reproduction = full_reproduction(tmp_path)
    before = reproduction._key(pair)
    reproduction.start_from(pair, {"down": "car-bicubic-x4"})
    assert reproduction._key(pair) != before
    told = reproduction._start(pair, is_started=False)
    assert told["started_from"] == "car-bicubic-x4"
    network = build(pair)
    assert set(told["initial"]) == {name for name, _ in network.named_parameters() if name.startswith("down.")}
    load = load_weights(load_card("car-bicubic-x4"), build(recipe))
    for name, weights in told["initial"].items():
        torch.testing.assert_close(weights, load[name], rtol=0, atol=0)


def changed_results(folder, change):
    """Change the kept results of a reproduction, as if a clock had run otherwise."""
    path = folder / "papers" / "tiny.json"
    kept = json.loads(path.read_text())
    change(kept)
    path.write_text(json.dumps(kept))


def test_a_network_kept_from_another_budget_sets_the_pace(recipe, trainings, tmp_path):
    long = replace(recipe, optimisation=replace(recipe.optimisation, steps=10**9))
    other = replace(long, name="other", seed=1)
    Reproduction(tmp_path, "tiny", minutes=0.02, sets=[]).trained(long)
    changed_results(tmp_path, lambda kept: kept["networks"]["tiny"].update(steps=11))
    said: list[str] = []
    shorter = Reproduction(tmp_path, "tiny", minutes=0.01, sets=[], notify=said.append)
    assert shorter.trained(long).steps == shorter.trained(other).steps == 11
    assert said == ["training other, 11 steps"]
    assert trainings == ["tiny", "other"]


def test_fewer_steps_than_the_others_take_are_not_enough(recipe, trainings, tmp_path):
    long = replace(recipe, optimisation=replace(recipe.optimisation, steps=10**9))
    Reproduction(tmp_path, "tiny", minutes=0.02, sets=[]).trained(long)

    def slower(kept):
        kept["networks"]["tiny"]["steps"] -= 1
        kept["networks"]["tiny"]["minutes"] = 1.0

    changed_results(tmp_path, slower)
    (run,) = (tmp_path / "runs").iterdir()
    run.rename(tmp_path / "elsewhere")
    again = Reproduction(tmp_path, "tiny", minutes=0.02, sets=[]).trained(long)
    assert list(json.loads((tmp_path / "papers" / "tiny.json").read_text())["steps"].values()) == [again.steps]
    assert trainings == ["tiny", "tiny"]


def test_the_loss_curves_are_kept(recipe, trainings, tmp_path):
    made = full_reproduction(tmp_path).trained(recipe)
    assert [step for step, _ in made.training_loss] == [step for step, _ in made.validation_loss] == [3, 6]
    assert all(0 < loss < 1 for _, loss in made.training_loss + made.validation_loss)
    path = tmp_path / "papers" / "tiny.json"
    kept = json.loads(path.read_text())
    for name in ("training_loss", "validation_loss"):  # as results looked before
        del kept["networks"]["tiny"][name]
    path.write_text(json.dumps(kept))
    assert full_reproduction(tmp_path).trained(recipe) == replace(made, training_loss=[], validation_loss=[])
    assert trainings == ["tiny"]


def same_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_snapshot_is_the_network_after_so_many_steps(recipe, trainings, tmp_path):
    constant = replace(recipe, optimisation=replace(recipe.optimisation, decay="none"))
    reproduction = full_reproduction(tmp_path)
    reproduction.trained(constant, snapshots=[2, 4])
    short = replace(constant, name="short", optimisation=replace(constant.optimisation, steps=2))
    assert same_weights(reproduction.network(constant, at=2), full_reproduction(tmp_path).network(short, at=2))
    assert not same_weights(reproduction.network(constant, at=2), reproduction.network(constant, at=4))
    assert trainings == ["tiny", "short"]
    with pytest.raises(UsageError, match="tiny has no step 7: use one from 1 to 6"):
        reproduction.network(constant, at=7)


def test_a_missing_snapshot_trains_again(recipe, trainings, tmp_path):
    reproduction = full_reproduction(tmp_path)
    before = reproduction.trained(recipe)
    again = reproduction.network(recipe, at=5)
    assert trainings == ["tiny", "tiny"]
    assert same_weights(reproduction.network(recipe, at=5), again)
    assert reproduction.trained(recipe).weights == before.weights
    assert trainings == ["tiny", "tiny"]


def test_a_shortened_run_keeps_its_snapshots_in_proportion(recipe, trainings, tmp_path):
    long = replace(recipe, optimisation=replace(recipe.optimisation, steps=10**6))
    other = replace(long, name="other", seed=1)  # takes the steps that were timed for the first
    for each in (long, other):
        reproduction = Reproduction(tmp_path, "tiny", minutes=0.05, sets=[])
        reproduction.trained(each, snapshots=[500_000, 10**6])
        (run,) = (tmp_path / "runs").glob(f"{each.name}-*")
        steps = Recipe.load(run / "recipe.toml").optimisation.steps  # as intended when it began
        names = {path.name for path in run.glob("step-*")}
        assert names == {f"step-{round(steps / 2)}.safetensors", f"step-{steps}.safetensors"}
        assert not same_weights(reproduction.network(each, at=500_000), reproduction.network(each, at=10**6))
    assert trainings == ["tiny", "other"]


def test_a_missing_snapshot_of_a_run_that_was_timed_again(recipe, trainings, tmp_path):
    long = replace(recipe, optimisation=replace(recipe.optimisation, steps=10**6))
    Reproduction(tmp_path, "tiny", minutes=0.02, sets=[]).trained(long)

    def took_eight(kept):  # not as many as intended
        kept["networks"]["tiny"]["steps"] = 8
        kept["steps"] = dict.fromkeys(kept["steps"], 8)

    changed_results(tmp_path, took_eight)
    reproduction = Reproduction(tmp_path, "tiny", minutes=0.02, sets=[])
    half, whole = (reproduction.network(long, at=at) for at in (500_000, 10**6))
    assert not same_weights(half, whole)
    assert reproduction.taken(long, at=500_000) == 4
    assert trainings == ["tiny"] * 3


def test_steps_taken_by_a_snapshot_are_counted(recipe, trainings, tmp_path, monkeypatch):
    class Hurried(Pace):
        """Finds after two steps that only half as many as intended fit into the time."""

        def keep(self, seconds, validating):
            self._state.stride = 2.0 if self._state.step >= 2 else 1.0

    monkeypatch.setattr(loop, "Pace", Hurried)
    constant = replace(recipe, optimisation=replace(recipe.optimisation, steps=10))
    reproduction = full_reproduction(tmp_path)
    assert reproduction.trained(constant, snapshots=[2, 6, 10]).steps == 6
    assert [reproduction.taken(constant, at=step) for step in (2, 6, 10)] == [2, 4, 6]
    (run,) = (tmp_path / "runs").iterdir()
    assert saved_step(run / "best.safetensors") == json.loads((run / "run.json").read_text())["best_step"]


def test_an_interrupted_training_goes_on(recipe, trainings, tmp_path, monkeypatch):
    unbroken = full_reproduction(tmp_path / "unbroken").trained(recipe)
    validate, calls = keeper.validate, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return validate(*arguments)

    monkeypatch.setattr(keeper, "_CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(keeper, "validate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        full_reproduction(tmp_path / "broken").trained(recipe)
    resumed = full_reproduction(tmp_path / "broken").trained(recipe)
    assert (resumed.weights, resumed.steps, resumed.curve) == (unbroken.weights, 6, unbroken.curve)
    assert len(trainings) == 3


def test_scores_are_those_of_the_network_by_the_protocol(recipe, trainings, pictures, tmp_path):
    reproduction = full_reproduction(tmp_path)
    scores = reproduction.score(recipe, str(pictures), "bilinear")
    network = reproduction.network(recipe)
    with torch.no_grad():
        for parameter in network.parameters():  # as an exported file stores them
            if parameter.numel() >= 32:
                parameter.copy_(parameter.half())
    expected = []
    for path in sorted(pictures.iterdir()):
        truth = luminance(Picture.read(path).planes().astype(np.float64))
        given = imresize(imresize(truth, 1 / 3, kernel="bilinear"), 3)
        with torch.no_grad():
            result = network(torch.from_numpy(given).float().permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
        x, y = (np.floor(np.clip(p, 0, 1) * 255 + 0.5)[3:-3, 3:-3] for p in (truth, result))
        expected.append((psnr(x, y), ssim(x, y)))
    assert (scores.psnr_y, scores.ssim_y) == pytest.approx(np.mean(expected, axis=0), abs=1e-3)
    assert reproduction.score(recipe, str(pictures)) != scores
    assert trainings == ["tiny"]


def test_a_blur_is_for_training_alone(recipe, trainings, tmp_path):
    blurred = replace(recipe, data=replace(recipe.data, blur=1.5))
    truth = np.random.default_rng(0).random((30, 36, 1))
    small = full_reproduction(tmp_path).rescaler(blurred).reduce(truth)
    np.testing.assert_array_equal(small, imresize(truth, 1 / 3).astype(np.float32))


def test_a_pair_is_measured_through_its_own_small_picture(recipe, trainings, pictures, tmp_path):
    spec = NetworkSpec(architecture="dsn", scale=3, colour="y")
    of_pair = replace(recipe, network=spec, optimisation=replace(recipe.optimisation, steps=2, validate_every=2))
    reproduction = full_reproduction(tmp_path)
    scores = reproduction.score(of_pair, str(pictures))
    pair = reproduction.network(of_pair)
    expected = []
    for path in sorted(pictures.iterdir()):
        truth = luminance(Picture.read(path).planes().astype(np.float64))
        with torch.no_grad():
            small = pair.down(torch.from_numpy(truth).float().permute(2, 0, 1)[None])
            result = pair.up((small.clamp(0, 1) * 255).round() / 255)[0].permute(1, 2, 0).numpy()
        x, y = (np.floor(np.clip(p, 0, 1) * 255 + 0.5)[3:-3, 3:-3] for p in (truth, result))
        expected.append(psnr(x, y))
    assert scores.psnr_y == pytest.approx(np.mean(expected), abs=0.02)


def test_the_page_says_whose_recipe_trained_how_long(recipe, trainings, tmp_path):
    reproduction = full_reproduction(tmp_path)
    of_paper = replace(recipe, name="paper-tiny", seed=1)
    ours, theirs = reproduction.budget([recipe, of_paper]).split(" Trained by ")
    assert ours.startswith("Trained by our own recipe: `tiny` 6 steps, 0 min on ")
    assert theirs.startswith("the paper's recipe: `paper-tiny` 6 steps, 0 min on ")
    assert ours.endswith("(the recipe: 6 steps).")
    assert reproduction.is_full
    assert not Reproduction(tmp_path, "tiny", minutes=1.0, sets=[]).is_full


def test_kept_scores_need_no_weights(recipe, trainings, pictures, tmp_path, monkeypatch):
    scores = full_reproduction(tmp_path).score(recipe, str(pictures))
    for folder in (tmp_path / "runs").iterdir():
        folder.rename(tmp_path / "elsewhere")
    monkeypatch.setattr(reproduction_module, "as_shipped", None)  # measuring would fail
    assert full_reproduction(tmp_path).score(recipe, str(pictures)) == scores
    assert trainings == ["tiny"]


def test_new_scores_train_again_where_the_weights_are_gone(recipe, trainings, pictures, tmp_path):
    full_reproduction(tmp_path).score(recipe, str(pictures))
    for folder in (tmp_path / "runs").iterdir():
        folder.rename(tmp_path / "elsewhere")
    full_reproduction(tmp_path).score(recipe, str(pictures), "nearest")
    assert trainings == ["tiny", "tiny"]


def test_a_pair_that_reduces_is_part_of_the_key(recipe, trainings, tmp_path):
    pair = make_pair(tmp_path, 3, "y")
    by_pair = replace(recipe, data=replace(recipe.data, reduced_by=str(pair)))
    full_reproduction(tmp_path).trained(recipe)
    full_reproduction(tmp_path).trained(by_pair)
    full_reproduction(tmp_path).trained(by_pair)
    assert len(trainings) == 2


def test_a_pair_trained_here_makes_the_small_pictures_of_another_network(
    recipe, trainings, pictures, tmp_path, monkeypatch
):
    monkeypatch.setattr(reproduction_module, "as_shipped", as_trained)  # exporting takes seconds
    spec = NetworkSpec(architecture="dsn", scale=3, colour="y")
    pair = replace(recipe, name="pair", network=spec, optimisation=replace(recipe.optimisation, steps=1))

    def on_pair(reproduction):
        return replace(recipe, data=replace(recipe.data, reduced_by=reproduction.small_pictures_of(pair)))

    reproduction = full_reproduction(tmp_path)
    made = reproduction.trained(on_pair(reproduction))
    assert trainings == ["pair", "tiny"]
    (model,) = (tmp_path / "runs").glob("pair-*/models/*")
    (run,) = (tmp_path / "runs").glob("tiny-*")
    assert Recipe.load(run / "recipe.toml").data.reduced_by == str(model.parents[1])
    truth = luminance(Picture.read(next(pictures.iterdir())).planes())
    ours, of_pair = (reproduction.rescaler(each).reduce(truth) for each in (on_pair(reproduction), pair))
    np.testing.assert_allclose(ours, of_pair, atol=1.01 / 255)
    scores = reproduction.score(on_pair(reproduction), str(pictures))

    for folder in (tmp_path / "runs").iterdir():
        folder.rename(tmp_path / f"elsewhere-{folder.name}")
    again = full_reproduction(tmp_path)
    assert again.trained(on_pair(again)) == made  # results need no weights
    assert again.score(on_pair(again), str(pictures)) == scores
    assert trainings == ["pair", "tiny"]

    changed_results(tmp_path, lambda kept: kept["networks"]["pair"].update(weights="others"))
    another = full_reproduction(tmp_path)
    assert another._key(on_pair(another)) != made.key


def test_bicubic_scores_and_other_figures_are_measured_once(pictures, tmp_path, monkeypatch):
    reproduction = full_reproduction(tmp_path)
    scores, expected = reproduction.bicubic(3, str(pictures)), []
    for path in sorted(pictures.iterdir()):
        small = imresize(Picture.read(path).pixels, 1 / 3)
        both = (luminance(each / 255) * 255 for each in (Picture.read(path).pixels, imresize(small, 3)))
        expected.append(psnr(*(each[3:-3, 3:-3] for each in both)))
    assert scores.psnr_y == pytest.approx(np.mean(expected), abs=1e-6)
    assert reproduction.figures("one and two", lambda: [1.0, 2.0]) == [1.0, 2.0]
    monkeypatch.setattr(reproduction_module, "planes_of", None)  # measuring would fail
    again = full_reproduction(tmp_path)
    assert again.bicubic(3, str(pictures)) == scores
    assert again.figures("one and two", list) == [1.0, 2.0]


def test_shown_items_are_kept(tmp_path):
    full_reproduction(tmp_path).keep("one", ["first"])
    assert full_reproduction(tmp_path).keep("two", ["second"]) == {"one": "first", "two": "second"}
    assert full_reproduction(tmp_path).keep("one", ["again"]) == {"one": "again", "two": "second"}


def test_figures_are_drawn_beside_the_page(tmp_path):
    weights = np.random.default_rng(0).standard_normal((9, 5, 5))
    drawing = FilterGrid(weights)
    full_reproduction(tmp_path).keep("fig-5", ["text", Figure("filters.png", "Filters.", drawing)])
    with Image.open(tmp_path / "papers" / "filters.png") as image:
        np.testing.assert_array_equal(np.asarray(image), drawing.pixels())


def test_multiply_adds_are_per_full_size_pixel():
    from twinscale.nets import create

    srcnn, espcn = create("srcnn", scale=3), create("espcn", scale=3)
    assert multiply_adds(srcnn) == 81 * 64 + 64 * 32 + 25 * 32
    assert multiply_adds(espcn) == pytest.approx((25 * 64 + 9 * 64 * 32 + 9 * 32 * 9) / 9)
