"""Content-adaptive resampling, next to the loop over taps that one would write first, and its exported form."""

import importlib.util
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

from twinscale.benchmark.timing import medians, peak_mebibytes
from twinscale.engine.backends import Settings, backends
from twinscale.errors import UsageError, install

if TYPE_CHECKING:
    from torch import Tensor

    from twinscale.nets.layers.resampling import Resampling

    _Way = Callable[[Tensor, Resampling, int], Tensor]

_SCALE, _SIZE = 4, 13
_PATCHES, _PATCH = 16, 192  # a training step of the paper
_INPUTS, _OWN, _PLAIN = "inputs alone", "twinscale", "plain torch"


@dataclass(frozen=True, slots=True)
class ResamplingSpeed:
    """One way to make small pictures; median milliseconds of processor time, or of time on a graphics card."""

    way: str
    forward: float
    with_gradients: float | None = None
    """Forward and backward, for kernels and offsets; None for a runtime."""
    picture_forward: float | None = None
    """The same for one large picture."""
    picture_with_gradients: float | None = None
    peak_mebibytes: float | None = None
    """What a process that does nothing else holds at its peak with gradients, less what it holds with the inputs."""


@dataclass(frozen=True, slots=True)
class ResamplingComparison:
    """All ways, on the same inputs."""

    device: str
    threads: int
    speeds: list[ResamplingSpeed]
    difference: float
    """Largest one between the results of twinscale and of plain torch, gradients included."""

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long as twinscale plain torch takes."""
        own, plain, *_ = (asdict(speed) for speed in self.speeds)
        names = ("forward", "with_gradients", "picture_forward", "picture_with_gradients")
        return {name: plain[name] / own[name] for name in names}


def measure_resampling(megapixels: float, rounds: int) -> ResamplingComparison:
    """Shrink 16 RGB patches of 192x192, and one picture, to a quarter of their sides with random kernels and offsets.

    On a graphics card if torch sees one; what the exported form takes is measured on the CPU.

    Args:
        megapixels: size of the one square picture, which memory is measured with, too.
        rounds: how often each way is measured.

    Raises:
        UsageError: torch is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise UsageError(f"measuring resampling needs torch: {install('train')}")
    import torch

    from twinscale.nets.layers.resampling import Resampling, resample

    side = 8 * max(1, round((megapixels * 1e6) ** 0.5 / 8))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    picture, resampling = _inputs(_PATCHES, _PATCH, device)
    ways: dict[str, _Way] = {_OWN: resample, _PLAIN: _unrolled}
    clock = time.perf_counter if device == "cuda" else time.process_time
    times = [
        medians(rounds, *(_finished(step, way, *inputs) for way in ways.values()), clock=clock)
        for inputs in ((picture, resampling), _inputs(1, side, device))
        for step in (_forward, _with_gradients)
    ]
    own, plain = (_with_gradients(way, picture, resampling) for way in ways.values())
    difference = max(float((a - b).abs().max()) for a, b in zip(own, plain, strict=True))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        held, *peaks = (fresh.submit(_peak, way, side, device).result() for way in (_INPUTS, *ways))
    more = [None if peak is None or held is None else peak - held for peak in peaks]
    speeds = [ResamplingSpeed(*row) for row in zip(ways, *times, more, strict=True)]
    speeds += _exported(picture.cpu(), Resampling(*(part.cpu() for part in resampling)), rounds)
    return ResamplingComparison(device, torch.get_num_threads(), speeds, difference)


def _inputs(pictures: int, side: int, device: str) -> "tuple[Tensor, Resampling]":
    import torch

    from twinscale.nets.layers.resampling import Resampling

    generator = torch.Generator(device).manual_seed(0)
    random = partial(torch.rand, generator=generator, device=device)
    taps = (pictures, _SIZE**2, side // _SCALE, side // _SCALE)
    kernels = random(taps)
    kernels /= kernels.sum(1, keepdim=True)
    # A few pixels, but not to where the slope changes: there the rounding of grid_sample's coordinates would decide.
    vertical, horizontal = (
        torch.randn(taps, generator=generator, device=device).round_().add_(random(taps).sub_(0.5).mul_(0.9))
        for _ in range(2)
    )
    return random((pictures, 3, side, side)), Resampling(kernels, vertical, horizontal)


def _unrolled(picture: "Tensor", resampling: "Resampling", scale: int) -> "Tensor":
    """Resample with one ``grid_sample`` per tap."""
    import torch
    from torch.nn import functional as F

    size = int(resampling.kernels.shape[1] ** 0.5)
    rows, columns = resampling.kernels.shape[2:]
    padded = F.pad(picture, (size // 2,) * 4, mode="reflect")
    height, width = padded.shape[2:]
    down = torch.arange(rows, device=picture.device)[:, None] * scale + (scale - 1) / 2
    right = torch.arange(columns, device=picture.device) * scale + (scale - 1) / 2
    small = torch.zeros_like(picture[:, :, ::scale, ::scale])
    for tap, (kernel, vertical, horizontal) in enumerate(zip(*(part.unbind(1) for part in resampling), strict=True)):
        i, j = divmod(tap, size)
        x, y = horizontal + right + j, vertical + down + i
        grid = torch.stack((x * (2 / (width - 1)) - 1, y * (2 / (height - 1)) - 1), 3)
        small = small + kernel[:, None] * F.grid_sample(padded, grid, padding_mode="border", align_corners=True)
    return small


def _forward(way: "_Way", picture: "Tensor", resampling: "Resampling") -> "list[Tensor]":
    import torch

    with torch.no_grad():
        return [way(picture, resampling, _SCALE)]


def _with_gradients(way: "_Way", picture: "Tensor", resampling: "Resampling") -> "list[Tensor]":
    import torch

    parts = type(resampling)(*(part.detach().requires_grad_() for part in resampling))
    small = way(picture, parts, _SCALE)
    return [small.detach(), *torch.autograd.grad(small.sum(), parts)]


def _finished(
    step: "Callable[[_Way, Tensor, Resampling], list[Tensor]]", way: "_Way", picture: "Tensor", parts: "Resampling"
) -> Callable[[], object]:
    """Return the step as a function that waits for the graphics card."""

    def run() -> float:
        return float(step(way, picture, parts)[-1].view(-1)[0])

    return run


def _peak(way: str, side: int, device: str) -> float | None:
    """Return the peak of a process that computes gradients in this way, on the device where they are."""
    import torch

    from twinscale.nets.layers.resampling import resample

    if way != _INPUTS:  # compiling and whatever else happens only once
        _with_gradients(resample if way == _OWN else _unrolled, *_inputs(1, 64, device))
    inputs = _inputs(1, side, device)
    if way != _INPUTS:
        _with_gradients(resample if way == _OWN else _unrolled, *inputs)
    return torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else peak_mebibytes()


def _exported(picture: "Tensor", resampling: "Resampling", rounds: int) -> list[ResamplingSpeed]:
    """Measure the exported form on every installed backend, with as many threads as torch has."""
    import torch
    from torch import Tensor
    from torch.nn import functional as F

    from twinscale.nets import Network
    from twinscale.nets.layers.resampling import Resampling, resample
    from twinscale.training.export import to_onnx

    class Packed(Network):
        """Takes everything in one tensor, as the engine's backends do: the picture's sub-pixels are channels."""

        def forward(self, packed: Tensor) -> Tensor:
            picture, *parts = torch.split(packed, [3 * _SCALE**2, *[_SIZE**2] * 3], 1)
            return resample(F.pixel_shuffle(picture, _SCALE), Resampling(*parts), _SCALE)

    packed = torch.cat((F.pixel_unshuffle(picture, _SCALE), *resampling), 1).numpy()
    network = Packed(_SCALE, packed.shape[1], Fraction(_SCALE), radius=math.inf)
    data, settings = to_onnx(network), Settings("cpu", 0, torch.get_num_threads(), "float32")
    runtimes = {name: backend.load(data, settings).infer for name, backend in backends().items() if backend.installed}
    times = medians(rounds, *(partial(infer, packed) for infer in runtimes.values()), clock=time.process_time)
    return [ResamplingSpeed(f"exported, {name}", taken) for name, taken in zip(runtimes, times, strict=True)]
