"""The resampling operator, against equations 1 to 6 in an explicit loop and against numerical gradients."""

import math
import os
from importlib.util import find_spec

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from twinscale.nets.layers import resampling as module  # noqa: E402
from twinscale.nets.layers.resampling import Resampling, resample  # noqa: E402

Shape = tuple[int, int, int, int]


def explicit(picture: NDArray, kernels: NDArray, vertical: NDArray, horizontal: NDArray, scale: int) -> NDArray:
    """Equations 1 to 3 tap by tap, for one picture ``(C, H, W)``."""
    taps, rows, columns = kernels.shape
    size = math.isqrt(taps)
    margin = size // 2
    padded = np.pad(picture, ((0, 0), (margin, margin), (margin, margin)), mode="reflect")
    small = np.zeros((len(picture), rows, columns))
    for x, y, i, j in np.ndindex(rows, columns, size, size):
        u = (x + 0.5) * scale - 0.5 + i - margin + vertical[i * size + j, x, y]
        v = (y + 0.5) * scale - 0.5 + j - margin + horizontal[i * size + j, x, y]
        top, left = math.floor(u), math.floor(v)
        for row, row_weight in ((top, top + 1 - u), (top + 1, u - top)):
            for column, column_weight in ((left, left + 1 - v), (left + 1, v - left)):
                inside = np.clip((row + margin, column + margin), 0, np.array(padded.shape[1:]) - 1)
                weight = kernels[i * size + j, x, y] * row_weight * column_weight
                small[:, x, y] += weight * padded[:, *inside]
    return small


def example(shape: Shape, size: int, scale: int, *, reach: float, dtype: "torch.dtype") -> tuple:
    """A picture, kernels and offsets of up to ``reach`` pixels."""
    generator = torch.Generator().manual_seed(0)
    pictures, _, height, width = shape
    taps = (pictures, size**2, height // scale, width // scale)
    picture = torch.rand(shape, dtype=dtype, generator=generator)
    kernels = torch.rand(taps, dtype=dtype, generator=generator)
    offsets = ((torch.rand(taps, dtype=dtype, generator=generator) * 2 - 1) * reach for _ in range(2))
    return picture, Resampling(kernels / kernels.sum(1, keepdim=True), *offsets)


@pytest.mark.parametrize(
    ("shape", "size", "scale", "reach"),
    [
        ((2, 3, 12, 16), 13, 4, 4.0),
        ((1, 3, 8, 8), 13, 4, 30.0),  # taps far beyond the border
        ((2, 1, 8, 6), 7, 2, 2.0),
        ((1, 5, 9, 12), 9, 3, 3.0),
        ((1, 2, 3, 4), 1, 1, 0.5),
        ((1, 3, 4, 4), 7, 2, 0.0),  # the smallest sides that can be mirrored
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_explicit_loop(shape: Shape, size: int, scale: int, reach: float, dtype: "torch.dtype") -> None:
    picture, resampling = example(shape, size, scale, reach=reach, dtype=dtype)
    small = resample(picture, resampling, scale)
    assert small.dtype == dtype
    for result, one, *kernels in zip(small, picture, *resampling, strict=True):
        expected = explicit(one.numpy(), *(part.numpy() for part in kernels), scale)
        np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=1e-12 if dtype == torch.float64 else 2e-6)


def test_rows_of_several_blocks() -> None:
    picture, resampling = example((1, 3, 2, 519), 3, 1, reach=2.0, dtype=torch.float64)  # blocks overlap by one pixel
    inputs = [part.requires_grad_() for part in (picture, *resampling)]
    small = resample(inputs[0], Resampling(*inputs[1:]), 1)
    small.square().sum().backward()
    own = [small.detach(), *(part.grad for part in inputs)]
    for part in inputs:
        part.grad = None
    padded = torch.nn.functional.pad(picture, (1, 1, 1, 1), mode="reflect")
    small = module._plain(padded, *resampling, 1)
    small.square().sum().backward()
    for result, expected in zip(own, (small.detach(), *(part.grad for part in inputs)), strict=True):
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-11)


def test_works_where_nothing_can_be_written(monkeypatch) -> None:
    from numba.core import caching

    from twinscale.nets.layers import resampling_numba

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])  # as if every folder were refused
    doubled = resampling_numba._compiled(lambda values: values * 2)
    assert doubled(np.float32(3)) == 6


@pytest.mark.parametrize(("shape", "size", "scale"), [((2, 3, 4, 4), 3, 2), ((1, 1, 6, 3), 5, 3), ((1, 2, 4, 5), 3, 1)])
@pytest.mark.parametrize("reach", [1.0, 6.0])
def test_gradients_are_the_numerical_ones(shape: Shape, size: int, scale: int, reach: float) -> None:
    picture, resampling = example(shape, size, scale, reach=reach, dtype=torch.float64)
    inputs = [part.requires_grad_() for part in (picture, *resampling)]
    assert torch.autograd.gradcheck(lambda picture, *parts: resample(picture, Resampling(*parts), scale), inputs)


def forms() -> list:
    """Torch's own operators, and Triton if there is a graphics card or its interpreter is on."""
    triton = torch.cuda.is_available() or os.environ.get("TRITON_INTERPRET") == "1"
    skip = pytest.mark.skipif(not (triton and find_spec("triton")), reason="needs Triton and a graphics card")
    return ["plain", pytest.param("triton", marks=skip)]


@pytest.mark.parametrize("form", forms())
@pytest.mark.parametrize(("size", "scale", "channels", "reach"), [(5, 3, 3, 2.9), (7, 2, 1, 20.0)])
def test_other_forms_agree(form: str, size: int, scale: int, channels: int, reach: float, monkeypatch) -> None:
    picture, resampling = example((2, channels, 12, 18), size, scale, reach=reach, dtype=torch.float32)
    device = "cuda" if form == "triton" and torch.cuda.is_available() else "cpu"
    results = []
    for place in ("cpu", device):
        inputs = [part.to(place).requires_grad_() for part in (picture, *resampling)]
        small = resample(inputs[0], Resampling(*inputs[1:]), scale)
        small.square().sum().backward()
        results.append([small.detach(), *(part.grad for part in inputs)])
        if form == "plain":
            other = module._plain
        else:
            from twinscale.nets.layers.resampling_triton import resample as other
        monkeypatch.setattr(module, "_implementation", lambda device, other=other: other)
        for part in (picture, *resampling):
            part.requires_grad_(False).grad = None
    for own, others in zip(*results, strict=True):
        torch.testing.assert_close(others.cpu(), own, rtol=0, atol=1e-4)


def test_threads_share_the_work_without_a_trace() -> None:
    picture, resampling = example((3, 3, 24, 36), 7, 2, reach=4.0, dtype=torch.float32)
    results, before = [], torch.get_num_threads()
    for threads in (1, 5):
        torch.set_num_threads(threads)
        inputs = [part.clone().requires_grad_() for part in (picture, *resampling)]
        small = resample(inputs[0], Resampling(*inputs[1:]), 2)
        small.square().sum().backward()
        results.append([small.detach(), *(part.grad for part in inputs)])
    torch.set_num_threads(before)
    for one, many in zip(*results, strict=True):
        assert torch.equal(one, many)


def test_autocast_and_half_precision_are_computed_in_float32() -> None:
    picture, resampling = example((1, 3, 16, 16), 13, 4, reach=2.0, dtype=torch.float32)
    halved = Resampling(*(part.bfloat16() for part in resampling))
    with torch.autocast("cpu", torch.bfloat16):
        small = resample(picture, halved, 4)
    assert small.dtype == torch.float32
    expected = resample(picture, Resampling(*(part.float() for part in halved)), 4)
    torch.testing.assert_close(small, expected, rtol=0, atol=0)


def test_what_is_not_a_number_stays_so_and_nothing_else_changes() -> None:
    picture, resampling = example((1, 3, 16, 16), 7, 2, reach=2.0, dtype=torch.float32)
    before = resample(picture, resampling, 2)
    resampling.vertical[0, 9, 3, 5] = torch.nan
    after = resample(picture, resampling, 2)
    assert after[0, :, 3, 5].isnan().all()
    assert (after != before).sum() == 3


def test_a_window_gives_the_same() -> None:
    picture, resampling = example((1, 3, 40, 400), 7, 2, reach=2.0, dtype=torch.float32)
    whole = resample(picture, resampling, 2)[..., 14:, 150:]
    window = resample(picture[..., 20:, 280:], Resampling(*(part[..., 10:, 140:] for part in resampling)), 2)
    torch.testing.assert_close(window[..., 4:, 10:], whole, rtol=0, atol=5e-7)


@pytest.mark.parametrize(
    ("shape", "taps", "message"),
    [
        ((1, 3, 8, 8), (1, 36, 2, 2), "kernels have 36 taps: use the square of an odd side"),
        ((1, 3, 8, 8), (1, 9, 2, 3), "do not fit a picture of"),
        ((1, 3, 4, 8), (1, 169, 1, 2), "its sides must be at least 7 to be mirrored"),
    ],
)
def test_errors_name_the_rule(shape: Shape, taps: Shape, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resample(torch.zeros(shape), Resampling(*(torch.zeros(taps) for _ in range(3))), 4)


def test_the_exported_form_agrees() -> None:
    from torch import nn
    from torch.nn import functional as F

    from twinscale.engine.backends import Settings, backends
    from twinscale.engine.contents import check_contents
    from twinscale.nets import Downscaler
    from twinscale.training.export import count_activation_bytes, to_onnx

    class Tiny(Downscaler):
        def __init__(self) -> None:
            super().__init__(2, 3, radius=9)
            self.taps = nn.Conv2d(12, 3 * 25, 1)

        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            kernels, *offsets = self.taps(F.pixel_unshuffle(x, 2)).chunk(3, 1)
            return resample(x, Resampling(kernels.softmax(1), *(3 * part for part in offsets)), 2)

    torch.manual_seed(0)
    network = Tiny()
    nn.init.normal_(network.taps.weight)
    network.load_state_dict({name: part.half().float() for name, part in network.state_dict().items()})
    data = to_onnx(network)
    check_contents(data, name="tiny")
    assert count_activation_bytes(data) > 4 * (3 + 3 * 25 / 4)  # shapes behind the sub-pixels are known, too
    for shape in ((1, 3, 30, 52), (3, 3, 8, 4)):
        picture = torch.rand(shape)
        for backend in (backend for backend in backends().values() if backend.installed):
            small = backend.load(data, Settings("cpu", 0, 1, "float32")).infer(picture.numpy())
            with torch.no_grad():
                np.testing.assert_allclose(small, network(picture).numpy(), rtol=0, atol=2e-5)
