"""Which scales the architectures are made for."""

from twinscale.nets import ARCHITECTURES

_OWN = {"car": [2, 4], "dncnn": [1]}


def made_for() -> list[tuple[str, int]]:
    """Every architecture with every one of its scales."""
    return [(name, scale) for name in sorted(ARCHITECTURES) for scale in _OWN.get(name, [2, 3, 4])]
