"""Building networks by name."""

import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import randomised  # noqa: E402
from tests.nets.scales import made_for  # noqa: E402
from twinscale import nets  # noqa: E402
from twinscale.engine import Runtime  # noqa: E402
from twinscale.errors import UsageError  # noqa: E402
from twinscale.nets import ARCHITECTURES, Pair, Upscaler, create  # noqa: E402
from twinscale.nets.base import register  # noqa: E402

NEW = """
from torch.nn import functional as F
from twinscale.nets.base import Upscaler, register

@register("repeat")
class Repeat(Upscaler):
    def __init__(self, scale, channels=3):
        super().__init__(scale, channels, radius=0)

    def forward(self, low):
        return F.interpolate(low, scale_factor=self.scale)
"""


@pytest.mark.parametrize(("architecture", "scale"), made_for())
@pytest.mark.parametrize("channels", [1, 3])
def test_every_architecture_declares_itself(architecture: str, scale: int, channels: int) -> None:
    network = create(architecture, scale=scale, channels=channels)
    assert (network.scale, network.channels) == (scale, channels)
    assert isinstance(network, Pair | Upscaler)
    for part in (network.down, network.up) if isinstance(network, Pair) else (network,):
        assert part.radius >= 0
        assert part.multiple_of >= 1
        assert part.factor in (1, scale, Fraction(1, scale))
        assert set(part.output_layers()) <= set(part.modules())


@pytest.mark.parametrize("architecture", ["espcn", "fsrcnn", "upsnet", "vdsr"])
def test_onnx_computes_what_torch_computes(architecture: str) -> None:
    pytest.importorskip("onnxscript")
    from twinscale.training.export import to_onnx

    network = randomised(create(architecture, scale=3, channels=3))
    network = network.half().float()  # as weights are stored
    batch = np.random.default_rng(0).random((3, 9, 13, 3), dtype=np.float32)
    result = Runtime(1).load(to_onnx(network), name=architecture)(batch)
    with torch.no_grad():
        expected = network(torch.from_numpy(batch).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    assert expected.shape == (3, 9 * network.factor, 13 * network.factor, 3)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)


def test_every_file_is_found_and_registers_its_networks() -> None:
    files = {path.stem for path in Path(nets.__file__).parent.glob("*.py")} - {"__init__", "base"}
    assert {network.__module__.rsplit(".", 1)[1] for network in ARCHITECTURES.values()} == files


def test_a_network_is_one_file(tmp_path: Path) -> None:
    """A new file beside the others is all that it takes."""
    package = tmp_path / "nets"
    shutil.copytree(Path(nets.__file__).parent, package)
    (package / "repeat.py").write_text(NEW)
    script = (
        "import twinscale, sys; twinscale.__path__.insert(0, sys.argv[1]); from twinscale.nets import create; "
        "import torch; print(create('repeat', scale=2, channels=1)(torch.ones(1, 1, 2, 3)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "torch.Size([1, 1, 4, 6])"


def test_a_name_is_taken_once() -> None:
    with pytest.raises(AssertionError, match="two networks are called dsn"):
        register("dsn")(ARCHITECTURES["twin"])


@pytest.mark.parametrize(("architecture", "scale"), dict(reversed(made_for())).items())
def test_weights_of_the_same_network_are_taken_and_others_refused(architecture: str, scale: int) -> None:
    made = create(architecture, scale=scale, channels=1)
    for part in (made.down, made.up) if isinstance(made, Pair) else (made,):
        weights = {name: torch.full_like(tensor, 0.25) for name, tensor in part.state_dict().items()}
        grown = part.grown_from(weights)
        assert grown.keys() == {name for name, own in part.state_dict().items() if own.is_floating_point()}
        assert all(torch.equal(tensor, weights[name]) for name, tensor in grown.items())
        if not weights:  # bicubic
            continue
        first = next(iter(weights))
        for unfit in ({first: torch.zeros(1)}, {}):
            with pytest.raises(ValueError, match=f"^{first}"):
                part.grown_from({name: tensor for name, tensor in weights.items() if name != first} | unfit)


def test_unknown_architecture() -> None:
    with pytest.raises(UsageError, match=f"unknown architecture 'dns': use one of {', '.join(sorted(ARCHITECTURES))}$"):
        create("dns", scale=2)


def test_unknown_parameter() -> None:
    with pytest.raises(UsageError, match="dsn has no parameter 'width': it takes scale, channels, channel"):
        create("dsn", scale=2, width=8)


@pytest.mark.parametrize(
    "parameters",
    [{"width": "wide"}, {"width": -3}, {"blocks": 1.5}, {"blocks": []}, {"channels": "y"}],
)
@pytest.mark.parametrize("architecture", ["lean", "edsr"])
def test_parameters_of_which_there_is_no_network(architecture: str, parameters: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"^{architecture} cannot be built of these parameters") as caught:
        create(architecture, **({"scale": 2, "channels": 3} | parameters))
    assert "\n" not in str(caught.value)
