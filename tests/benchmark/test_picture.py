"""The plain loop around a bare runtime, which twinscale is compared with."""

import numpy as np
import pytest

from twinscale.benchmark import picture as benchmark


@pytest.mark.parametrize("tile", [16, 50, 200])
def test_the_bare_loop_makes_what_the_network_makes_of_the_whole(tile: int) -> None:
    infer, scale, halo = benchmark._loaded("fast-x2", "onnxruntime", 1)
    planes = benchmark._planes((60, 90))
    np.testing.assert_allclose(benchmark._tiled(infer, planes, scale, halo, tile), infer(planes), rtol=0, atol=1e-5)
