"""Dataclasses from mappings such as those in TOML files, without tolerance: a typo is an error, not a default."""

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from twinscale.errors import TwinscaleError, UsageError

_T = TypeVar("_T")
_MOST_SHOWN = 100  # characters of a value in a message


@dataclasses.dataclass(frozen=True, slots=True)
class Between:
    """A rule for ``Annotated``: bounds of a number."""

    low: float
    high: float
    or_infinite: bool = False

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}{' or infinite' if self.or_infinite else ''}"

    def allows(self, value: float) -> bool:
        """Return whether a number is within the bounds."""
        return self.low <= value <= self.high or (self.or_infinite and value == math.inf)


@dataclasses.dataclass(frozen=True, slots=True)
class Matching:
    """A rule for ``Annotated``: the form of a text."""

    pattern: str
    """The regular expression of the whole text."""
    form: str
    """What errors call this form."""

    def __str__(self) -> str:
        return self.form

    def allows(self, value: str) -> bool:
        """Return whether a text has the form."""
        return re.fullmatch(self.pattern, value) is not None


def from_mapping(cls: type[_T], mapping: Mapping[str, Any], where: str, error: type[TwinscaleError] = UsageError) -> _T:
    """Fill a dataclass from a mapping.

    Fields may be plain values, ``Literal``, lists of plain values, mappings of texts to any of these, other dataclasses
    (tables), and unions of these; ``None`` in a union stands for a key that is left out. An integer is accepted for a
    float, unless the field takes both. ``Annotated`` adds a rule: :class:`Between` or :class:`Matching`.

    Args:
        cls: the dataclass.
        mapping: a value for every field without a default, and nothing but fields.
        where: what errors name, such as the file.
        error: the class of errors to raise.

    Raises:
        TwinscaleError: of the class ``error``: a key is unknown or missing, or a value has the wrong type or breaks its
            rule.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    kinds = typing.get_type_hints(cls, include_extras=True)
    for key in mapping:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(fields)}"
            raise error(f"{where}: unknown key {_shown(key)}; {hint}")
    for name, f in fields.items():
        if name not in mapping and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise error(f"{where}: missing key {name!r}")
    return cls(**{key: _converted(kinds[key], value, f"{where}: {key}", error) for key, value in mapping.items()})


def _converted(kind: Any, value: Any, where: str, error: type[TwinscaleError]) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin is Annotated:
        kind, rule = arguments
        value = _converted(kind, value, where, error)
        if not rule.allows(value):
            raise error(f"{where} = {_shown(value)} must be {rule}")
        return value
    if origin in (types.UnionType, typing.Union):
        choices = [choice for choice in arguments if choice is not types.NoneType]
        kind = next((choice for choice in choices if type(value) is choice), choices[0])
        return _converted(kind, value, where, error)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise error(f"{where} must be a table, not {_shown(value)}")
        return from_mapping(kind, value, where, error)  # type: ignore[arg-type]
    if origin is Literal:
        if value not in arguments:
            raise error(f"{where} = {_shown(value)} must be one of {', '.join(map(str, arguments))}")
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = origin or kind
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise error(f"{where} = {_shown(value)} must be of type {expected.__name__}")
    if expected is list and not all(isinstance(item, arguments[0]) for item in value):
        raise error(f"{where} = {_shown(value)} must hold only {arguments[0].__name__} values")
    if expected is dict:
        return {key: _converted(arguments[1], item, f"{where}: {_shown(key)}", error) for key, item in value.items()}
    return value


def _shown(value: Any) -> str:
    """Return a value for a message, which may be about a whole file of it."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
