"""Folders of training runs written by hand, as training leaves them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from twinscale.training.recipe import DataSpec, NetworkSpec, OptimisationSpec, Recipe

HEADER = "step,loss,learning_rate,validation_loss,validation_psnr_y,seconds,pictures_per_second"
ROWS = [
    "50,0.5,0.001,0.4,28.0,60.0,80.0",
    "75,0.3,0.001,,,90.0,80.0",
    "100,0.2,0.001,0.1,31.5,120.0,80.0",
    "150,0.1,0.0005,0.12,30.5,180.0,80.0",
]


def make_run(
    folder: Path, *, rows: list[str] = ROWS, network: dict[str, Any] | None = None, **optimisation: Any
) -> Path:
    """A run of ``tiny``, 150 steps of two minutes and a half; keywords replace settings of its optimisation."""
    recipe = Recipe(
        name="tiny",
        network=NetworkSpec(architecture="espcn", scale=2, colour="y"),
        data=DataSpec(train=["/home/someone/Pictures", "T91"], validation=["T91/t1"], crop=16, batch=2),
        optimisation=OptimisationSpec(steps=150, validate_every=50),
    )
    recipe = replace(
        recipe,
        network=replace(recipe.network, **(network or {})),
        optimisation=replace(recipe.optimisation, **optimisation),
    )
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(recipe.dumps())
    (folder / "log.csv").write_text("\n".join([HEADER, *rows, ""]))
    if rows:
        summary = {"name": "tiny", "machine": "4 CPU cores (x86_64), 32-true", "pictures_per_second": 77.5}
        summary["bicubic_psnr_y"] = 27.5
        (folder / "run.json").write_text(json.dumps(summary))
    return folder
