"""Files that may come from anywhere."""

import os
from pathlib import Path

import pytest

from twinscale.untrusted import read_ordinary, read_toml


def test_an_ordinary_file_and_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_ordinary(tmp_path / "file", 5) == read_ordinary(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_ordinary(tmp_path / "file", 4)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(2**40)  # of holes
    with pytest.raises(OSError, match="more than 10000000000 bytes"):
        read_ordinary(tmp_path / "file", 10**10)


def test_what_is_no_ordinary_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # nobody writes to it, so whoever opens it waits
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/full")):
        with pytest.raises(OSError, match="not an ordinary file"):
            read_ordinary(path, 100)
    with pytest.raises(IsADirectoryError):
        read_ordinary(tmp_path, 100)
    with pytest.raises(FileNotFoundError):
        read_ordinary(tmp_path / "nothing", 100)


def test_toml(tmp_path: Path) -> None:
    text = 'name = "ä"\nlargest = 9223372036854775807\nday = 1979-05-27\n[a.b]\nc = [[1], {d = nan}]\n'
    (tmp_path / "file").write_text(text, encoding="utf-8")
    assert read_toml(tmp_path / "file")["a"]["b"]["c"][0] == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a = ", "Invalid value"),
        (b"\xff\xfea", "can't decode byte 0xff"),
        (b"a = " + b"9" * 1900, "a number has more than 64 bits"),
        (b"a = 9223372036854775808", "a number has more than 64 bits"),
        (b"a = {b = [1, 0x" + b"f" * 1900 + b"]}", "a number has more than 64 bits"),
        (b"a = [\n" + b"9,\n" * 10 + b"9" * 10_000 + b"]", "a line has more than 2000 characters"),
        (b"a." * 10_000 + b"b = 1", "a line has more than 2000 characters"),
        (b"a." * 900 + b"b = 1", "it is nested more than 10 deep"),
        (b"a = " + b"[" * 11 + b"]" * 11, "it is nested more than 10 deep"),
        (b"a = " + b"[\n" * 5000 + b"]\n" * 5000, "it is nested more than 10 deep"),
        (b'a = "\xc2\x9b31m"', "a control character"),
        (b"a = 1 # \xc2\x9b31m", "a control character"),
        (b"[" + b"a" * 1900 + b"]\n" + b"[" + b"a" * 1900 + b"]\n", "Cannot declare"),
    ],
)
def test_what_is_no_small_toml(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_toml(tmp_path / "file")
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)


def test_more_than_anybody_writes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"# \n" * 30_000)
    with pytest.raises(OSError, match="more than 65536 bytes"):
        read_toml(tmp_path / "file")
