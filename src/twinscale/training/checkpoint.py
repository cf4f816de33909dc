"""Weights, and all the state of a training run, in safetensors files that are written atomically."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from twinscale.errors import ModelError, UsageError
from twinscale.images.files import write_atomically


@dataclass(slots=True)
class RunState:
    """Where a run stands."""

    step: int = 0
    """Steps taken."""
    ahead: float = 0.0
    """By how much that is short of the recipe's step whose turn it is, see :attr:`position`; 0 if steps are counted."""
    stride: float = 1.0
    """How far on the recipe's schedule a step leads; not 1 only in a run of limited time, see ``budget.Pace``."""
    minutes: float | None = None
    """How long the run may take, over all sittings; None if its steps are counted."""
    seconds: float = 0.0
    """Time spent so far, over all sittings."""
    validation_seconds: float = 0.0
    """Time that the last validation took, with its preview and checkpoint."""
    best_psnr: float = float("-inf")
    """Best validation score so far in dB."""
    best_step: int = 0
    best_loss: float | None = None
    """Validation loss at that step; None in checkpoints from before it was kept."""
    best_looks: dict[str, float | None] = field(default_factory=dict)
    """How a pair's small pictures looked at that step; empty for super-resolution."""
    recipe: str = ""
    """Digest of the resolved recipe."""
    started_from: str = ""
    """Name and digest of the model whose weights it started from; empty if they were random."""
    training_loss: float | None = None
    """The last that was logged; None before, and in checkpoints from before it was kept."""
    started: str = ""
    """When the first sitting began, in ISO 8601; empty in older checkpoints."""
    command: str = ""
    """The command that started it; empty if it was started from Python."""

    @property
    def position(self) -> float:
        """Which step of the recipe comes next; it decides the learning rate and what is due."""
        return self.step + self.ahead

    def advance(self, steps: int) -> None:
        """Count a step; ``steps`` is how many the recipe has."""
        self.step += 1
        self.ahead += self.stride - 1
        if self.position + self.stride / 2 > steps:
            self.ahead = float(steps - self.step)  # the end, less what rounding left

    def is_finished(self, steps: int) -> bool:
        """Return whether the schedule of a recipe of so many steps has come to its end."""
        return self.position >= steps

    def planned(self, steps: int) -> int:
        """Return how many steps the whole run takes, as far as is known now."""
        return self.step + round((steps - self.position) / self.stride)


def save_checkpoint(
    path: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, state: RunState
) -> None:
    """Write weights, averaged weights, optimiser and where the run stands, replacing the file in one step."""
    tensors = _prefixed("network", network) | _prefixed("average", average)
    for parameter, values in optimiser.state_dict()["state"].items():
        for key, value in values.items():
            if value is not None:
                tensors[f"optimiser.{parameter}.{key}"] = value
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(tensors, {"progress": json.dumps(asdict(state))}), overwrite=True)


def load_checkpoint(
    path: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, recipe: str
) -> RunState:
    """Restore what :func:`save_checkpoint` wrote.

    Args:
        path: the file.
        network: takes the weights.
        average: takes the averaged weights.
        optimiser: takes the optimiser's state; its learning rates stay.
        recipe: digest of the resolved recipe that is to be continued.

    Raises:
        ModelError: the file is damaged or belongs to another network.
        UsageError: it was written under another recipe.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            state = RunState(**json.loads(file.metadata()["progress"]))
        if state.recipe != recipe:
            raise UsageError(f"{path.parent} was started with another recipe: resume with its own recipe.toml")
        network.load_state_dict(_under("network", tensors))
        average.load_state_dict(_under("average", tensors))
    except UsageError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"checkpoint {path} cannot be resumed ({reason}): start a new run folder") from None
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    values: dict[int, dict[str, Any]] = {}
    for name, tensor in _under("optimiser", tensors).items():
        index, key = name.split(".", 1)
        parameter = parameters[int(index)]
        if tensor.shape == parameter.shape:
            # In the parameter's memory format: fused optimisers walk both as flat memory, strides unseen.
            tensor = torch.empty_like(parameter).copy_(tensor)
        values.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({"state": values, "param_groups": optimiser.state_dict()["param_groups"]})
    return state


def save_weights(path: Path, network: nn.Module, step: int) -> None:
    """Write a network's weights and how many steps it took to reach them, replacing the file in one go."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_atomically(path, save(tensors, {"step": str(step)}), overwrite=True)


def saved_step(path: Path) -> int | None:
    """Return after how many steps :func:`save_weights` wrote a file; None if it is from before this was kept."""
    with safe_open(path, framework="pt") as file:
        step = (file.metadata() or {}).get("step")
    return None if step is None else int(step)


def _prefixed(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}
