"""Every backend that can run here, against the others."""

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from tests.awkward import pattern
from tests.models import make_pair, onnx_bytes
from twinscale import Picture, load, upscale
from twinscale.engine import Runtime
from twinscale.engine.backends import Backend, Loaded, Settings, backends
from twinscale.engine.network import LoadedNetwork
from twinscale.errors import ModelError, OutOfMemoryError, UsageError
from twinscale.rescale import Model
from twinscale.zoo import load_card, model_names

INSTALLED = [name for name, backend in backends().items() if backend.installed]
OTHERS = [name for name in INSTALLED if name != "onnxruntime"]


def free_batch_bytes() -> bytes:
    """A convolution whose file leaves the number of pictures open."""
    onnx = pytest.importorskip("onnx")
    kernel = np.random.default_rng(0).normal(size=(2, 3, 3, 3)).astype(np.float32)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["input", "kernel"], ["output"], pads=[1, 1, 1, 1])],
        "free",
        [onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [onnx.helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, ["n", 2, "h", "w"])],
        [onnx.numpy_helper.from_array(kernel, "kernel")],
    )
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


@pytest.mark.parametrize("backend", INSTALLED)
@pytest.mark.parametrize("free", [False, True])
def test_batch_equals_single_pictures(backend: str, free: bool) -> None:
    data = free_batch_bytes() if free else onnx_bytes("up", 2, 3)
    network = Runtime(1, backend).load(data, name="test")
    batch = np.random.default_rng(1).random((3, 12, 17, 3), dtype=np.float32)
    singles = np.concatenate([network(batch[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(network(batch), singles, rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize("name", model_names())
def test_backends_make_the_same_picture_with_every_shipped_model(name: str, backend: str) -> None:
    card = load_card(name)
    for part in filter(None, (card.up, card.down)):
        channels = 1 if card.colour == "y" else 3
        if part is card.up:
            channels += {"none": 0, "quality": 1, "jpeg": 3}[card.conditions]
        planes = 0.7 * pattern(48, 96, channels, np.float32) + 0.3 * np.random.default_rng(0).random((48, 96, channels))
        batch = planes.astype(np.float32)[None]
        expected, result = (
            Runtime(1, which).load(card.read(part), name=name)(batch) for which in ("onnxruntime", backend)
        )
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)
        levels = [np.floor(np.clip(planes, 0, 1) * 255 + 0.5) for planes in (expected, result)]
        error = np.abs(levels[0] - levels[1])
        assert error.max() <= 1
        assert 10 * np.log10(255**2 / max((error**2).mean(), 1e-9)) > 65


@pytest.mark.skipif("openvino" not in INSTALLED, reason="OpenVINO is not installed")
@pytest.mark.parametrize("name", ["fast-x2", "twin-x2"])
def test_bfloat16_is_close(name: str) -> None:
    if "bfloat16" not in backends()["openvino"].precisions("cpu"):
        pytest.skip("this processor has no bfloat16")
    planes = pattern(60, 80, dtype=np.float32)
    full, half = (load(name, Runtime(1, "openvino", precision=p)).enlargement(planes) for p in ("float32", "bfloat16"))
    error = np.abs(np.clip(full, 0, 1) - np.clip(half, 0, 1))
    assert 0 < error.max() < 0.05
    assert 10 * np.log10(1 / (error**2).mean()) > 45


@pytest.mark.skipif(sys.platform == "win32", reason="sends itself a signal as POSIX does")
@pytest.mark.parametrize("backend", INSTALLED)
def test_a_signal_is_survived_wherever_networks_were_loaded_and_freed(backend: str, tmp_path: Path) -> None:
    (tmp_path / "up.onnx").write_bytes(onnx_bytes("up", 2, 3))
    script = f"""
import gc, os, signal, threading
from pathlib import Path
from twinscale.engine import Runtime
from twinscale.engine.backends import backends

backends()[{backend!r}].precisions("cpu")
networks = [Runtime(1, {backend!r}).load(Path("up.onnx").read_bytes(), name="test") for _ in range(2)]
for work in (networks.clear, gc.collect):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
signal.signal(signal.SIGINT, lambda number, frame: print("handled"))
os.kill(os.getpid(), signal.SIGINT)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr


@pytest.mark.parametrize(
    ("runtime", "message"),
    [
        (Runtime(backend="tpu"), "unknown backend 'tpu': use auto or one of onnxruntime, openvino"),
        (Runtime(device="cuda:"), "device 'cuda:' is not a name such as"),
        (Runtime(device="cpu:1"), "device 'cpu:1' is not a name such as"),
        (Runtime(device="abacus"), r"device 'abacus' .*: available are onnxruntime on cpu \(float32\)"),
        (Runtime(precision="int3"), "precision 'int3': available are onnxruntime"),
        (Runtime(backend="onnxruntime", precision="bfloat16"), "and backend 'onnxruntime': available are"),
    ],
)
def test_what_is_not_available_is_named(runtime: Runtime, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        runtime.load(onnx_bytes("up", 2, 3), name="test")
    assert "\n" not in str(caught.value)


def test_backend_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None if module == "openvino" else object())
    with pytest.raises(UsageError, match=r"'openvino' is not installed: .* pip install 'twinscale\[openvino\]'"):
        Runtime(backend="openvino").load(onnx_bytes("up", 2, 3), name="test")
    assert isinstance(Runtime(1).load(onnx_bytes("up", 2, 3), name="test"), LoadedNetwork)  # there is no choice


def test_a_device_that_does_not_start_is_refused_when_named_and_left_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import onnxruntime

    here = onnxruntime.get_available_providers()
    if "CUDAExecutionProvider" in here:
        pytest.skip("this machine has CUDA")
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", *here])
    asked: list[list[str]] = []

    def as_if_its_library_were_missing(
        model: bytes, options: object, *, providers: list[str], **rest: object
    ) -> object:
        asked.append(providers)
        return session(model, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", as_if_its_library_were_missing)
    data = onnx_bytes("up", 2, 3)
    with pytest.raises(UsageError, match="device 'cuda' cannot be used: ONNX Runtime has CUDAExecutionProvider but"):
        Runtime(1, device="cuda:1").load(data, name="test")
    planes = pattern(8, 9, dtype=np.float32)[None]
    result = Runtime(1, "onnxruntime").load(data, name="test")(planes)
    assert asked == [["CUDAExecutionProvider", "CPUExecutionProvider"]] * 2 + [["CPUExecutionProvider"]]
    monkeypatch.undo()
    np.testing.assert_array_equal(result, Runtime(1, "onnxruntime", "cpu").load(data, name="test")(planes))


def test_a_backend_is_told_device_threads_and_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Settings] = []

    def doubled(model: bytes, settings: Settings) -> Loaded:
        seen.append(settings)
        return Loaded(lambda batch: 2 * batch, None)

    abacus = Backend(
        name="abacus",
        module="math",
        remedy="buy one",
        devices=lambda: ("cpu", "beads"),
        usual_device=lambda: "beads",
        precisions=lambda device: ("float32", "int3"),
        load=doubled,
    )
    monkeypatch.setattr("twinscale.engine.runtime.backends", lambda: {"abacus": abacus})
    network = Runtime(5, device="beads:2", precision="int3").load(b"", name="test")
    assert seen == [Settings("beads", 2, 5, "int3")]
    np.testing.assert_array_equal(network(np.ones((1, 2, 3, 1), np.float32)), np.full((1, 2, 3, 1), 2, np.float32))
    Runtime(1).load(b"", name="test")
    assert seen[1] == Settings("beads", 0, 1, "float32")


@pytest.mark.skipif("openvino" not in INSTALLED, reason="OpenVINO is not installed")
def test_openvino_says_why_and_not_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its errors have several lines, of which the last is the reason, and memory may be that."""
    data = onnx_bytes("up", 2, 3)
    network = Runtime(1, "openvino").load(data, name="test")
    with pytest.raises(ModelError, match=r"test failed on 9x8: .*incompatible"):
        network(np.zeros((1, 8, 9, 1), np.float32))

    def full(*_: object) -> None:
        raise RuntimeError("Exception from src/inference/src/cpp/core.cpp:117:\ncan't alloc\n\n")

    monkeypatch.setattr("openvino.Core.compile_model", full)
    with pytest.raises(OutOfMemoryError, match=r"^memory ran out while model test was loaded: close other programs$"):
        Runtime(1, "openvino").load(data, name="test")


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize("data", [b"", b"not a network"], ids=["empty", "text"])
def test_not_onnx(data: bytes, backend: str) -> None:
    with pytest.raises(ModelError, match=r"model m/up\.onnx cannot be loaded: ") as caught:
        Runtime(1, backend).load(data, name="m/up.onnx")
    assert "\n" not in str(caught.value)


def test_sums_that_overflow_are_no_damage() -> None:
    network = LoadedNetwork(lambda: Loaded(lambda batch: batch, None), name="test")
    large = np.full((1, 4, 4, 1), 3e38, np.float32)
    np.testing.assert_array_equal(network(large), large)


def test_threads_take_turns_in_a_network() -> None:
    running, most = [0], [0]
    guard = threading.Lock()

    def infer(batch: np.ndarray) -> np.ndarray:
        with guard:
            running[0] += 1
            most[0] = max(most[0], running[0])
        result = batch + 1
        with guard:
            running[0] -= 1
        return result

    network = LoadedNetwork(lambda: Loaded(infer, None), name="test")
    with ThreadPoolExecutor(8) as pool:
        batches = [np.full((1, 50, 50, 1), i, np.float32) for i in range(40)]
        for i, result in enumerate(pool.map(network, batches)):
            assert (result == i + 1).all()
    assert most == [1]


@pytest.mark.parametrize("backend", INSTALLED)
def test_several_threads_may_share_a_model(backend: str, tmp_path: Path) -> None:
    model = load(make_pair(tmp_path, 2, "rgb"), Runtime(1, backend))
    pictures = [Picture(np.random.default_rng(i).integers(0, 256, (30 + i, 20, 3), dtype=np.uint8)) for i in range(8)]
    expected = [model.enlarge(picture).pixels for picture in pictures]
    fresh = pickle.loads(pickle.dumps(model))
    with ThreadPoolExecutor(4) as pool:
        for result, pixels in zip(pool.map(fresh.enlarge, pictures), expected, strict=True):
            np.testing.assert_array_equal(result.pixels, pixels)


def test_model_pickles_as_card_and_runtime(tmp_path: Path) -> None:
    model = load(make_pair(tmp_path, 2, "rgb"), Runtime(1, "onnxruntime"))
    before = len(pickle.dumps(model))
    picture = Picture(pattern(20, 30))
    expected = model.enlarge(picture).pixels
    data = pickle.dumps(model)
    assert len(data) == before  # the loaded network stays here
    copy = pickle.loads(data)
    assert (copy.card, copy.runtime) == (model.card, model.runtime)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        np.testing.assert_array_equal(pool.submit(Model.enlarge, model, picture).result().pixels, expected)


def test_a_loaded_model_takes_no_second_runtime(tmp_path: Path) -> None:
    model = load(make_pair(tmp_path, 2, "rgb"), Runtime(1))
    with pytest.raises(UsageError, match="is loaded and already has a runtime: give the runtime when loading it"):
        upscale(Picture(pattern(8, 8)), model=model, runtime=Runtime(2))
