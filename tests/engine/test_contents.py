"""What an ONNX file asks for, against files that the onnx package writes."""

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
}


@pytest.mark.parametrize("place", PLACES)
def test_weights_in_other_files(place: str) -> None:
    data = changed(PLACES[place])
    with pytest.raises(ModelError, match="model m/up keeps weights in another file: export it as one file"):
        Runtime(1).load(data, name="m/up")


DOMAINS = {
    "imported": lambda model: model.opset_import.add(domain="com.example", version=1),
    "of a node": lambda model: model.graph.node.add(op_type="Run", domain="com.example"),
}


@pytest.mark.parametrize("place", DOMAINS)
def test_operators_that_are_not_of_onnx(place: str) -> None:
    with pytest.raises(ModelError, match=r"model m has operators of 'com\.example': export it with the operators of"):
        check_contents(changed(DOMAINS[place]), name="m")


def graph() -> onnx.GraphProto:
    return onnx.helper.make_graph([], "inner", [], [])


def endless() -> onnx.NodeProto:
    """A loop whose condition stays true."""
    types = {"count": onnx.TensorProto.INT64, "go on": onnx.TensorProto.BOOL, "true": onnx.TensorProto.BOOL}
    count, condition, result = (onnx.helper.make_tensor_value_info(name, kind, []) for name, kind in types.items())
    same = onnx.helper.make_node("Identity", ["go on"], ["true"])
    body = onnx.helper.make_graph([same], "body", [count, condition], [result])
    return onnx.helper.make_node("Loop", ["", "made"], [], body=body)


REFUSED = {
    "loops or branches": (
        lambda model: model.graph.node.append(endless()),
        lambda model: model.graph.node.append(constant(then_branch=graph(), else_branch=graph())),
        lambda model: model.graph.node.append(constant(bodies=[graph()])),
    ),
    "functions of its own": (lambda model: model.functions.add(name="Relu"),),
    "instructions for training": (lambda model: model.training_info.add().algorithm.CopyFrom(graph()),),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_network_for_pictures_has(what: str) -> None:
    for change in REFUSED[what]:
        with pytest.raises(ModelError, match=f"^model m/up has {what}: export it"):
            Runtime(1).load(changed(change), name="m/up")


def test_more_parts_than_any_network() -> None:
    def grow(model: onnx.ModelProto) -> None:
        for number in range(20_000):
            model.graph.node.add(op_type="Relu", input=[f"{number}"], output=[f"{number + 1}"])

    with pytest.raises(ModelError, match="model m has more than 100000 parts: export a smaller network"):
        check_contents(changed(grow) + b"\x08\x01" * 50_000, name="m")


def test_a_domain_is_shown_in_part() -> None:
    data = changed(lambda model: model.opset_import.add(domain="a\n" * 10**6, version=1))
    with pytest.raises(ModelError, match="has operators of") as caught:
        check_contents(data, name="m")
    assert len(str(caught.value)) < 400


def test_every_message_that_can_hold_a_tensor_is_followed() -> None:
    """The field numbers are those of onnx.proto3, and none is missing."""
    from twinscale.engine.contents import _HELD, _REFUSED

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
        if name not in _REFUSED:
            inner = {number: "inner" for number, kind in held.items() if (name, kind) == ("attribute", "graph")}
            assert _HELD.get(name, {}) == held | inner


@pytest.mark.parametrize("cut", [1, 2, 100, 1000])
def test_damaged_files_are_one_error(cut: int) -> None:
    data = onnx_bytes("up", 2, 3)
    random = np.random.default_rng(cut)
    for garbage in (data[:-cut], b"\xff" * cut, random.bytes(cut), data[:cut] + b"\x0b"):
        with pytest.raises(ModelError, match="model m ") as caught:
            Runtime(1).load(garbage, name="m")
        assert "\n" not in str(caught.value)
