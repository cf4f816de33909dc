"""The ONNX backend, against torch."""

import copy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.awkward import pattern
from tests.models import network, onnx_bytes
from twinscale.engine import Operation, Runtime
from twinscale.engine.backends import Loaded, Settings, backends
from twinscale.engine.backends.onnxruntime import BACKEND
from twinscale.engine.network import LoadedNetwork
from twinscale.errors import ModelError, OutOfMemoryError

NETWORKS = [("down", 2, 3), ("up", 2, 3), ("down", 3, 1), ("up", 3, 1), ("srcnn", 2, 1), ("srcnn", 3, 3)]


def in_torch(made, planes: np.ndarray) -> np.ndarray:
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        return made(torch.from_numpy(planes.transpose(2, 0, 1)[None].copy()))[0].numpy().transpose(1, 2, 0)


def rounded(made):
    """The network with weights as the file stores them: float16, except very small ones."""
    made = copy.deepcopy(made)
    for parameter in made.parameters():
        if parameter.numel() >= 32:
            parameter.data = parameter.data.half().float()
    return made


@pytest.mark.parametrize(("kind", "scale", "channels"), NETWORKS)
def test_equals_torch(kind: str, scale: int, channels: int) -> None:
    operation = Operation.of(Runtime(1).load(onnx_bytes(kind, scale, channels), name="test"))
    made = network(kind, scale, channels)
    multiple = made.multiple_of
    for height, width in [(multiple, multiple), (multiple, 12 * multiple), (30, 42)]:  # one export, any size
        planes = pattern(height, width, channels, np.float32)
        result = operation(planes)
        assert result.dtype == np.float32
        assert result.shape == (round(height * made.factor), round(width * made.factor), channels)
        expected = in_torch(made, planes)
        np.testing.assert_allclose(result, in_torch(rounded(made), planes), rtol=0, atol=1e-5)
        assert np.abs(result - expected).max() <= 1e-3 * np.abs(expected).max()


def test_takes_any_memory_layout() -> None:
    operation = Operation.of(Runtime(1).load(onnx_bytes("up", 2, 3), name="test"))
    planes = pattern(20, 30, dtype=np.float32)
    flipped = planes[::-1, ::2]
    np.testing.assert_array_equal(operation(flipped), operation(np.ascontiguousarray(flipped)))


def test_number_of_threads_does_not_matter() -> None:
    planes = pattern(40, 50, dtype=np.float32)
    one, two = (Operation.of(Runtime(n).load(onnx_bytes("up", 2, 3), name="test"))(planes) for n in (1, 2))
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


def test_weights_are_stored_as_float16_under_their_own_names() -> None:
    onnx = pytest.importorskip("onnx")
    made = network("up", 2, 3)
    stored = {tensor.name: tensor for tensor in onnx.load_from_string(onnx_bytes("up", 2, 3)).graph.initializer}
    for name, parameter in made.named_parameters():
        if parameter.numel() >= 32:
            tensor = stored[name + "_float16"]
            assert tensor.data_type == onnx.TensorProto.FLOAT16
        else:
            tensor = stored[name]
        array = onnx.numpy_helper.to_array(tensor).astype(np.float32)
        np.testing.assert_array_equal(array, rounded(made).get_parameter(name).detach().numpy())


def test_file_tells_nothing_about_the_machine() -> None:
    onnx = pytest.importorskip("onnx")
    data = onnx_bytes("up", 2, 3)
    model = onnx.load_from_string(data)
    assert model.producer_name == "twinscale"
    for item in (model, model.graph, *model.graph.node, *model.graph.initializer):
        assert not item.doc_string
        assert not item.metadata_props
    for secret in (sys.prefix, str(Path.home()), str(Path(__file__).parents[2]), "stack_trace"):
        assert secret.encode() not in data or secret == "/"


def damaged(value: float) -> bytes:
    """A network one of whose weights is no number."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(onnx_bytes("srcnn", 2, 1))
    for tensor in model.graph.initializer:
        if tensor.name.startswith("convs.0.weight"):
            array = onnx.numpy_helper.to_array(tensor).copy()
            array.flat[0] = value
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    return model.SerializeToString()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(value: float) -> None:
    operation = Operation.of(Runtime(1).load(damaged(value), name="broken/up.onnx"))
    with pytest.raises(ModelError, match=r"broken/up\.onnx returned NaN or infinity: its weights are damaged"):
        operation(np.zeros((12, 12, 1), np.float32))


def test_pixels_that_are_no_numbers_are_not_blamed_on_the_weights() -> None:
    operation = Operation.of(Runtime(1).load(onnx_bytes("up", 2, 3), name="m/up.onnx"))
    with pytest.raises(ModelError, match=r"m/up\.onnx returned NaN or infinity: it was given some"):
        operation(np.full((8, 9, 3), np.nan, np.float32))


def test_long_reasons_of_a_runtime_are_cut() -> None:
    def fail(batch: np.ndarray) -> np.ndarray:
        raise RuntimeError("this will not do, " * 100)

    network = LoadedNetwork(lambda: Loaded(fail, None), name="m/up.onnx")
    with pytest.raises(ModelError, match=r"^model m/up\.onnx failed on 9x8: this will not do, .{180,200}…$"):
        network(np.zeros((1, 8, 9, 3), np.float32))


@pytest.mark.parametrize(
    ("infer", "kind"),
    [
        (lambda batch: batch.mean(axis=(2, 3)), r"float32 of shape \(1, 3\)"),
        (lambda batch: batch.astype(np.int64), r"int64 of shape \(1, 3, 8, 9\)"),
        (lambda batch: batch.astype(str).astype(object), r"object of shape \(1, 3, 8, 9\)"),
        (lambda batch: [batch, batch], "list"),
        (lambda batch: None, "NoneType"),
    ],
)
def test_networks_that_do_not_return_pictures(infer: Callable[[np.ndarray], object], kind: str) -> None:
    network = LoadedNetwork(lambda: Loaded(infer, None), name="m/up.onnx")
    with pytest.raises(ModelError, match=rf"m/up\.onnx returned {kind}, not pictures"):
        network(np.zeros((1, 8, 9, 3), np.float32))


@pytest.mark.parametrize("data", [b"", b"not a network", b"\x08\x07" * 50], ids=["empty", "text", "noise"])
def test_not_onnx(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"model m/up\.onnx cannot be loaded: ") as caught:
        Runtime().load(data, name="m/up.onnx")
    assert "\n" not in str(caught.value)


def test_cut_file() -> None:
    data = onnx_bytes("up", 2, 3)
    with pytest.raises(ModelError, match="cannot be loaded"):
        Runtime().load(data[: len(data) // 2], name="m/up.onnx")


def test_wrong_number_of_channels() -> None:
    operation = Operation.of(Runtime(1).load(onnx_bytes("up", 2, 3), name="m/up.onnx"))
    with pytest.raises(ModelError, match=r"model m/up\.onnx failed on 9x8: ") as caught:
        operation(np.zeros((8, 9, 1), np.float32))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("message", ["Failed to allocate memory for requested buffer", "std::bad_alloc"])
def test_lack_of_memory_is_told_apart(message: str) -> None:
    def full(batch: np.ndarray) -> np.ndarray:
        raise RuntimeError(message + "\nsecond line")

    network = LoadedNetwork(lambda: Loaded(full, None), name="m/up.onnx")
    with pytest.raises(MemoryError, match="alloc"):
        network(np.zeros((1, 8, 9, 3), np.float32))


def test_lack_of_memory_prints_nothing_since_smaller_tiles_follow(capfd: pytest.CaptureFixture[str]) -> None:
    helper = pytest.importorskip("onnx").helper
    x, y = (helper.make_tensor_value_info(name, 1, [None, 3, None, None]) for name in "xy")
    far = helper.make_tensor("scales", 1, [4], [1, 1, 200_000, 200_000])
    graph = helper.make_graph([helper.make_node("Resize", ["x", "", "scales"], ["y"])], "huge", [x], [y], [far])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    network = Runtime(1, "onnxruntime").load(model.SerializeToString(), name="m/up.onnx")
    with pytest.raises(MemoryError):
        network(np.zeros((1, 30, 40, 3), np.float32))
    assert capfd.readouterr().err == ""


def test_lack_of_memory_for_the_network_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(model: bytes, settings: Settings) -> Loaded:
        raise RuntimeError("Exception during initialization: std::bad_alloc")

    monkeypatch.setitem(backends(), BACKEND.name, replace(BACKEND, load=full))
    with pytest.raises(OutOfMemoryError, match=r"^memory ran out while model m/up\.onnx was loaded: close other"):
        Runtime(1, "onnxruntime").load(onnx_bytes("up", 2, 3), name="m/up.onnx")
