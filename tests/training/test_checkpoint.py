import copy
import pickle

import pytest
import torch
from torch import nn

from twinscale.errors import ModelError, UsageError
from twinscale.training.checkpoint import RunState, load_checkpoint, save_checkpoint

INPUT = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def make(kind, width=4):
    network = nn.Sequential(nn.Conv2d(1, width, 3), nn.Conv2d(width, 1, 3)).to(memory_format=torch.channels_last)
    optimisers = {
        "adam": lambda: torch.optim.Adam(network.parameters(), fused=True),
        "sgd": lambda: torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9),
    }
    return network, copy.deepcopy(network), optimisers[kind]()


def step(network, optimiser):
    optimiser.zero_grad()
    network(INPUT).square().mean().backward()
    optimiser.step()


@pytest.fixture
def saved(tmp_path):
    """A checkpoint after three steps of Adam."""
    network, average, optimiser = make("adam")
    for _ in range(3):
        step(network, optimiser)
    save_checkpoint(tmp_path / "c.safetensors", network, average, optimiser, RunState(step=3))
    return tmp_path / "c.safetensors"


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_training_goes_on_as_if_nothing_had_happened(kind, tmp_path):
    network, average, optimiser = make(kind)
    for _ in range(3):
        step(network, optimiser)
    progress = RunState(step=3, seconds=1.5, best_psnr=30.25, best_step=2, recipe="abc")
    save_checkpoint(tmp_path / "c.safetensors", network, average, optimiser, progress)

    other, other_average, other_optimiser = make(kind)
    assert load_checkpoint(tmp_path / "c.safetensors", other, other_average, other_optimiser, "abc") == progress
    for _ in range(3):
        step(network, optimiser)
        step(other, other_optimiser)
    for mine, theirs in ((network, other), (average, other_average)):
        for name, tensor in mine.state_dict().items():
            assert torch.equal(tensor, theirs.state_dict()[name]), name


def test_progress_without_a_validation_survives(saved):
    assert load_checkpoint(saved, *make("adam"), "").best_psnr == float("-inf")


def test_a_failed_write_leaves_the_old_checkpoint(saved, monkeypatch):
    before = saved.read_bytes()
    monkeypatch.setattr("twinscale.images.files.os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(Exception, match="full"):
        save_checkpoint(saved, *make("adam"), RunState(step=4))
    assert saved.read_bytes() == before


@pytest.mark.parametrize("damage", ["empty", "cut", "garbage", "header"])
def test_damaged(saved, damage):
    data = saved.read_bytes()
    damaged = {"empty": b"", "cut": data[:-100], "garbage": b"x" * 500, "header": data[:8] + b"[" + data[9:]}
    saved.write_bytes(damaged[damage])
    with pytest.raises(ModelError, match=r"checkpoint .* cannot be resumed .*: start a new run folder"):
        load_checkpoint(saved, *make("adam"), "")


def test_of_another_network(saved):
    with pytest.raises(ModelError, match="cannot be resumed") as error:
        load_checkpoint(saved, *make("adam", width=5), "")
    assert "\n" not in str(error.value)


def test_of_another_recipe(saved):
    with pytest.raises(UsageError, match=r"started with another recipe: resume with its own recipe\.toml"):
        load_checkpoint(saved, *make("adam"), "other")


class _Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("save", [lambda trap, path: path.write_bytes(pickle.dumps(trap)), torch.save])
def test_never_unpickles(saved, tmp_path, save):
    save(_Trap(tmp_path / "sprung"), saved)
    with pytest.raises(ModelError):
        load_checkpoint(saved, *make("adam"), "")
    assert not (tmp_path / "sprung").exists()
