"""Headers against what is decoded, of every kind of file; and how little of a file they need."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.awkward import BOMBS, make_awkward_pictures, pattern
from twinscale.codecs.codec import Codec
from twinscale.codecs.encoding import encode
from twinscale.codecs.registry import all_codecs, codec_of_bytes, writable_codecs
from twinscale.errors import PictureError
from twinscale.images.picture import MAX_PIXELS, Picture

_FOLDER = tempfile.TemporaryDirectory()  # made on import, so that every file is a test of its own
FOLDER = Path(_FOLDER.name)
WHOLE = [name for name, verdict in make_awkward_pictures(FOLDER).items() if verdict == "ok"]


@pytest.mark.parametrize("name", WHOLE)
def test_header_of_awkward_files(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    codec = codec_of_bytes(data)
    header, pixels = codec.header(data), codec.decode(data).pixels
    assert (header.height, header.width) in (pixels.shape[:2], pixels.shape[1::-1])  # Pillow turns TIFFs itself
    assert header.channels == (1 if pixels.ndim == 2 else pixels.shape[2])
    assert (header.depth > 8) == (pixels.itemsize > 1)
    assert header.frames == (3 if name.startswith(("moving", "pages")) and not name.endswith(".jxl") else 1)


@pytest.mark.parametrize("name", WHOLE)
def test_contents_tell_one_format_only(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    assert sum(codec.sniff(data) for codec in all_codecs()) == 1


@pytest.mark.parametrize("codec", writable_codecs(), ids=lambda codec: codec.name)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
def test_header_of_what_is_written(codec: Codec, channels: int, alpha: bool) -> None:
    if alpha and not codec.alpha:
        return
    for depth in codec.depths:
        dtype = {8: np.uint8, 16: np.uint16, 32: np.float32}[depth]
        values = pattern(30, 20, channels=channels + 1, dtype=dtype)
        if codec.max_colours:
            values[:] = values[:1, :1]
        data = encode(codec, values[..., :channels], values[..., channels] if alpha else None).data
        assert codec.sniff(data)
        header, pixels = codec.header(data), codec.decode(data).pixels
        assert header[:3] == (20, 30, depth)
        assert header.channels == (1 if pixels.ndim == 2 else pixels.shape[2])


@pytest.mark.parametrize(
    "kind", [kind for kind in BOMBS if kind != "avif"]
)  # libavif opens none of more than 2**28 pixels
def test_bombs_are_refused_by_their_header(kind: str) -> None:
    data = BOMBS[kind](20_000)
    assert codec_of_bytes(data).header(data)[:2] == (20_000, 20_000)
    with pytest.raises(PictureError, match=f"20000 x 20000 pixels exceed the limit of {MAX_PIXELS}"):
        Picture.read(data)
