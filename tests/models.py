"""Tiny networks with random weights, exported as real model folders: fast, and free of any download."""

import functools
import hashlib
from pathlib import Path
from typing import Any

import pytest

SMALL = {"width": 6, "depth": 2}
TOLD = {"jpeg": "jpeg", "webp": "quality"}
ARCHITECTURES = {"down": "dsn", "srcnn": "srcnn", "jpeg": "lean"}


@functools.cache
def network(kind: str, scale: int, channels: int) -> Any:
    """``"down"``, ``"up"``, ``"srcnn"`` or ``"jpeg"`` in torch, with weights large enough to matter."""
    torch = pytest.importorskip("torch")
    from twinscale.nets.dsn import DownSNet, UpSNet
    from twinscale.nets.lean import Lean
    from twinscale.nets.srcnn import SRCNN

    if kind == "srcnn":
        made: Any = SRCNN(scale, channels, filters=(6, 4), kernels=(5, 1, 3))
    elif kind == "jpeg":
        made = Lean(scale, channels, width=6, blocks=1, conditions=3)
    elif kind == "webp":
        made = Lean(scale, channels, width=6, blocks=1, conditions=1)
    else:
        made = {"down": DownSNet, "up": UpSNet}[kind](scale, channels, **SMALL)
    generator = torch.Generator().manual_seed(scale + channels)
    for name, parameter in made.named_parameters():
        gain = 1.0 if kind == "srcnn" else 0.5
        spread = gain / parameter[0].numel() ** 0.5 if name.endswith("weight") else 0.1
        torch.nn.init.normal_(parameter, std=spread, generator=generator)
    with torch.no_grad():
        for layer in made.output_layers():
            layer.bias.fill_(0.4 if kind == "srcnn" else 0.02)
    return made.eval()


@functools.cache
def onnx_bytes(kind: str, scale: int, channels: int) -> bytes:
    """The same as an ONNX file."""
    pytest.importorskip("onnxscript")
    made = network(kind, scale, channels)
    from twinscale.training.export import to_onnx

    return to_onnx(made)


def make_pair(folder: Path, scale: int, colour: str, *, name: str | None = None) -> Path:
    """A model folder with a shrinking and a restoring network."""
    return _make(folder, name or f"pair-{colour}-x{scale}", "pair", scale, colour, ("down", "up"))


def make_upscaler(folder: Path, scale: int, colour: str, *, name: str | None = None) -> Path:
    """A model folder with a network that works on the bicubic enlargement."""
    return _make(folder, name or f"srcnn-{colour}-x{scale}", "upscaler", scale, colour, ("srcnn",))


def make_jpeg(folder: Path, scale: int, *, name: str | None = None) -> Path:
    """A model folder with a network for RGB that is told how its JPEG was quantised; at scale 1 it only repairs."""
    return _make(folder, name or f"jpeg-x{scale}", "upscaler", scale, "rgb", ("jpeg",))


def make_webp_pair(folder: Path, scale: int, *, name: str) -> Path:
    """A model folder with a pair for RGB that goes through WebP and is told its quality."""
    return _make(folder, name, "pair", scale, "rgb", ("down", "webp"))


def _make(folder: Path, name: str, kind: str, scale: int, colour: str, kinds: tuple[str, ...]) -> Path:
    folder = folder / name
    folder.mkdir(parents=True)
    channels = 1 if colour == "y" else 3
    card = f"""\
name = "{name}"
kind = "{kind}"
architecture = "{ARCHITECTURES[kinds[0]]}"
scale = {scale}
colour = "{colour}"
input = "{"interpolated" if kinds == ("srcnn",) else "small"}"
conditions = "{TOLD.get(kinds[-1], "none")}"
channel = "{"file" if kinds[-1] == "webp" else "8-bit"}"
channel_parameters = {{ {"format = 'WebP'" if kinds[-1] == "webp" else ""} }}
description = "Random weights, for tests."
licence = "Apache-2.0"
"""
    for part in kinds:
        data, made = onnx_bytes(part, scale, channels), network(part, scale, channels)
        key = "down" if part == "down" else "up"
        (folder / f"{key}.onnx").write_bytes(data)
        card += f"""
[{key}]
file = "{key}.onnx"
sha256 = "{hashlib.sha256(data).hexdigest()}"
radius = {made.radius}
multiple_of = {made.multiple_of}
parameters = {sum(p.numel() for p in made.parameters())}
multiply_adds = 1.0
activation_bytes = 100.0
"""
    (folder / "card.toml").write_text(card, encoding="utf-8")
    return folder
