"""Files of every format to begin with: what a fuzzer changes must first be right."""

from collections.abc import Iterator

import numpy as np

from tests.awkward import heic_file, pattern
from twinscale.codecs.codec import NO_OPTIONS, Codec, Options
from twinscale.codecs.encoding import encode
from twinscale.codecs.registry import writable_codecs

_OPTIONS = (
    NO_OPTIONS,
    Options(subsampling="4:2:0"),
    Options(subsampling="4:2:2"),
    Options(subsampling="4:4:4"),
    Options(progressive=True),
    Options(optimised=False),
    Options(ratio=13),
)


def picture_files() -> Iterator[bytes]:
    """Files of every format: with each of its options, lossless and lossy, grey, deep, and with alpha."""
    for codec in writable_codecs():
        yield from _files_of(codec)
    yield heic_file(pattern())


def _files_of(codec: Codec) -> Iterator[bytes]:
    plain, grey, deep = pattern() // 64 * 64, pattern(channels=1), pattern(dtype=np.uint16)
    for options in _OPTIONS:
        if all(
            value == getattr(NO_OPTIONS, name) or name in codec.options for name, value in options._asdict().items()
        ):
            yield encode(codec, plain, options=options).data
    yield encode(codec, grey).data
    if codec.quality is not None:
        yield encode(codec, plain, quality=40).data
    if codec.alpha:
        yield encode(codec, plain, grey[..., 0]).data
    if 16 in codec.depths:
        yield encode(codec, deep).data
