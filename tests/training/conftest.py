"""Small pictures and small recipes, so that a run takes seconds."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from lightning_fabric import Fabric  # noqa: E402

from twinscale.training.build import build  # noqa: E402 (needs torch)
from twinscale.training.checkpoint import save_weights  # noqa: E402
from twinscale.training.recipe import DataSpec, NetworkSpec, OptimisationSpec, Recipe  # noqa: E402
from twinscale.training.runs import BEST  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    """The networks here are so small that a second thread costs time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Twelve pictures of smooth random shapes, 60 pixels high and 72 wide."""
    folder = tmp_path_factory.mktemp("shapes")
    rng = np.random.default_rng(0)
    for i in range(12):
        coarse = Image.fromarray(rng.integers(0, 256, (10, 12, 3), dtype=np.uint8))
        coarse.resize((72, 60), Image.Resampling.BICUBIC).save(folder / f"p{i:02}.png")
    return folder


@pytest.fixture
def recipe(folder) -> Callable[..., Recipe]:
    """Makes a recipe for a luminance DSN x2; arguments replace any of its settings."""

    def make(**changes: Any) -> Recipe:
        network = NetworkSpec(architecture="dsn", scale=2, colour="y")
        data = DataSpec(train=[str(folder)], crop=16, batch=2)
        optimisation = OptimisationSpec(steps=10, validate_every=5)

        def changed(spec: Any) -> Any:
            return replace(spec, **{key: changes.pop(key) for key in list(changes) if hasattr(spec, key)})

        made = Recipe(name="tiny", network=changed(network), data=changed(data), optimisation=changed(optimisation))
        return replace(made, **changes)

    return make


def untrained_run(folder: Path, recipe: Recipe, psnr: float = 30.0, **looks: float) -> Path:
    """A run folder as training leaves it, with random weights, a validation score of ``psnr`` dB and such looks."""
    folder.mkdir()
    (folder / "recipe.toml").write_text(recipe.dumps())
    torch.manual_seed(recipe.seed)
    save_weights(folder / BEST, build(recipe), step=0)
    reached = {"steps": 0, "validation_psnr_y": psnr, "looks": looks}
    summary = {"name": recipe.name, **reached, "recipe_sha256": recipe.digest()}
    (folder / "run.json").write_text(json.dumps(summary))
    return folder
