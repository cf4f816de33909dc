"""Dataclasses from mappings, field by field."""

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest

from twinscale.errors import ModelError, UsageError
from twinscale.strict import Between, Matching, from_mapping


@dataclass(frozen=True)
class Inner:
    side: int


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    kind: Literal["a", "b"] = "a"
    rate: float = 1.0
    radius: int | float = 0
    names: list[str] = field(default_factory=list)
    free: dict[str, Any] = field(default_factory=dict)
    inner: Inner | None = None
    note: str | None = None


def test_every_kind_of_field() -> None:
    mapping = {
        "name": "n",
        "kind": "b",
        "rate": 2,
        "radius": math.inf,
        "names": ["x"],
        "free": {"anything": [1, "two"]},
        "inner": {"side": 3},
        "note": "text",
    }
    made = from_mapping(Outer, mapping, "file")
    assert made == Outer(
        name="n",
        kind="b",
        rate=2.0,
        radius=math.inf,
        names=["x"],
        free={"anything": [1, "two"]},
        inner=Inner(3),
        note="text",
    )
    assert isinstance(made.rate, float)


def test_what_is_left_out_has_its_default() -> None:
    assert from_mapping(Outer, {"name": "n"}, "file") == Outer(name="n")


def test_a_field_that_takes_both_keeps_an_integer() -> None:
    radius = from_mapping(Outer, {"name": "n", "radius": 3}, "file").radius
    assert isinstance(radius, int)


@dataclass(frozen=True)
class Measured:
    figures: dict[str, float] = field(default_factory=dict)


def test_mappings_of_one_kind() -> None:
    assert from_mapping(Measured, {"figures": {"a": 1, "b": math.inf}}, "file").figures == {"a": 1.0, "b": math.inf}
    with pytest.raises(UsageError, match=r"^file: figures: 'b' = True must be of type float$"):
        from_mapping(Measured, {"figures": {"a": 1.0, "b": True}}, "file")


def test_values_are_shown_in_part() -> None:
    for mapping in ({"name": ["a" * 10**6]}, {"name": "n", "a" * 10**6: 1}, {"name": "n", "inner": "a" * 10**6}):
        with pytest.raises(UsageError) as raised:
            from_mapping(Outer, mapping, "file")
        assert len(str(raised.value)) < 300


@dataclass(frozen=True)
class Ruled:
    side: Annotated[int, Between(1, 16)] = 1
    radius: Annotated[int | float, Between(0, 9, or_infinite=True)] = 0
    name: Annotated[str, Matching("[a-z]+", "lower-case letters")] = "a"


def test_rules() -> None:
    made = from_mapping(Ruled, {"side": 16, "radius": math.inf, "name": "abc"}, "file")
    assert made == Ruled(16, math.inf, "abc")
    assert from_mapping(Ruled, {"radius": 9.0}, "file") == Ruled(radius=9.0)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"side": 0}, "file: side = 0 must be 1 to 16"),
        ({"side": 17}, "file: side = 17 must be 1 to 16"),
        ({"side": "1"}, "file: side = '1' must be of type int"),
        ({"radius": -1}, "file: radius = -1 must be 0 to 9 or infinite"),
        ({"radius": 9.5}, "file: radius = 9.5 must be 0 to 9 or infinite"),
        ({"radius": -math.inf}, "file: radius = -inf must be 0 to 9 or infinite"),
        ({"radius": math.nan}, "file: radius = nan must be 0 to 9 or infinite"),
        ({"name": "a b"}, "file: name = 'a b' must be lower-case letters"),
        ({"name": "a\n"}, "file: name = 'a\\n' must be lower-case letters"),
    ],
)
def test_rules_that_are_broken(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        from_mapping(Ruled, mapping, "file")
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"name": "n", "nam": 1}, "file: unknown key 'nam'; did you mean 'name'?"),
        ({"name": "n", "zzz": 1}, "file: unknown key 'zzz'; known keys are name, kind, rate"),
        ({}, "file: missing key 'name'"),
        ({"name": 1}, "file: name = 1 must be of type str"),
        ({"name": "n", "kind": "c"}, "file: kind = 'c' must be one of a, b"),
        ({"name": "n", "rate": "1"}, "file: rate = '1' must be of type float"),
        ({"name": "n", "rate": True}, "file: rate = True must be of type float"),
        ({"name": "n", "radius": "3"}, "file: radius = '3' must be of type int"),
        ({"name": "n", "radius": True}, "file: radius = True must be of type int"),
        ({"name": "n", "names": "x"}, "file: names = 'x' must be of type list"),
        ({"name": "n", "names": ["x", 1]}, "must hold only str values"),
        ({"name": "n", "free": 1}, "file: free = 1 must be of type dict"),
        ({"name": "n", "inner": 3}, "file: inner must be a table, not 3"),
        ({"name": "n", "inner": {"side": 3.0}}, "file: inner: side = 3.0 must be of type int"),
        ({"name": "n", "inner": {"sides": 3}}, "file: inner: unknown key 'sides'; did you mean 'side'?"),
        ({"name": "n", "note": 1}, "file: note = 1 must be of type str"),
    ],
)
@pytest.mark.parametrize("error", [UsageError, ModelError])
def test_everything_else_is_an_error(mapping: dict[str, Any], message: str, error: type[UsageError]) -> None:
    with pytest.raises(error) as raised:
        from_mapping(Outer, mapping, "file", error)
    assert type(raised.value) is error
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
