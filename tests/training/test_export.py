import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file

from tests.models import make_upscaler, onnx_bytes
from tests.training.conftest import untrained_run
from tests.training.tiny import Normalised
from twinscale.datasets.sets import named
from twinscale.engine import Operation, Runtime
from twinscale.engine import run as run_in_tiles
from twinscale.errors import ModelError, UsageError
from twinscale.images.resize import imresize
from twinscale.nets.dsn import DownSNet, UpSNet
from twinscale.nets.espcn import ESPCN
from twinscale.nets.layers.collapsed import collapsed
from twinscale.nets.srcnn import SRCNN
from twinscale.rescale import load
from twinscale.training.build import build
from twinscale.training.export import (
    count_activation_bytes,
    count_multiply_adds,
    export_run,
    load_weights,
    starting_weights,
    to_onnx,
)
from twinscale.training.history import gain_per_hour, read_rows
from twinscale.training.loop import train
from twinscale.training.recipe import ChannelSpec, Recipe
from twinscale.training.rescaler import in_torch
from twinscale.training.runs import BEST
from twinscale.zoo import Card, load_card, model_names

pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Where the pair that :func:`pair` exports lies."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def pair(recipe, models, tmp_path_factory):
    """The run and the card of a trained luminance DSN x2."""
    run = models / "run"
    if not run.exists():
        train(recipe(), run, accelerator="cpu")
        export_run(run, models, name="tiny")
    return run, Card.load(models / "tiny")


@pytest.fixture
def srcnn(recipe, tmp_path):
    """The run and the card of an SRCNN 9-1-5 x3 for RGB."""
    made = recipe(architecture="srcnn", scale=3, colour="rgb", parameters={"init": "msra"}, name="enlarger")
    run = untrained_run(tmp_path / "run", made)
    return run, export_run(run, tmp_path / "models")


@pytest.fixture
def quick_export(monkeypatch):
    """Every network becomes the same file, for tests of what else an export does."""
    data = onnx_bytes("srcnn", 2, 1)
    monkeypatch.setattr("twinscale.training.export.to_onnx", lambda network: data)


def halved(weights):
    """Weights as a model file stores them: float16, except the small tensors."""
    return {name: t if t.numel() < 32 else t.half().float() for name, t in weights.items()}


def test_networks_for_another_enlargement_are_refused(recipe, tmp_path):
    made = recipe(architecture="srcnn", scale=3, enlarged_by="nearest")
    run = untrained_run(tmp_path / "run", made)
    with pytest.raises(UsageError, match="was trained on enlarged_by = 'nearest', but models enlarge bicubically"):
        export_run(run, tmp_path / "models")
    assert not (tmp_path / "models").exists()


# Counts


def conv(kernel, channels, filters):
    """Multiply-adds per output pixel, which are also the weights."""
    return kernel**2 * channels * filters


@pytest.mark.parametrize("channels", [1, 3])
def test_multiply_adds_of_srcnn(channels):
    counted = count_multiply_adds(SRCNN(3, channels))
    convolutions = conv(9, channels, 64) + conv(1, 64, 32) + conv(5, 32, channels)
    assert counted == convolutions


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_multiply_adds_of_dsn(scale, channels):
    down = conv(3, channels, 64) + 2 * conv(3, 64, 64) + conv(scale, 64, channels) / scale**2
    assert count_multiply_adds(DownSNet(scale, channels)) == down
    dense = sum(conv(1, 64 * i, 64) + conv(3, 64, 64) for i in (1, 2, 3))
    up = conv(3, channels, 64) + dense + conv(1, 256, channels * scale**2)
    assert count_multiply_adds(UpSNet(scale, channels)) == up


def test_counts_on_the_card_are_per_full_size_pixel(pair, srcnn):
    _, card = pair
    assert card.down.multiply_adds == conv(3, 1, 64) + 2 * conv(3, 64, 64) + 64
    assert card.up.multiply_adds == count_multiply_adds(UpSNet(2, 1)) / 4
    biases = 3 * 64 + 1
    assert card.down.parameters == conv(3, 1, 64) + 2 * conv(3, 64, 64) + conv(2, 64, 1) + biases
    _, card = srcnn
    assert card.up.multiply_adds == conv(9, 3, 64) + conv(1, 64, 32) + conv(5, 32, 3)
    assert card.up.parameters == conv(9, 3, 64) + conv(1, 64, 32) + conv(5, 32, 3) + 64 + 32 + 3


# The card and the files


def test_card(pair, folder):
    run, card = pair
    assert (card.name, card.kind, card.architecture) == ("tiny", "pair", "dsn")
    assert (card.scale, card.colour, card.input) == (2, "y", "small")
    assert (card.down.radius, card.down.multiple_of) == (3, 2)
    assert (card.up.radius, card.up.multiple_of) == (4, 1)
    assert card.licence == "whatever the owner of the training pictures allows"
    (entry,) = card.training["runs"]
    assert entry.pop("gain_per_hour") == round(gain_per_hour(read_rows(run)), 3)
    summary = json.loads((run / "run.json").read_text())
    of_the_run = ("name", "looks", "data", "planned_steps", "started", "finished")
    assert entry == {key: value for key, value in summary.items() if key not in of_the_run}
    assert card.looks == summary["looks"]
    assert card.looks.keys() == {"fidelity", "total_variation", "high_frequencies"}
    assert card.training["data"] == [str(folder)]
    assert card.training["validation"] == Recipe.load(run / "recipe.toml").data.validation


def test_card_of_a_network_on_interpolated_input(srcnn):
    _, card = srcnn
    assert (card.kind, card.input, card.down) == ("upscaler", "interpolated", None)
    assert card.looks == {}
    assert card.parameters == {"init": "msra"}
    assert card.up.radius == 6


@pytest.mark.parametrize("part", ["down", "up"])
def test_onnx_computes_what_torch_computes(pair, part):
    run, card = pair
    network = build(Recipe.load(run / "recipe.toml")).eval()
    network.load_state_dict(halved(load_file(run / BEST)))
    planes = np.random.default_rng(0).random((18, 26, 1), dtype=np.float32)
    result = Operation.of(Runtime().load(card.read(getattr(card, part)), name=part))(planes)
    with torch.no_grad():
        expected = getattr(network, part)(torch.from_numpy(planes).permute(2, 0, 1)[None])
    np.testing.assert_allclose(result, expected[0].permute(1, 2, 0), atol=1e-5)


def test_exported_model_serves(pair):
    _, card = pair
    planes = np.random.default_rng(0).random((20, 24, 1), dtype=np.float32)
    model = load(card.folder)
    assert model.enlargement(model.reduction(planes)).shape == planes.shape


def test_weights_come_back(pair, srcnn):
    for run, card in (pair, srcnn):
        network = build(Recipe.load(run / "recipe.toml"))
        expected = halved(load_file(run / BEST))
        weights = load_weights(card, network)
        assert weights.keys() == expected.keys()
        for name, tensor in expected.items():
            assert weights[name].dtype == torch.float32
            assert torch.equal(weights[name], tensor), name


def test_running_statistics_come_back():
    network = Normalised()
    network.normalise.running_mean.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    card = SimpleNamespace(name="normalised", down=None, up="up", read=lambda part: to_onnx(network))
    weights = load_weights(card, Normalised())
    expected = halved(network.state_dict())
    del expected["normalise.num_batches_tracked"]
    assert weights.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights.items())


def test_where_one_half_of_a_pair_fits_it_comes_back(pair, recipe):
    run, card = pair
    twin = build(recipe(architecture="twin"))
    weights = load_weights(card, twin)
    assert weights.keys() == {f"up.{name}" for name in twin.up.state_dict()}
    expected = halved(load_file(run / BEST))
    for name, tensor in weights.items():
        assert torch.equal(tensor, expected[name]), name
    found = twin.load_state_dict(weights, strict=False)
    assert set(found.missing_keys) == {f"down.{name}" for name in twin.down.state_dict()}
    assert not found.unexpected_keys


def test_training_starts_from_halves_of_several_models(pair, recipe, tmp_path):
    _, card = pair
    made = recipe(architecture="twin", name="twin")
    twin = export_run(untrained_run(tmp_path / "twin", made), tmp_path / "models")
    network = build(made)
    weights, whose = starting_weights([str(twin.folder), str(card.folder)], network)
    assert whose == f"twin {twin.digest[:12]}; tiny {card.digest[:12]}, up only"
    expected = load_weights(twin, network) | load_weights(card, network)
    assert weights.keys() == expected.keys() == network.state_dict().keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"colour": "rgb"}, r"down\.features\.0\.weight"),
        ({"architecture": "twin", "colour": "rgb"}, r"down\.head\.weight"),
        ({"architecture": "twin", "scale": 4}, r"down\.head\.weight"),
        ({"architecture": "espcn"}, r"features\.0\.weight"),
    ],
)
def test_weights_of_another_network_are_refused(pair, recipe, changes, at):
    _, card = pair
    with pytest.raises(ModelError, match=rf"tiny does not fit the recipe's network at {at}: start without it"):
        load_weights(card, build(recipe(**changes)))


def test_lean_grows_from_a_smaller_model_and_not_from_a_larger_one(recipe, tmp_path):
    small, large = {"width": 4, "blocks": 1}, {"width": 6, "blocks": 2}
    made = recipe(architecture="lean", colour="rgb", parameters=small, name="small")
    card = export_run(untrained_run(tmp_path / "run", made), tmp_path / "models")
    grown = build(recipe(architecture="lean", colour="rgb", parameters=large))
    grown.load_state_dict(load_weights(card, grown))
    trained = build(made)
    trained.load_state_dict(halved(load_file(tmp_path / "run" / BEST)))
    low = torch.rand(1, 3, 6, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(grown(low), trained(low), rtol=0, atol=1e-5)

    made = recipe(architecture="lean", colour="rgb", parameters=large, name="large")
    card = export_run(untrained_run(tmp_path / "run-large", made), tmp_path / "models")
    with pytest.raises(ModelError, match=r"model run-large does not fit .* at .* not fit into .*: start without it"):
        load_weights(card, trained)


@pytest.mark.parametrize("architecture", ["sesr", "span"])
def test_networks_that_train_as_chains_are_exported_plain(architecture, recipe, tmp_path):
    made = recipe(architecture=architecture, colour="rgb", name="plain")
    card = export_run(untrained_run(tmp_path / "run", made), tmp_path / "models")
    network = build(made)
    network.load_state_dict(load_file(tmp_path / "run" / BEST))
    plain = collapsed(network.eval())
    assert card.up.parameters == sum(p.numel() for p in plain.parameters())
    assert card.up.multiply_adds == count_multiply_adds(plain) / 4
    planes = np.random.default_rng(0).random((9, 11, 3), dtype=np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(planes).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    exported = Operation.of(Runtime(1).load(card.read(card.up), name="plain"))
    np.testing.assert_allclose(exported(planes), expected, rtol=0, atol=5e-3)  # weights are halves


def test_one_network_is_no_half_of_a_pair(recipe, tmp_path):
    card = Card.load(make_upscaler(tmp_path, 2, "y"))
    with pytest.raises(ModelError, match=r"srcnn-y-x2 does not fit .* at down\.features\.0\.weight: start without it"):
        load_weights(card, build(recipe()))


def test_files_hold_weights_as_halves_and_nothing_of_this_machine(pair, srcnn):
    _, card = pair
    for part in (card.down, card.up):
        data = card.read(part)
        assert len(data) < 2.5 * part.parameters + 20_000
    for data in (card.read(card.down), card.read(card.up), srcnn[1].read(srcnn[1].up)):
        traces = [str(Path.home()), sys.prefix, "site-packages", ".py", "Traceback", "/src/", "torch/"]
        assert not [trace for trace in traces if trace.encode() in data]


def test_a_card_says_through_what_the_small_picture_goes(recipe, tmp_path):
    for name, spec in (("8-bit", None), ("none", ChannelSpec(name="none"))):
        made = recipe(name=f"pair-{name}", channel=spec)
        card = export_run(untrained_run(tmp_path / name, made), tmp_path / "models")
        assert Card.load(card.folder).channel == name


@pytest.mark.parametrize(("architecture", "mirrored"), [("dsn", False), ("twin", True)])
def test_a_pair_sees_at_the_border_what_it_learned_with(recipe, tmp_path, architecture, mirrored):
    made = recipe(architecture=architecture, scale=2, colour="rgb")
    run = untrained_run(tmp_path / "run", made)
    card = export_run(run, tmp_path / "models")
    assert Card.load(card.folder).mirrored == mirrored
    model, network = load(card), build(made)
    network.load_state_dict(halved(load_file(run / BEST)))
    planes = np.random.default_rng(0).random((20, 24, 3), dtype=np.float32)
    for operation, part, given in (
        (model.reduction, network.down, planes),
        (model.enlargement, network.up, planes[:10, :12]),
    ):
        expected = in_torch(part.eval(), mirrored=mirrored)(given)
        served = run_in_tiles(operation, given, tile=8)
        np.testing.assert_allclose(served, np.clip(expected, 0, 1), rtol=0, atol=1e-4)
        assert np.abs(in_torch(part, mirrored=not mirrored)(given) - expected).max() > 1e-3


@pytest.mark.parametrize("scale", [1, 2])
def test_a_network_that_is_told_says_so_and_serves(recipe, tmp_path, scale):
    parameters = {"width": 6, "blocks": 1, "conditions": 3}
    made = recipe(architecture="lean", scale=scale, colour="rgb", parameters=parameters)
    run = untrained_run(tmp_path / "run", made)
    card = export_run(run, tmp_path / "models")
    assert Card.load(card.folder).conditions == "jpeg"
    network = build(made)
    network.load_state_dict(load_file(run / BEST))
    told = np.float32([0.3, 0.4, 0.75])
    planes = np.random.default_rng(0).random((12, 10, 3), dtype=np.float32)
    given = np.concatenate((planes, np.broadcast_to(told, (12, 10, 3))), axis=2)
    expected = in_torch(network.half().float().eval())(given)
    served = replace(load(card).enlargement_told(told.tolist()), mirrored=False)
    np.testing.assert_allclose(served(planes), expected, rtol=0, atol=1e-4)


def test_a_network_that_looks_at_the_whole_picture_says_so(recipe, tmp_path, monkeypatch):
    initialise = ESPCN.__init__

    def whole(network, scale, channels):
        initialise(network, scale, channels)
        network.radius = math.inf

    monkeypatch.setattr(ESPCN, "__init__", whole)
    card = export_run(untrained_run(tmp_path / "run", recipe(architecture="espcn")), tmp_path / "models")
    assert Card.load(card.folder).up.radius == math.inf


# Replacing a model


def exported_again(folder, recipe, psnr, models, **looks):
    return export_run(untrained_run(folder, recipe, psnr, **looks), models, name="tiny")


def test_only_a_better_run_replaces_a_model(recipe, tmp_path):
    made, models = recipe(validation=["a/b"]), tmp_path / "models"
    exported_again(tmp_path / "1", made, 30.0, models)
    files = {path.name: path.read_bytes() for path in (models / "tiny").iterdir()}
    assert files.keys() == {"card.toml", "down.onnx", "up.onnx"}

    for psnr in (29.0, 30.0):
        with pytest.raises(UsageError, match=r"does not beat the 30\.0 dB of .*: train longer"):
            exported_again(tmp_path / f"worse-{psnr}", recipe(validation=["a/b"], seed=1), psnr, models)
        assert {path.name: path.read_bytes() for path in (models / "tiny").iterdir()} == files

    card = exported_again(tmp_path / "2", recipe(validation=["a/b"], seed=1), 31.0, models)
    assert [run["validation_psnr_y"] for run in card.training["runs"]] == [31.0]
    assert card.read(card.up) != files["up.onnx"]
    with pytest.raises(UsageError, match=r"does not beat the 31\.0 dB"):
        exported_again(tmp_path / "between", made, 30.5, models)


@pytest.mark.usefixtures("quick_export")
def test_a_run_within_the_colour_bound_replaces_a_model_that_is_not_and_never_the_other_way(recipe, tmp_path):
    made, models = recipe(validation=["a/b"], colour="rgb", colour_bound=7.5), tmp_path / "models"
    exported_again(tmp_path / "unknown", made, 41.0, models)  # as older cards, which do not say
    exported_again(tmp_path / "false", made, 40.0, models, ciede2000_p99=17.0)
    card = exported_again(tmp_path / "true", made, 36.0, models, ciede2000_p99=6.5)
    assert (card.training["runs"][-1]["validation_psnr_y"], card.looks["ciede2000_p99"]) == (36.0, 6.5)
    expected = r"validation 40\.0 dB \(colours 17, bound 7\.5\) does not beat the 36\.0 dB \(colours 6\.5, bound 7\.5\)"
    with pytest.raises(UsageError, match=expected):
        exported_again(tmp_path / "false again", made, 40.0, models, ciede2000_p99=17.0)


@pytest.mark.usefixtures("quick_export")
def test_what_a_run_exported_itself_is_replaced_and_not_recorded_twice(recipe, tmp_path):
    run = untrained_run(tmp_path / "run", recipe(), 30.0)
    export_run(run, tmp_path / "models")
    (run / "run.json").write_text((run / "run.json").read_text().replace("30.0", "29.0"))
    card = export_run(run, tmp_path / "models", only_better=False)
    assert [entry["validation_psnr_y"] for entry in card.training["runs"]] == [29.0]


@pytest.mark.usefixtures("quick_export")
def test_a_model_has_the_name_of_its_run_and_never_by_itself_that_of_a_shipped_one(recipe, tmp_path, monkeypatch):
    made, models = recipe(name="twin-x2"), tmp_path / "models"
    run = untrained_run(tmp_path / "mine", made)
    card = export_run(run, models)
    assert (card.name, card.folder) == ("mine", models / "mine")
    monkeypatch.chdir(run)
    assert export_run(Path(), models, only_better=False).name == "mine"
    assert export_run(untrained_run(tmp_path / "twin-x2", made), models).name == "my-twin-x2"
    assert export_run(run, models, name="twin-x2").name == "twin-x2"
    with pytest.raises(UsageError, match=r"a model cannot be called '\.\./up': give a plain name, without folders"):
        export_run(run, models, name="../up")
    assert sorted(path.name for path in models.iterdir()) == ["mine", "my-twin-x2", "twin-x2"]


def test_scores_on_other_pictures_are_not_compared(recipe, tmp_path):
    models = tmp_path / "models"
    exported_again(tmp_path / "1", recipe(validation=["a/b"]), 30.0, models)
    card = exported_again(tmp_path / "2", recipe(validation=["c/d"]), 25.0, models)
    assert [run["validation_psnr_y"] for run in card.training["runs"]] == [25.0]
    with pytest.raises(UsageError, match=r"does not beat the 25\.0 dB"):
        exported_again(tmp_path / "3", recipe(validation=["c/d"], seed=1), 24.0, models)


@pytest.mark.usefixtures("quick_export")
def test_scores_through_another_channel_are_not_compared(recipe, tmp_path):
    def through(lowest):
        return recipe(channel=ChannelSpec(name="jpeg", parameters={"quality": 75, "lowest": lowest, "highest": 95}))

    models = tmp_path / "models"
    exported_again(tmp_path / "1", through(10), 31.0, models)
    card = exported_again(tmp_path / "2", through(5), 30.0, models)
    assert card.channel_parameters["lowest"] == 5
    with pytest.raises(UsageError, match=r"does not beat the 30\.0 dB"):
        exported_again(tmp_path / "3", through(5), 29.0, models)


@pytest.mark.usefixtures("quick_export")
def test_a_card_records_the_runs_that_its_weights_went_through(recipe, tmp_path):
    models = tmp_path / "models"
    for psnr, started_from in ((30.0, ""), (31.0, "tiny 0123456789ab"), (32.0, "other 0123456789ab, up only")):
        run = untrained_run(tmp_path / str(psnr), recipe(), psnr)
        summary = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**summary, "started_from": started_from}))
        card = export_run(run, models, name="tiny")
    assert [entry["validation_psnr_y"] for entry in card.training["runs"]] == [30.0, 31.0, 32.0]
    card = exported_again(tmp_path / "anew", recipe(), 33.0, models)
    assert [entry["validation_psnr_y"] for entry in card.training["runs"]] == [33.0]


@pytest.mark.parametrize(
    "training", ["runs = 3", "runs = ['good']", "runs = [{}]", "runs = [{validation_psnr_y = []}]"]
)
def test_a_card_that_does_not_say_how_good_its_model_is(recipe, tmp_path, training):
    models = tmp_path / "models"
    card = exported_again(tmp_path / "1", recipe(), 30.0, models).folder / "card.toml"
    before, _, after = card.read_text().partition("[training]")
    card.write_text(f"{before}[training]\n{training}\n[looks]{after.partition('[looks]')[2]}")
    with pytest.raises(ModelError, match="its card does not say how good it is: export under another name"):
        exported_again(tmp_path / "2", recipe(), 31.0, models)


def test_runs_without_fitting_weights(recipe, tmp_path):
    with pytest.raises(UsageError, match=r"holds no best\.safetensors: train first"):
        export_run(tmp_path, tmp_path / "models")
    run = untrained_run(tmp_path / "run", recipe())
    (run / "recipe.toml").write_text(recipe(colour="rgb").dumps())
    with pytest.raises(ModelError, match="does not fit its recipe"):
        export_run(run, tmp_path / "models")
    (run / BEST).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="does not fit its recipe"):
        export_run(run, tmp_path / "models")
    assert not (tmp_path / "models").exists()


@pytest.mark.usefixtures("quick_export")
def test_licence_follows_the_data(recipe, tmp_path):
    made = recipe(train=["OpenPhotos", "CameraPhotos"], name="free")
    card = export_run(untrained_run(tmp_path / "run", made), tmp_path / "models")
    assert "openly licensed" in card.licence
    for sets, words in (
        (["T91", "OpenPhotos"], "research use only"),
        (["holiday"], "owner of the training pictures"),
        (["OpenPhotos", "T91", "./OpenPhotos"], "owner of the training pictures"),
    ):
        made = recipe(train=sets, name=sets[0])
        assert words in export_run(untrained_run(tmp_path / "-".join(sets[:2]), made), tmp_path / "models").licence


@pytest.mark.usefixtures("quick_export")
def test_licences_are_those_of_the_catalogue(recipe, tmp_path, monkeypatch):
    sets = {"OpenPhotos": replace(named("OpenPhotos"), use="research")}
    monkeypatch.setattr("twinscale.training.export.named", sets.get)
    run = untrained_run(tmp_path / "run", recipe(train=["OpenPhotos"]))
    assert "research use only" in export_run(run, tmp_path / "models").licence


def test_activation_bytes_of_a_chain_are_its_two_largest_neighbours() -> None:
    floats, make, shapes = onnx.TensorProto.FLOAT, onnx.helper.make_node, {"a": (10, 3), "b": (4, 10), "c": (12, 4)}
    graph = onnx.helper.make_graph(
        [
            make("Conv", ["input", "a"], ["wide"], pads=[1, 1, 1, 1]),
            make("Relu", ["wide"], ["positive"]),
            make("Conv", ["positive", "b"], ["narrow"], pads=[1, 1, 1, 1]),
            make("Conv", ["narrow", "c"], ["subpixels"], pads=[1, 1, 1, 1]),
            make("DepthToSpace", ["subpixels"], ["output"], blocksize=2),
        ],
        "chain",
        [onnx.helper.make_tensor_value_info("input", floats, [1, 3, "h", "w"])],
        [onnx.helper.make_tensor_value_info("output", floats, [1, 3, "H", "W"])],
        [onnx.numpy_helper.from_array(np.zeros((*s, 3, 3), np.float32), name) for name, s in shapes.items()],
    )
    data = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)]).SerializeToString()
    assert count_activation_bytes(data) == 4 * (12 + 12)


@pytest.mark.parametrize("name", model_names())
def test_shipped_cards_tell_what_their_networks_hold(name: str) -> None:
    card = load_card(name)
    for part in filter(None, (card.up, card.down)):
        assert part.activation_bytes == count_activation_bytes(card.read(part))


def test_a_pair_whose_second_half_has_nothing_to_train(recipe, tmp_path):
    """It is exported like any other, restores by bicubic enlargement, and can be trained further."""
    parameters = {"upscaler": "bicubic", "width": 4, "blocks": 0, "size": 3}
    made = recipe(architecture="car", colour="rgb", parameters=parameters)
    run = untrained_run(tmp_path / "run", made)
    card = export_run(run, tmp_path / "models", name="for-bicubic")
    assert (card.up.parameters, card.up.multiple_of, card.down.multiple_of) == (0, 1, 16)
    assert card.parameters == parameters
    planes = np.random.default_rng(0).random((6, 9, 3), dtype=np.float32)
    enlarged = load(card, Runtime(1)).enlargement(planes)
    np.testing.assert_allclose(enlarged, imresize(planes, 2), rtol=0, atol=1e-5)
    network = build(made)
    missing = network.load_state_dict(load_weights(card, network), strict=False).missing_keys
    assert missing == []
    for name, tensor in load_file(run / BEST).items():
        torch.testing.assert_close(network.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)  # stored in 16 bits
