"""PINs on their way in, and calls that wipe them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar, Union

from . import _ffi
from ._errors import Generated, translated

#: ASCII digits. Only a ``bytearray`` can be wiped after use.
Pin = Union[bytes, bytearray]

T = TypeVar("T")


def wipe(pins: Iterable[Pin]) -> None:
    """Overwrites what can be overwritten."""
    for pin in pins:
        if isinstance(pin, bytearray):
            pin[:] = bytes(len(pin))


def approval(pin: Pin) -> _ffi.Approval:
    return _ffi.Approval.PIN(digits=pin)  # type: ignore[return-value]


def new_pins(normal: Pin, duress: Iterable[Pin]) -> _ffi.NewPins:
    return _ffi.NewPins(normal=normal, duress=list(duress))  # type: ignore[arg-type]


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
