"""PINs on their way in, and the wiping of them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from enum import Enum
from itertools import islice
from typing import Any, Literal, Union

from . import _ffi
from ._checks import Pin, called, secret, several

#: More than a call takes of PINs: one that never ends is not listed any further, and has too many then.
_MANY = 64


def wipe(pins: Iterable[object]) -> None:
    """Overwrites what can be overwritten."""
    for pin in pins:
        if isinstance(pin, bytearray):
            pin[:] = bytes(len(pin))


def lowered(secret: Pin) -> bytes:
    """What the library reads a secret from: the caller's own bytes, and no copy that could not be wiped."""
    if isinstance(secret, bytearray) and secret:
        return (ctypes.c_char * len(secret)).from_buffer(secret)  # type: ignore[return-value]
    return bytes(secret)


class _Asked(Enum):
    ASK = "ask"

    def __repr__(self) -> str:
        return "ASK"


#: Approves with whatever the wallet's presence answers. A wallet without one refuses it (code 116).
ASK: Literal[_Asked.ASK] = _Asked.ASK


class Biometric:
    """The 32 bytes that were enrolled as the biometric key. A ``bytearray`` is wiped after use.

    The program keeps them where only the holder's finger or face gets them out, and gives them in the place of a PIN.
    """

    def __init__(self, key: Pin) -> None:
        self.key = secret("key", key)

    def __repr__(self) -> str:
        return "Biometric([redacted])"


#: A PIN, a biometric key, or ``ASK``.
Approval = Union[Pin, Biometric, Literal[_Asked.ASK]]


def approval(name: str, given: Approval) -> _ffi.Approval:
    if given is _Asked.ASK:
        return _ffi.Approval.ASK()  # type: ignore[no-untyped-call, return-value]
    if isinstance(given, Biometric):
        return _ffi.Approval.BIOMETRIC(key=lowered(secret("key", given.key)))  # type: ignore[return-value]
    if not isinstance(given, (bytes, bytearray)):
        raise TypeError(f"{name} must be a bytearray or bytes, a Biometric, or ASK, not {called(given)}")
    return _ffi.Approval.PIN(digits=lowered(given))  # type: ignore[return-value]


def lowered_list(name: str, given: Iterable[Pin]) -> list[bytes]:
    return [lowered(secret(f"each of {name}", pin)) for pin in several(name, given)]


def new_pins(name: str, normal: Pin, duress: Iterable[Pin], biometric: Pin | None) -> _ffi.NewPins:
    return _ffi.NewPins(
        normal=lowered(secret(name, normal)),
        duress=lowered_list("duress", duress),
        biometric=None if biometric is None else lowered(secret("biometric", biometric)),
    )


def found(given: Any, pins: list[object]) -> Any:
    """Adds to ``pins`` what is to be wiped of an argument. The argument is returned, as a list if it can be gone through once only."""
    if isinstance(given, bytearray):
        pins.append(given)
    elif isinstance(given, Biometric):
        pins.append(given.key)
    elif isinstance(given, Iterable) and not isinstance(given, (str, bytes, memoryview)):
        listed = []
        for each in islice(given, _MANY):
            listed.append(found(each, pins) if isinstance(each, (bytearray, Biometric)) else each)
        return listed
    return given
