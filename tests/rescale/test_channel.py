"""Channels, against their definitions."""

import numpy as np
import pytest

from twinscale.errors import ModelError, UsageError
from twinscale.rescale.channel import CHANNELS, create_channel


@pytest.fixture
def planes() -> np.ndarray:
    """From what lies beyond black to what lies beyond white."""
    return (np.arange(-40, 600).reshape(16, 40, 1) / 509).astype(np.float32)


def test_eight_bits_are_clipped_levels(planes: np.ndarray) -> None:
    received = create_channel("8-bit")(planes)
    expected = np.floor(np.clip(planes.astype(np.float64), 0, 1) * 255 + 0.5) / 255
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-7)


def test_none_hands_everything_through(planes: np.ndarray) -> None:
    received = create_channel("none")(planes.astype(np.float64))
    assert received.dtype == np.float32
    np.testing.assert_array_equal(received, planes)


@pytest.mark.parametrize("name", CHANNELS)
def test_equal_by_what_they_are(name: str) -> None:
    assert create_channel(name) == create_channel(name)
    assert len({create_channel(each) for each in CHANNELS}) == len(CHANNELS)


def test_what_is_unknown_is_named() -> None:
    with pytest.raises(UsageError, match="unknown channel '9-bit': use one of 8-bit, none"):
        create_channel("9-bit")
    with pytest.raises(ModelError, match="unknown channel"):
        create_channel("9-bit", error=ModelError)
    with pytest.raises(UsageError, match="channel 8-bit: unknown key 'quality'"):
        create_channel("8-bit", {"quality": 90})
