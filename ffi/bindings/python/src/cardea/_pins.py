"""PINs on their way in, and calls that wipe them."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Coroutine, Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

from . import _ffi
from ._errors import Generated, translated

if TYPE_CHECKING:
    from ._host import Biometric

#: ASCII digits. Only a ``bytearray`` can be wiped after use.
Pin = Union[bytes, bytearray]

T = TypeVar("T")


def wipe(pins: Iterable[Pin]) -> None:
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


#: Approves with whatever the wallet's presence answers.
ASK: Literal[_Asked.ASK] = _Asked.ASK

#: A PIN, a biometric key, or ``ASK``.
Approval = Union[Pin, "Biometric", Literal[_Asked.ASK]]


def approval(given: Approval) -> _ffi.Approval:
    if given is _Asked.ASK:
        return _ffi.Approval.ASK()  # type: ignore[no-untyped-call, return-value]
    if isinstance(given, (bytes, bytearray)):
        return _ffi.Approval.PIN(digits=lowered(given))  # type: ignore[return-value]
    return _ffi.Approval.BIOMETRIC(key=lowered(given.key))  # type: ignore[return-value]


def wiped(given: Approval) -> list[Pin]:
    """What is to be wiped of an approval."""
    if given is _Asked.ASK:
        return []
    return [given if isinstance(given, (bytes, bytearray)) else given.key]


def new_pins(normal: Pin, duress: Iterable[Pin], biometric: Pin | None) -> _ffi.NewPins:
    return _ffi.NewPins(
        normal=lowered(normal),
        duress=[lowered(pin) for pin in duress],
        biometric=None if biometric is None else lowered(biometric),
    )


async def call(work: Coroutine[Any, Any, T], timeout: float | None, pins: Iterable[Pin] = ()) -> T:
    """Awaits ``work``, which takes ``pins`` along; they are wiped however it ends."""
    try:
        if timeout is None:
            return await work
        return await asyncio.wait_for(work, timeout)
    except Generated as error:
        raise translated(error) from None
    finally:
        wipe(pins)
