"""From trained weights to a model in the zoo: ONNX files and a card."""

import hashlib
import io
import json
import logging
import math
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tomli_w
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxscript import optimizer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from twinscale import __version__
from twinscale.datasets.sets import named
from twinscale.errors import ModelError, UsageError
from twinscale.images.files import write_atomically
from twinscale.nets import Network, Pair, Upscaler
from twinscale.nets.layers.collapsed import collapsed
from twinscale.training.build import build
from twinscale.training.history import LOG, gain_per_hour, read_rows, standing
from twinscale.training.recipe import Recipe
from twinscale.training.runs import BEST, SUMMARY, check_model_name, model_name
from twinscale.zoo import load_card
from twinscale.zoo.card import CARD_FILE, Card

_HALF = "_float16"
_OF_THE_RUN = {"name", "data", "planned_steps", "started", "finished"}  # in a summary, but not in a card's list of runs
_SMALLEST_HALVED = 32  # smaller constants are not worth a cast
_COUNTED_SIDE = 144  # pixels: a multiple of whatever a network requires
_LICENCES = {
    "free": "Apache-2.0; trained only on openly licensed photographs",
    "research": "Apache-2.0; trained on pictures that are for research use only",
    "own": "whatever the owner of the training pictures allows",
}


def export_run(run: Path, models: Path, *, name: str = "", only_better: bool = True) -> Card:
    """Turn a run's best weights into a model folder ``models/NAME``.

    Args:
        run: the folder of a training run.
        models: the folder that holds model folders.
        name: the model's name; by default the run's, see :func:`twinscale.training.runs.model_name`.
        only_better: an existing model of that name is replaced only by weights with a higher validation score, with
            colours nearer the recipe's bound if either is beyond it, or with a score on other validation pictures or
            through another channel; and its record of runs is kept, unless the new weights began from nothing. If
            false, it is replaced.

    Raises:
        UsageError: the run has no weights yet, does not beat the model that is there, or was trained on another
            enlargement than the bicubic one that models use; or the name is not a plain one.
        ModelError: the weights do not fit the recipe's network, or the card of the model that is there is damaged.
    """
    for file in (BEST, SUMMARY):
        if not (run / file).exists():
            raise UsageError(f"{run} holds no {file}: train first")
    recipe = Recipe.load(run / "recipe.toml")
    summary = json.loads((run / SUMMARY).read_text(encoding="utf-8"))
    network = build(recipe)
    if isinstance(network, Upscaler) and network.interpolated_input and recipe.data.enlarged_by != "bicubic":
        raise UsageError(
            f"{recipe.name} was trained on enlarged_by = {recipe.data.enlarged_by!r}, but models enlarge bicubically: "
            "such networks are for comparisons only"
        )
    try:
        network.load_state_dict(load_file(run / BEST))
    except (RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{run / BEST} does not fit its recipe ({reason}): train again") from None
    looks = summary.pop("looks", {})
    name = name or model_name(run)
    check_model_name(name)
    folder = models / name
    folder.mkdir(parents=True, exist_ok=True)
    runs: list[dict[str, Any]] = []
    if only_better and (folder / CARD_FILE).exists():
        old = Card.load(folder)
        try:
            runs = list(old.training.get("runs", []))
            best = float(runs[-1]["validation_psnr_y"]) if runs else float("-inf")
        except (KeyError, TypeError, ValueError):
            raise ModelError(f"{folder}: its card does not say how good it is: export under another name") from None
        bound = recipe.optimisation.colour_bound
        reached = summary["validation_psnr_y"], looks.get("ciede2000_p99")
        shipped = best, old.looks.get("ciede2000_p99")
        channel = recipe.channel.parameters if recipe.channel else {}
        comparable = (old.training.get("validation"), old.channel_parameters) == (recipe.data.validation, channel)
        if comparable and standing(*reached, bound) <= standing(*shipped, bound):
            raise UsageError(
                f"{name}: validation {_score(*reached, bound)} does not beat the {_score(*shipped, bound)} of "
                f"{folder}: train longer"
            )
    if not summary.get("started_from"):
        runs = []  # they have no share in these weights
    runs.append({key: summary[key] for key in summary if key not in _OF_THE_RUN})
    if (gain := gain_per_hour(read_rows(run) if (run / LOG).exists() else [])) is not None:
        runs[-1]["gain_per_hour"] = round(gain, 3)  # dB: what a longer run promises
    parts = {"down": network.down, "up": network.up} if isinstance(network, Pair) else {"up": network}
    card: dict[str, Any] = {
        "name": name,
        "kind": "pair" if isinstance(network, Pair) else "upscaler",
        "architecture": recipe.network.architecture,
        "scale": recipe.network.scale,
        "colour": recipe.network.colour,
        "input": "interpolated" if isinstance(network, Upscaler) and network.interpolated_input else "small",
        "description": recipe.description,
        "licence": _licence(recipe.data.train),
        "parameters": recipe.network.parameters,
        "training": {"data": recipe.data.train, "validation": recipe.data.validation, "runs": runs},
        "looks": looks,
    }
    if isinstance(network, Pair) and network.mirrored:
        card["mirrored"] = True
    if recipe.channel:
        card |= {"channel": recipe.channel.name, "channel_parameters": recipe.channel.parameters}
    if isinstance(network, Pair) and network.up.conditions:
        card["conditions"] = network.channel.told
    elif isinstance(network, Upscaler) and network.conditions:
        card["conditions"] = "jpeg"
    for key, part in parts.items():
        data = to_onnx(part)
        write_atomically(folder / f"{key}.onnx", data, overwrite=True)
        card[key] = {
            "file": f"{key}.onnx",
            "sha256": hashlib.sha256(data).hexdigest(),
            "radius": part.radius,
            "multiple_of": part.multiple_of,
            "parameters": sum(p.numel() for p in collapsed(part).parameters()),
            "multiply_adds": count_multiply_adds(part) / float(max(Fraction(1), part.factor)) ** 2,
            "activation_bytes": count_activation_bytes(data),
        }
    write_atomically(folder / CARD_FILE, tomli_w.dumps(card).encode(), overwrite=True)
    return Card.load(folder)


def to_onnx(network: Network) -> bytes:
    """Export a network for any number of pictures of any size; weights are stored as float16, computed as float32.

    Args:
        network: maps ``(N, C, H, W)`` and its conditions' planes after C to ``(N, C, H', W')``.
    """
    network = collapsed(network).eval().cpu()
    side = 8 * network.multiple_of
    example = torch.zeros(2, network.planes, side, side + network.multiple_of)  # one picture would fix the batch size
    multiple = network.multiple_of
    pictures, height, width = torch.export.Dim("n"), torch.export.Dim("h", min=2), torch.export.Dim("w", min=2)
    sides = {2: multiple * height, 3: multiple * width} if multiple > 1 else {2: height, 3: width}
    shape = {0: pictures, **sides}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            optimize=False,  # keeps every parameter's name, for fine-tuning; runtimes optimise anyway
            dynamic_shapes=(shape,),
            input_names=["input"],
            output_names=["output"],
        )
    assert program is not None
    model = program.model_proto
    _store_as_float16(model)
    _strip(model)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def starting_weights(models: Sequence[str], network: Upscaler | Pair) -> tuple[dict[str, Tensor], str]:
    """Read the weights of models to start training from, and say for the record whose they are.

    Args:
        models: names or folders; where several have the same weights, those of the last count.
        network: see :func:`load_weights`, which says what becomes of each model.

    Raises:
        UsageError: a family has no model for a scale.
        ModelError: there is no such model, its card is damaged, or its weights do not fit the network.
    """
    weights: dict[str, Tensor] = {}
    whose = []
    for model in models:
        card = load_card(model)
        own = load_weights(card, network)
        half = "" if len(own) == len(network.state_dict()) else f", {next(iter(own)).split('.')[0]} only"
        whose.append(f"{card.name} {card.digest[:12]}{half}")
        weights |= own
    return weights, "; ".join(whose)


def load_weights(card: Card, network: Upscaler | Pair) -> dict[str, Tensor]:
    """Read the weights of a shipped or exported model, to fine-tune from.

    Args:
        card: the model.
        network: the network they are for; says which names and shapes to expect.

    Returns:
        A state dictionary of float32 tensors. An upscaler fits the restoring half of a pair, and the other way round.
        If only one half of a pair fits, it holds that half; networks that can grow do so (``Network.grown_from``).

    Raises:
        ModelError: the model's weights do not fit the network.
    """
    stored: dict[str, Tensor] = {}
    for prefix, part in (("down.", card.down), ("up.", card.up)):
        if part is None:
            continue
        for initializer in onnx.load_from_string(card.read(part)).graph.initializer:
            name = initializer.name.removesuffix(_HALF)
            array = numpy_helper.to_array(initializer).astype(np.float32)
            stored[prefix + name] = torch.from_numpy(array)
    halves: dict[str, Network] = (
        {"down.": network.down, "up.": network.up} if isinstance(network, Pair) else {"up.": network}
    )
    weights: dict[str, Tensor] = {}
    unfit = []
    for half, own in halves.items():
        trained = {name.removeprefix(half): tensor for name, tensor in stored.items() if name.startswith(half)}
        prefix = half if isinstance(network, Pair) else ""
        try:
            weights |= {prefix + name: tensor for name, tensor in own.grown_from(trained).items()}
        except ValueError as error:
            unfit.append(f"{prefix}{error}")
    if not weights:
        raise ModelError(f"model {card.name} does not fit the recipe's network at {unfit[0]}: start without it")
    return weights


def _store_as_float16(model: onnx.ModelProto) -> None:
    """Halve the file: each float32 weight becomes float16 and a cast, which runtimes fold when loading."""
    graph = model.graph
    casts = []
    for initializer in graph.initializer:
        array = numpy_helper.to_array(initializer)
        if array.dtype != np.float32 or array.size < _SMALLEST_HALVED:
            continue
        name = initializer.name
        initializer.CopyFrom(numpy_helper.from_array(array.astype(np.float16), name + _HALF))
        casts.append(helper.make_node("Cast", [name + _HALF], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _strip(model: onnx.ModelProto) -> None:
    """Drop what the exporter notes about the machine and the source code."""
    model.producer_name, model.producer_version, model.doc_string = "twinscale", __version__, ""
    del model.metadata_props[:]
    del model.functions[:]
    model.graph.doc_string = ""
    for item in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]


def count_multiply_adds(network: Network) -> float:
    """Count the multiply-adds per input pixel during a real forward pass."""
    side = 16 * network.multiple_of
    network = collapsed(network).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, network.planes, side, side))
    return float(counter.get_total_flops() / 2 / side**2)


def count_activation_bytes(data: bytes) -> float:
    """Count the bytes per input pixel that a network holds at its peak, as float32 with nothing computed in place.

    A value is held from the node that computes it to the last one that reads it. Backends that fuse nodes need a little
    less, those that pad or rearrange channels need a little more.

    Args:
        data: an ONNX file with one input, ``(N, C, H, W)``.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    batch, _, *sides = graph.input[0].type.tensor_type.shape.dim
    batch.dim_value = 1
    for dimension in sides:
        dimension.dim_value = _COUNTED_SIDE
    graph.output[0].type.tensor_type.ClearField("shape")
    optimizer.fold_constants(
        model, onnx_shape_inference=True
    )  # what is computed from the sides, so that all shapes are known
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    sizes = {
        value.name: 4 * math.prod(dimension.dim_value for dimension in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    constants = {initializer.name for initializer in graph.initializer}
    last = {name: position for position, node in enumerate(graph.node) for name in node.input}
    held = {graph.input[0].name}
    peak = 0
    for position, node in enumerate(graph.node):
        if set(node.input) <= constants:
            constants |= set(node.output)
            continue
        held |= set(node.output)
        peak = max(peak, sum(sizes[name] for name in held))
        held = {name for name in held if last.get(name, -1) > position}
    return round(peak / _COUNTED_SIDE**2, 1)


def _score(psnr: float, ciede2000_p99: float | None, colour_bound: float) -> str:
    """Say how good weights are, with their colours if these are bounded."""
    colours = f" (colours {'unknown' if ciede2000_p99 is None else f'{ciede2000_p99:g}'}, bound {colour_bound:g})"
    return f"{psnr} dB{colours if colour_bound else ''}"


def _licence(sources: list[str]) -> str:
    """Say what may be done with weights that were trained on these sets or folders."""
    uses = {dataset.use if (dataset := named(source)) else "own" for source in sources}
    return _LICENCES[next(use for use in ("own", "research", "free") if use in uses)]
