"""What an ONNX file needs besides itself, against files that the onnx package writes."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.models import onnx_bytes
from twinscale.engine import Runtime
from twinscale.engine.contents import check_contents
from twinscale.errors import ModelError
from twinscale.zoo import list_models

onnx = pytest.importorskip("onnx")


def test_every_shipped_model_needs_nothing_else() -> None:
    for card in list_models():
        for part in filter(None, (card.down, card.up)):
            check_contents(card.read(part), name=card.name)


def changed(change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.load_from_string(onnx_bytes("up", 2, 3))
    change(model)
    return bytes(model.SerializeToString())


def external(tensor: onnx.TensorProto) -> onnx.TensorProto:
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    return tensor


def branch() -> onnx.GraphProto:
    """A graph inside a node, with a tensor in another file."""
    tensor = external(onnx.numpy_helper.from_array(np.ones(4, np.float32), "hidden"))
    return onnx.helper.make_graph([], "branch", [], [], [tensor])


def constant(**attribute: object) -> onnx.NodeProto:
    return onnx.helper.make_node("Constant", [], ["made"], **attribute)


TENSOR = onnx.numpy_helper.from_array(np.ones(4, np.float32), "hidden")
SPARSE = onnx.helper.make_sparse_tensor(
    external(onnx.numpy_helper.from_array(np.ones(2, np.float32), "values")),
    onnx.numpy_helper.from_array(np.arange(2), "indices"),
    [4],
)
PLACES = {
    "weights": lambda model: external(model.graph.initializer[0]),
    "sparse weights": lambda model: model.graph.sparse_initializer.append(SPARSE),
    "a node's tensor": lambda model: model.graph.node.append(constant(value=external(TENSOR))),
    "a node's sparse tensor": lambda model: model.graph.node.append(constant(sparse_value=SPARSE)),
    "a node's graph": lambda model: model.graph.node.append(constant(body=branch())),
    "a node's graphs": lambda model: model.graph.node.append(constant(bodies=[branch()])),
    "a function": lambda model: model.functions.add().node.append(constant(value=external(TENSOR))),
    "training": lambda model: model.training_info.add().algorithm.CopyFrom(branch()),
}


@pytest.mark.parametrize("place", PLACES)
def test_weights_in_other_files(place: str) -> None:
    data = changed(PLACES[place])
    with pytest.raises(ModelError, match="model m/up keeps weights in another file: export it as one file"):
        Runtime(1).load(data, name="m/up")


DOMAINS = {
    "imported": lambda model: model.opset_import.add(domain="com.example", version=1),
    "of a node": lambda model: model.graph.node.add(op_type="Run", domain="com.example"),
    "of a node in a function": lambda model: model.functions.add().node.add(op_type="Run", domain="com.example"),
    "imported by a function": lambda model: model.functions.add().opset_import.add(domain="com.example", version=1),
}


@pytest.mark.parametrize("place", DOMAINS)
def test_operators_that_are_not_of_onnx(place: str) -> None:
    with pytest.raises(ModelError, match=r"model m has operators of 'com\.example': export it with the operators of"):
        check_contents(changed(DOMAINS[place]), name="m")


def test_every_message_that_can_hold_a_tensor_is_followed() -> None:
    """The field numbers are those of onnx.proto3, and none is missing."""
    from twinscale.engine.contents import _HELD

    names = {
        "ModelProto": "model",
        "TrainingInfoProto": "training",
        "FunctionProto": "function",
        "GraphProto": "graph",
        "NodeProto": "node",
        "AttributeProto": "attribute",
        "SparseTensorProto": "sparse",
        "TensorProto": "tensor",
        "OperatorSetIdProto": "operators",
    }
    for message, name in names.items():
        fields = getattr(onnx, message).DESCRIPTOR.fields
        held = {f.number: names[f.message_type.name] for f in fields if f.message_type and f.message_type.name in names}
        assert _HELD.get(name, {}) == held


@pytest.mark.parametrize("cut", [1, 2, 100, 1000])
def test_damaged_files_are_one_error(cut: int) -> None:
    data = onnx_bytes("up", 2, 3)
    random = np.random.default_rng(cut)
    for garbage in (data[:-cut], b"\xff" * cut, random.bytes(cut), data[:cut] + b"\x0b"):
        with pytest.raises(ModelError, match="model m ") as caught:
            Runtime(1).load(garbage, name="m")
        assert "\n" not in str(caught.value)
