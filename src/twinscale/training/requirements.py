"""What a machine has to have before a recipe can be trained on it, found out without training."""

import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from twinscale.errors import TwinscaleError, UsageError, install
from twinscale.training.recipe import Recipe

PACKAGES = {
    "numpy": "numpy",
    "pillow": "PIL",
    "imagecodecs": "imagecodecs",
    "onnxruntime": "onnxruntime",
    "rich": "rich",
    "defusedxml": "defusedxml",
    "torch": "torch",
    "safetensors": "safetensors",
    "numba": "numba",
    "lightning-fabric": "lightning_fabric",
    "onnx": "onnx",
    "onnxscript": "onnxscript",
    "tomli-w": "tomli_w",
    "tensorboard": "tensorboard",
    "matplotlib": "matplotlib",
}
"""What training needs beside the command line itself, and the names under which Python imports it."""

_BYTES_PER_RUN = 200e6  # weights, averages, optimiser, previews


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a machine has to have."""

    what: str
    is_met: bool
    said: str
    """What was found, or one line that says what is missing and where it comes from."""


def requirements(
    trainings: Sequence[tuple[Recipe, Sequence[str]]], folder: Path, accelerator: str
) -> Iterator[Requirement]:
    """Check what trainings need.

    Args:
        trainings: each recipe, with the models that it starts from, if any.
        folder: where the runs go.
        accelerator: ``"auto"``, ``"cpu"`` or ``"cuda"``.
    """
    missing = [package for package, module in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:  # without them, nothing else can be found out
        yield Requirement("packages", False, f"{', '.join(missing)} missing: {install('train')}")
        return
    yield Requirement("packages", True, f"torch {importlib.metadata.version('torch')} and {len(PACKAGES) - 1} more")
    yield _checked("accelerator", partial(_device, accelerator))
    yield _checked("disk", partial(_room, folder, len(trainings)))
    for recipe, models in trainings:
        yield _checked(f"{recipe.name}: pictures", partial(_pictures, recipe))
        yield _checked(f"{recipe.name}: network", partial(_network, recipe, models))


def _checked(what: str, find: Callable[[], str]) -> Requirement:
    try:
        return Requirement(what, True, find())
    except TwinscaleError as error:
        return Requirement(what, False, str(error))


def _device(wanted: str) -> str:
    import torch

    if torch.cuda.is_available() and wanted != "cpu":
        free, total = torch.cuda.mem_get_info()
        return f"{torch.cuda.get_device_name()}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free"
    if wanted == "cuda":
        raise UsageError(f"torch {torch.__version__} finds no CUDA device: use --accelerator cpu, or another torch")
    threads = torch.get_num_threads()
    return f"no CUDA device; {threads} CPU core{'s' * (threads > 1)}"


def _room(folder: Path, runs: int) -> str:
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        raise UsageError(f"{existing} may not be written to: choose another folder with -o")
    free, needed = shutil.disk_usage(existing).free, runs * _BYTES_PER_RUN
    if free < needed:
        raise UsageError(
            f"{existing} has {free / 1e9:.1f} GB left, but {runs} runs need {needed / 1e9:.1f}: make room, or choose "
            "another folder with -o"
        )
    return f"{free / 1e9:.0f} GB free in {existing}"


def _pictures(recipe: Recipe) -> str:
    from twinscale.training.split import split_pictures

    train, validation, _ = split_pictures(recipe.data)
    return f"{len(train)} to train on, {len(validation)} to validate, from {', '.join(recipe.data.train)}"


def _network(recipe: Recipe, models: Sequence[str]) -> str:
    from twinscale.training.build import build
    from twinscale.training.export import starting_weights

    network = build(recipe)
    start = f"the weights of {starting_weights(models, network)[1]}" if models else "random weights"
    return f"{recipe.network.architecture} x{recipe.network.scale}, from {start}"
