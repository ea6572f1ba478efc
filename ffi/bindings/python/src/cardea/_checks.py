"""What is given is looked at before it is used: errors name the argument, and never show what was given."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any, TypeVar, Union

T = TypeVar("T")

#: Bytes that may be a secret. Only a ``bytearray`` can be wiped after use.
Pin = Union[bytes, bytearray]


def called(given: object) -> str:
    """What to call it in an error: its type, for it may be a secret."""
    return type(given).__name__


def text(name: str, given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError(f"{name} must be a str, not {called(given)}")
    try:
        given.encode()
    except UnicodeEncodeError:
        # Its own message has the text in it.
        raise ValueError(f"{name} has a lone surrogate in it, which is no character") from None
    return given


def whole(name: str, given: Any, below: int = 1 << 64) -> int:
    """A whole number from 0 on."""
    try:
        if isinstance(given, bool):
            raise TypeError
        number = operator.index(given)
    except TypeError:
        raise TypeError(f"{name} must be an int, not {called(given)}") from None
    if not 0 <= number < below:
        raise ValueError(f"{name} must be from 0 to {below - 1}")
    return number


def instance(name: str, given: Any, kind: type[T]) -> T:
    if not isinstance(given, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {called(given)}")
    return given


def limit(name: str, given: Any) -> float:
    """A time in seconds."""
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {called(given)}")
    if math.isnan(given):
        raise ValueError(f"{name} must be a number of seconds")
    return given


def secret(name: str, given: Any) -> Pin:
    if not isinstance(given, (bytes, bytearray)):
        raise TypeError(f"{name} must be a bytearray or bytes, not {called(given)}")
    return given


def several(name: str, given: Any) -> list[Any]:
    """A list of something. What is one of them itself, and would be taken apart, is refused."""
    if isinstance(given, (str, bytes, bytearray, memoryview)) or not isinstance(given, Iterable):
        raise TypeError(f"{name} must be a list, not {called(given)}")
    return list(given)
