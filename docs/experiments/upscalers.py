"""Compares upscalers: ``python docs/experiments/upscalers.py`` (needs the papers extra).

Every candidate takes the same steps with the recipe ``fast-x2``, though by squared error and with crops drawn evenly,
is validated, and is timed through the engine as the shipped models run. Finished runs in the folder of runs are not
trained again. Writes ``upscalers.json``, ``upscalers.png`` and the table in ``upscalers.md``.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from twinscale.benchmark.timing import medians
from twinscale.drawings import TradeOff
from twinscale.engine import run
from twinscale.nets import Upscaler
from twinscale.training.build import build
from twinscale.training.export import count_multiply_adds
from twinscale.training.loop import train
from twinscale.training.recipe import Recipe, shortened
from twinscale.training.rescaler import exported
from twinscale.training.runs import BEST, SUMMARY

HERE = Path(__file__).parent
SIDE, ROUNDS = 384, 5  # of the small picture that is timed, in pixels, and how often
CANDIDATES: dict[str, tuple[str, dict[str, Any]]] = {
    # As costly as `fast` may be, or less.
    "espcn": ("espcn", {}),
    "fsrcnn": ("fsrcnn", {}),
    "edsr-24-8": ("edsr", {"width": 24, "blocks": 8}),
    "sesr-32-14": ("sesr", {"features": 32, "blocks": 14}),
    "span-28": ("span", {"width": 28}),
    "upsnet": ("upsnet", {}),
    "lean-16-6": ("lean", {"width": 16, "blocks": 6}),
    "lean-32-7": ("lean", {"width": 32, "blocks": 7}),
    "lean-48-3": ("lean", {"width": 48, "blocks": 3}),
    # About four times as costly.
    "edsr-48-10": ("edsr", {"width": 48, "blocks": 10}),
    "span-56": ("span", {"width": 56}),
    "lean-64-7": ("lean", {"width": 64, "blocks": 7}),
}
# Muon on SESR's wide chains would take twice as long as the convolutions themselves.
ADAM = {"sesr-32-14"}


def recipe(name: str) -> Recipe:
    """The candidate in place of the network of ``fast-x2``."""
    base = Recipe.load("fast-x2")
    architecture, parameters = CANDIDATES[name]
    network = replace(base.network, architecture=architecture, parameters=parameters)
    # as the recipe then was: what it has gained since was measured against these runs
    optimisation = replace(base.optimisation, loss="l2", learning_rate=1.5e-3)
    if name in ADAM:
        optimisation = replace(optimisation, optimiser="adam")
    data = replace(base.data, by_detail=False)
    return replace(base, name=name, description="", network=network, data=data, optimisation=optimisation)


def trained(name: str, runs: Path, steps: int) -> tuple[Upscaler, dict[str, Any]]:
    """A candidate with its best weights, and its run's summary."""
    folder = runs / name
    if not (folder / SUMMARY).exists():
        made = recipe(name)
        train(replace(made, optimisation=shortened(made.optimisation, steps)), folder)
    network = build(recipe(name))
    assert isinstance(network, Upscaler)
    network.load_state_dict(load_file(folder / BEST))
    return network.eval(), json.loads((folder / SUMMARY).read_text())


def main() -> None:
    """Train, measure, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/upscalers"), help="folder of the runs")
    parser.add_argument("--steps", type=int, default=1500, help="how long each candidate trains")
    arguments = parser.parse_args()
    made = {name: trained(name, arguments.runs, arguments.steps) for name in CANDIDATES}
    small = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    operations = {name: exported(network) for name, (network, _) in made.items()}
    scale = recipe(next(iter(CANDIDATES))).network.scale
    times = medians(
        ROUNDS,
        *(lambda operation=operation: run(operation, small) for operation in operations.values()),
        per=(SIDE * scale) ** 2 / 1e6,
    )
    results = {
        name: {
            "validation_psnr_y": summary["validation_psnr_y"],
            "steps": summary["steps"],
            "multiply_adds": count_multiply_adds(network),
            "ms_per_megapixel": time,
        }
        for (name, (network, summary)), time in zip(made.items(), times, strict=True)
    }
    (HERE / "upscalers.json").write_text(json.dumps(results, indent=1) + "\n")
    points = {name: (row["ms_per_megapixel"], row["validation_psnr_y"]) for name, row in results.items()}
    TradeOff(points, "ms per megapixel of the result", "validation PSNR (dB)").save(HERE / "upscalers.png")
    lines = ["| network | multiply-adds per input pixel | ms/MP | dB |", "| --- | ---: | ---: | ---: |"]
    for name, row in sorted(results.items(), key=lambda item: -item[1]["validation_psnr_y"]):
        cost = f"{row['multiply_adds'] / 1e3:.0f} k | {row['ms_per_megapixel']:.0f}"
        lines.append(f"| `{name}` | {cost} | {row['validation_psnr_y']:.2f} |")
    page = HERE / "upscalers.md"
    before, rest = page.read_text().split("<!-- sweep: written by upscalers.py -->\n")
    after = rest.split("<!-- end of sweep -->")[1]
    table = "\n".join(lines)
    page.write_text(f"{before}<!-- sweep: written by upscalers.py -->\n{table}\n<!-- end of sweep -->{after}")


if __name__ == "__main__":
    main()
