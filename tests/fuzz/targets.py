"""What is fuzzed: for each kind of foreign data, what to begin with, and what is done with whatever bytes.

A target may raise errors of twinscale's own. What must not fail any more, since the data were taken, is
:func:`_accepted`.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tests.awkward import exif_block, icc_profile, pattern, xmp_packet
from tests.fuzz.seeds import picture_files
from twinscale.codecs.registry import writable_codecs
from twinscale.engine import Runtime
from twinscale.errors import OutOfMemoryError, TwinscaleError
from twinscale.images.picture import Picture
from twinscale.rescale.model import Model
from twinscale.rescale.shrunk import Shrunk
from twinscale.rescale.tag import Tag
from twinscale.rescale.xmp import add_tag, read_tag, remove_tag
from twinscale.training.recipe import Recipe, shipped_recipes
from twinscale.zoo import load_card
from twinscale.zoo.card import CARD_FILE, Card, Part

_MOST_PIXELS = 1_000_000
_RUNTIME = Runtime(1, "onnxruntime")
_SMALL = Picture(pattern(9, 7))
_METADATA = ("exif", "icc", "xmp")
_FORMATS = [codec.name for codec in writable_codecs()]
_PAIR, _INTERPOLATED, _ENLARGER = load_card("dsn-y-x2"), load_card("srcnn-x2"), load_card("fast-x2")
_TAG = Tag(_PAIR.name, _PAIR.digest, Fraction(2), 13, 18)  # for a small picture of 7 x 9
_FOLDER = Path(tempfile.mkdtemp(prefix="twinscale-fuzz-"))


@dataclass(frozen=True)
class Target:
    """One kind of foreign data."""

    seeds: Callable[[], Iterable[bytes]]
    """What is right, to begin with."""
    run: Callable[[bytes], None]
    """Does all that may be done with data that came from anywhere."""
    words: tuple[str, ...] = ()
    """What to put in, besides other bytes."""
    any_memory: bool = False
    """Whether the data may ask for any amount of memory; what it gets is the system's to say."""


@contextmanager
def _accepted() -> Iterator[None]:
    try:
        yield
    except TwinscaleError as error:
        raise AssertionError("refused after it was accepted") from error


def _read_and_write(data: bytes) -> None:
    picture = Picture.read(data, max_pixels=_MOST_PIXELS)
    for name in (picture.format, "TIFF"):
        assert name
        try:
            written = picture.encode(name)
        except TwinscaleError as error:
            if "cannot be written as" in str(error):
                raise AssertionError("not written, although the format can hold it") from error
            continue
        with _accepted():
            assert Picture.read(written).pixels.shape[:2] == picture.pixels.shape[:2]


def _metadata_seeds() -> Iterator[bytes]:
    blocks = {
        "exif": [exif_block(6), exif_block(3, thumbnail=b"\xff\xd8\xff\xd9", order=">")],
        "icc": [icc_profile(b"RGB "), icc_profile(b"GRAY")],
        "xmp": [xmp_packet(6), add_tag(None, _TAG)],
    }
    for number in range(len(_FORMATS)):
        for kind, seeds in blocks.items():
            yield from (bytes((_METADATA.index(kind), number)) + seed for seed in seeds)


def _write_metadata(data: bytes) -> None:
    if len(data) > 2:
        kind, name = _METADATA[data[0] % len(_METADATA)], _FORMATS[data[1] % len(_FORMATS)]
        with _accepted():
            written = Picture(_SMALL.pixels, **{kind: data[2:]}).encode(name)
            assert Picture.read(written).pixels.shape[:2] == _SMALL.pixels.shape[:2]


def _tag_seeds() -> Iterator[bytes]:
    tagged = add_tag(xmp_packet(), _TAG)
    yield from (tagged, tagged.decode().encode("utf-16"), add_tag(None, _TAG, compact=True))


def _find_tag(data: bytes) -> None:
    with _accepted():
        tagged = add_tag(data, _TAG)
        assert read_tag(tagged) == _TAG
        assert read_tag(remove_tag(tagged)) is None
    shrunk = Shrunk.find(Picture(_SMALL.pixels, xmp=data))
    if shrunk:
        shrunk.restore(shrunk.restorer(_RUNTIME))


def _card_seeds() -> Iterator[bytes]:
    for card in (_PAIR, _INTERPOLATED):
        text = (card.folder / CARD_FILE).read_text(encoding="utf-8")
        for part in _parts(card):
            text = text.replace(f'"{part.file}"', f'"{card.name}-{part.file}"')
            (_FOLDER / f"{card.name}-{part.file}").write_bytes(card.read(part))
        yield text.encode()


def _use_card(data: bytes) -> None:
    (_FOLDER / CARD_FILE).write_bytes(data)
    _use(load_card(_FOLDER))


def _network_seeds() -> Iterator[bytes]:
    for name in ("car-bicubic-x2", _ENLARGER.name):  # nearly nothing but nodes, and mostly weights
        card = load_card(name)
        yield card.read(card.up)


def _use_network(data: bytes) -> None:
    (_FOLDER / "up.onnx").write_bytes(data)
    text = (_ENLARGER.folder / CARD_FILE).read_text(encoding="utf-8")
    text = text.replace(_ENLARGER.up.sha256, hashlib.sha256(data).hexdigest())
    (_FOLDER / CARD_FILE).write_text(text, encoding="utf-8")
    with suppress(OutOfMemoryError):
        _use(load_card(_FOLDER))


def _use(card: Card) -> None:
    model = Model(card, _RUNTIME)
    assert "\n" not in f"{card!r} {card.licence} {model.channel}"
    model.enlarge(_SMALL, quality=50)
    if card.down:
        model.shrink(_SMALL)


def _parts(card: Card) -> list[Part]:
    return [part for part in (card.down, card.up) if part]


def _recipe_seeds() -> Iterator[bytes]:
    for name in shipped_recipes():
        yield Recipe.load(name).dumps().encode()


def _load_recipe(data: bytes) -> None:
    path = _FOLDER / "recipe.toml"
    path.write_bytes(data)
    recipe = Recipe.load(path)
    path.write_text(recipe.dumps(), encoding="utf-8")
    with _accepted():
        assert Recipe.load(path).digest() == recipe.digest()


_TOML = ("nan", "-inf", "-1", "0", "1e400", "true", "[]", "{}", '"\\u0000"', "99999999999999999999", "a.b.c = ", "[[")

TARGETS = {
    "pictures": Target(picture_files, _read_and_write),
    "metadata": Target(_metadata_seeds, _write_metadata),
    "tags": Target(_tag_seeds, _find_tag, ("quality=", "model=", "9999/1", "<!DOCTYPE", "&#65;", "t:")),
    "cards": Target(_card_seeds, _use_card, _TOML),
    "networks": Target(_network_seeds, _use_network, any_memory=True),
    "recipes": Target(_recipe_seeds, _load_recipe, _TOML),
}
