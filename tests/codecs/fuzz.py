"""Damages files of every format and option, and prints what is neither a picture nor one line of an error.

A decoder that crashes takes this process with it and not the tests, and its memory is limited.
``python -m tests.codecs.fuzz [SEED [MUTATIONS]]`` tries more than they do.
"""

import random
import resource
import sys
from collections.abc import Iterator

import numpy as np

from tests.awkward import heic_file, pattern
from twinscale.codecs.codec import NO_OPTIONS, Codec, Options
from twinscale.codecs.encoding import encode
from twinscale.codecs.registry import writable_codecs
from twinscale.errors import PictureError
from twinscale.images.picture import Picture

_MEMORY = 3 * 2**30
_CUTS, _FOREIGN = 24, 6
_OPTIONS = (
    NO_OPTIONS,
    Options(subsampling="4:2:0"),
    Options(subsampling="4:2:2"),
    Options(subsampling="4:4:4"),
    Options(progressive=True),
    Options(optimised=False),
    Options(ratio=13),
)
_NUMBERS = [bytes.fromhex(value) for value in ("0000", "ffff", "ea60", "0000ea60", "60ea0000", "7fffffff", "ffffffff")]


def files() -> Iterator[tuple[str, bytes]]:
    """Files of every format, named: with each of its options, lossless and lossy, grey, deep, and with alpha."""
    for codec in writable_codecs():
        for name, data in _files_of(codec):
            yield f"{codec.name} {name}", data
    yield "HEIF", heic_file(pattern())


def _files_of(codec: Codec) -> Iterator[tuple[str, bytes]]:
    plain, grey, deep = pattern() // 64 * 64, pattern(channels=1), pattern(dtype=np.uint16)
    for options in _OPTIONS:
        if all(
            value == getattr(NO_OPTIONS, name) or name in codec.options for name, value in options._asdict().items()
        ):
            yield str(options), encode(codec, plain, options=options).data
    yield "grey", encode(codec, grey).data
    if codec.quality is not None:
        yield "quality 40", encode(codec, plain, quality=40).data
    if codec.alpha:
        yield "alpha", encode(codec, plain, grey[..., 0]).data
    if 16 in codec.depths:
        yield "deep", encode(codec, deep).data


def damaged(data: bytes, chance: random.Random, mutations: int) -> Iterator[tuple[str, bytes]]:
    """Cut a file at many places, go on with something else, and change bytes."""
    for number in range(_CUTS):
        length = number * len(data) // _CUTS if number % 2 else chance.randrange(min(len(data), 200))
        yield f"cut to {length}", data[:length]
    for _ in range(_FOREIGN):
        length = chance.choice((8, 30, 100, 300))
        yield f"foreign after {length}", data[:length] + chance.randbytes(len(data))
    for number in range(mutations):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 2, 6))):
            at = chance.randrange(2, min(chance.choice((64, 400, 10**6)), len(changed)))
            _change(changed, at, chance)
        yield f"mutation {number}", bytes(changed)


def _change(data: bytearray, at: int, chance: random.Random) -> None:
    kind = chance.randrange(4)
    if kind == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        number = chance.choice(_NUMBERS)
        data[at : at + len(number)] = number
    elif kind == 2:
        data[at] = chance.randrange(256)
    else:
        data[at : at + 4] = data[max(0, at - 4) : at]


def main(seed: int = 0, mutations: int = 10) -> None:
    """Read all damaged files; print one line for each failure."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    chance = random.Random(seed)
    for name, data in files():
        Picture.read(data)
        for how, broken in damaged(data, chance, mutations):
            try:
                Picture.read(broken, max_pixels=1_000_000)
            except PictureError as error:
                if len(str(error).splitlines()) > 1 or len(str(error)) > 300:
                    print(f"{name}, {how}: {str(error)[:600]!r}")
            except BaseException as error:  # whatever it is, it should have been a PictureError
                print(f"{name}, {how}: {error!r}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
