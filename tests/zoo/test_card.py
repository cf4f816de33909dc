"""Model cards and the integrity of their files."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models import make_jpeg, make_pair, make_upscaler
from twinscale.errors import ModelError
from twinscale.zoo import Card


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pair(tmp_path_factory.mktemp("models"), 2, "rgb", name="little")


def copied(folder: Path, to: Path, **replaced: str) -> Path:
    """A copy of a model folder with texts of its card replaced."""
    to.mkdir(exist_ok=True)
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    card = (to / "card.toml").read_text(encoding="utf-8")
    for old, new in replaced.items():
        assert old in card
        card = card.replace(old, new, 1)
    (to / "card.toml").write_text(card, encoding="utf-8")
    return to


def test_reads_every_field(folder: Path) -> None:
    card = Card.load(folder)
    assert (card.name, card.kind, card.architecture, card.scale, card.colour) == (
        "little",
        "pair",
        "dsn",
        2,
        "rgb",
    )
    assert (card.input, card.licence, card.folder) == ("small", "Apache-2.0", folder)
    assert card.down is not None
    assert (card.down.radius, card.down.multiple_of) == (2, 2)
    assert (card.up.radius, card.up.multiple_of) == (3, 1)
    assert card.conditions == "none"
    assert card.training == card.parameters == card.looks == {}


def test_a_model_that_repairs(tmp_path: Path) -> None:
    card = Card.load(make_jpeg(tmp_path, 1))
    assert (card.scale, card.conditions, card.up.multiple_of) == (1, "jpeg", 2)


def test_reads_looks(folder: Path, tmp_path: Path) -> None:
    looks = "[looks]\nfidelity = 31.5\ntotal_variation = 1.25\n\n[up]"
    assert Card.load(copied(folder, tmp_path, **{"[up]": looks})).looks == {"fidelity": 31.5, "total_variation": 1.25}


def test_files_are_checked_against_the_card(folder: Path) -> None:
    card = Card.load(folder)
    assert card.down is not None
    for part in (card.up, card.down):
        assert hashlib.sha256(card.read(part)).hexdigest() == part.sha256


def test_tampered_file(folder: Path, tmp_path: Path) -> None:
    card = Card.load(copied(folder, tmp_path))
    data = bytearray((tmp_path / "up.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "up.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"little: .*up\.onnx does not match the SHA-256 of its card: install"):
        card.read(card.up)


def test_missing_file(folder: Path, tmp_path: Path) -> None:
    card = Card.load(copied(folder, tmp_path))
    (tmp_path / "up.onnx").unlink()
    with pytest.raises(ModelError, match=r"cannot read .*up\.onnx \(No such file"):
        card.read(card.up)


def test_digest_identifies_the_weights(folder: Path, tmp_path: Path) -> None:
    card = Card.load(folder)
    assert card.digest == Card.load(copied(folder, tmp_path / "same")).digest
    assert card.digest == Card.load(copied(folder, tmp_path / "renamed", little="other")).digest
    changed = copied(folder, tmp_path / "changed", **{card.up.sha256: "0" * 64})
    assert card.digest != Card.load(changed).digest
    other = Card.load(make_upscaler(tmp_path, 2, "y"))
    assert len(other.digest) == 64
    assert other.digest != card.digest


def test_folder_without_card(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model: a model folder has a card\.toml"):
        Card.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("scale = 2", "scale = 2\nshoe_size = 43", "shoe_size"),
        ("radius = ", "radios = ", "radios"),
        ('name = "little"\n', "", "name"),
        ('licence = "Apache-2.0"\n', "", "licence"),
        ("[up]", "[sideways]", "sideways"),
        ("scale = 2", "scale = '2'", "scale = '2' must be of type int"),
        ("scale = 2", "scale = true", "scale = True must be of type int"),
        ("radius = 3", "radius = 'wide'", "up: radius = 'wide' must be of type int"),
        ('kind = "pair"', 'kind = "lamp"', "kind = 'lamp' must be one of pair, upscaler"),
        ('name = "little"', 'name = "little"\nfolder = "/etc"', "folder = '/etc' must be of type Path"),
        ("scale = 2", "scale = = 2", "is not a model card"),
        ("[up]", "[[up]]\nx = 1\n[[up]]", "is not a model card"),
        (
            'file = "up.onnx"',
            'file = "../secret.onnx"',
            r"up: file = '\.\./secret\.onnx' must be the bare name of a file",
        ),
        ('file = "up.onnx"', 'file = "/etc/passwd"', "must be the bare name of a file"),
        ('file = "up.onnx"', "file = 'a\\b.onnx'", "must be the bare name of a file"),
        ('file = "up.onnx"', 'file = "C:up.onnx"', "must be the bare name of a file"),
        ('file = "up.onnx"', 'file = ".."', "must be the bare name of a file"),
        ('file = "up.onnx"', 'file = ""', "must be the bare name of a file"),
        ('name = "little"', 'name = "a/b"', "name = 'a/b' must be a bare name"),
        ('name = "little"', 'name = "..\\u002f"', "must be a bare name"),
        ('name = "little"', 'name = "a\\u001b[31m"', "must be a bare name"),
        ('name = "little"', 'name = "a\\n"', "must be a bare name"),
        ('name = "little"', f'name = "{"a" * 101}"', "must be a bare name"),
        ('conditions = "none"', 'conditions = "weather"', "conditions = 'weather' must be one of none, jpeg"),
        ("scale = 2", "scale = 1", "scale = 1 must be at least 2 for a pair"),
        ("scale = 2", "scale = 2\nmirrored = 1", "mirrored = 1 must be of type bool"),
        ("scale = 2", "scale = 1000000", "must be 1 to 16"),
        ("radius = 3", "radius = 100000000", "up: radius = 100000000 must be 0 to 512 or infinite"),
        ("radius = 3", "radius = -1", "must be 0 to 512"),
        ("radius = 3", "radius = nan", "must be 0 to 512"),
        ("multiple_of = 2", "multiple_of = 0", "down: multiple_of = 0 must be 1 to 64"),
        ("multiple_of = 2", "multiple_of = 3", "down: multiple_of = 3 must be a multiple of the scale"),
        ("multiply_adds = 1.0", "multiply_adds = inf", "multiply_adds = inf must be 0 to"),
        ("activation_bytes = 100.0", "activation_bytes = -1.0", "activation_bytes = -1.0 must be 0 to"),
        ("activation_bytes = 100.0", "activation_bytes = 1e300", "must be 0 to"),
        ('kind = "pair"', 'kind = "upscaler"', "kind = 'upscaler', but it has a table down"),
        ('input = "small"', 'input = "interpolated"', "input = 'interpolated' must be small for a pair"),
        ("scale = 2", "scale = 0", "scale = 0 must be 1 to 16"),
        ("scale = 2", "scale = nan", "scale = nan must be of type int"),
        ("scale = 2", f"scale = {'9' * 1900}", "a number has more than 64 bits"),
        ("scale = 2", f"scale = 0x{'f' * 1900}", "a number has more than 64 bits"),
        ("multiply_adds = 1.0", f"multiply_adds = 0x{'f' * 1900}", "a number has more than 64 bits"),
        ("scale = 2", f"scale = '{'9' * 1900}'", "scale = '9{99}… must be of type int"),
        ("scale = 2", f"scale = 2\n{'s' * 1900} = 1", "unknown key 's{99}…; known keys are"),
        ("radius = 3", "radius = -inf", "radius = -inf must be 0 to 512"),
        ("multiple_of = 2", "multiple_of = -2", "multiple_of = -2 must be 1 to 64"),
        ('file = "up.onnx"', 'file = "up\\u0000.onnx"', r"file = 'up\\x00\.onnx' must be the bare name of a file"),
        ('licence = "Apache-2.0"', 'licence = "\\u001b[2J"', r"licence = '\\x1b\[2J' must be one line of at most 1000"),
        ('licence = "Apache-2.0"', 'licence = "a\\nb"', r"licence = 'a\\nb' must be one line of at most 1000"),
        ('description = "', f'description = "{"a" * 1001}', "description = 'a{99}… must be one line of at most 1000"),
        ('architecture = "dsn"', 'architecture = "../dsn"', "architecture = '../dsn' must be a bare name"),
        ('channel = "8-bit"', 'channel = "\\u009b31m"', r"channel = '\\x9b31m' must be a bare name"),
        ("scale = 2", "scale = 2\nlooks = {a = 'nice'}", "looks: 'a' = 'nice' must be of type float"),
        ("scale = 2", f"scale = 2\nlooks.{'a.' * 900}a = 1", "it is nested more than 10 deep"),
        ("scale = 2", f"scale = 2\nlooks = {'[' * 900}{']' * 900}", "it is nested more than 10 deep"),
        ("scale = 2", f"scale = 2\nlooks.{'a.' * 9000}a = 1", "a line has more than 2000 characters"),
    ],
)
def test_unknown_missing_and_broken_fields(folder: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        Card.load(copied(folder, tmp_path, **{old: new}))
    assert "is not a model card" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_card_that_is_no_text(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path)
    (tmp_path / "card.toml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ModelError, match="is not a model card"):
        Card.load(tmp_path)


def test_a_multiple_that_its_interpolated_input_need_not_be(tmp_path: Path) -> None:
    folder = make_upscaler(tmp_path, 3, "y")
    with pytest.raises(ModelError, match="up: multiple_of = 2 must divide the scale if its input is interpolated"):
        Card.load(copied(folder, tmp_path / "copy", **{"multiple_of = 1": "multiple_of = 2"}))


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_hole(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_pipe, "not an ordinary file"),
        (link_to_zeros, "not an ordinary file"),
        (Path.mkdir, "Is a directory"),
        (make_hole, r"more than \d+ bytes"),
    ],
)
def test_files_are_ordinary_and_not_endless(
    folder: Path, tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    card = Card.load(copied(folder, tmp_path))
    for name, read in (("up.onnx", lambda: card.read(card.up)), ("card.toml", lambda: Card.load(tmp_path))):
        (tmp_path / name).unlink()
        make(tmp_path / name)
        with pytest.raises(ModelError, match=rf"cannot read .*{name} \({reason}\): install"):
            read()


def test_hashes_are_hashes(folder: Path, tmp_path: Path) -> None:
    sha256 = Card.load(folder).up.sha256
    with pytest.raises(ModelError, match="up: sha256 = 'AB' must be 64 hexadecimal digits"):
        Card.load(copied(folder, tmp_path, **{sha256: "AB"}))


def test_only_what_pairs_see_at_the_border_is_a_choice(folder: Path, tmp_path: Path) -> None:
    assert Card.load(copied(folder, tmp_path / "pair", **{"scale = 2": "scale = 2\nmirrored = true"})).mirrored
    upscaler = make_upscaler(tmp_path, 2, "y")
    with pytest.raises(ModelError, match="mirrored = true is for pairs, but kind = 'upscaler'"):
        Card.load(copied(upscaler, tmp_path / "upscaler", **{"scale = 2": "scale = 2\nmirrored = true"}))


def test_pair_needs_both_networks(tmp_path: Path) -> None:
    folder = make_upscaler(tmp_path, 2, "y")
    with pytest.raises(ModelError, match="kind = 'pair', but it has no table down"):
        Card.load(copied(folder, tmp_path / "copy", **{'"upscaler"': '"pair"'}))
