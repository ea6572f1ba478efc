"""Calls into the library: until the program ends, never true by themselves, and with PINs that are wiped."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import time
from collections.abc import Callable, Coroutine, Generator
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from . import _ffi
from ._checks import limit
from ._errors import Generated, translated
from ._ffi import cardea_ffi as generated
from ._pins import found, wipe

P = ParamSpec("P")
T = TypeVar("T")

#: How many seconds the end of the program waits for threads that are in the library.
_PATIENCE = 2.0


class Gate:
    """Which calls are in the library, and whether more may go in.

    A thread that the library calls back on ends with the whole process once the interpreter has ended. Nothing here takes
    a lock: the destructors that come by may run in the middle of anything, this class too.
    """

    def __init__(self) -> None:
        self._inside: set[object] = set()
        self._was_used = False
        self._closed: str | None = None

    def enter(self) -> object | None:
        """What to leave with; ``None`` if it is closed."""
        call = object()
        self._inside.add(call)
        # Looked at after it was added: whoever has closed it sees this call, or this sees that it is closed.
        if self._closed is None:
            return call
        self._inside.discard(call)
        return None

    def leave(self, call: object) -> None:
        self._inside.discard(call)

    def through(self, function: Callable[..., T], *arguments: Any) -> T:
        """Calls something of the library that may call back."""
        self._was_used = True
        call = self.enter()
        if call is None:
            raise Generated.ShuttingDown(code=150, reason=self._closed)  # type: ignore[attr-defined]
        try:
            return function(*arguments)
        finally:
            self.leave(call)

    def freed(self, function: Callable[..., object], *arguments: Any) -> None:
        """Gives something back, unless nobody will miss it any more."""
        call = self.enter()
        if call is not None:
            try:
                function(*arguments)
            finally:
                self.leave(call)

    def close(self) -> None:
        """Lets nobody in any more, and waits for those that are in."""
        self._closed = "the program is shutting down"
        until = time.monotonic() + _PATIENCE
        while self._inside and time.monotonic() < until:
            time.sleep(0.001)

    def forked(self) -> None:
        """In a process that has the parent's memory and none of its threads."""
        if self._was_used:
            self._closed = "the library was in use when this process was forked: start processes with spawn"
            self._inside.clear()
            atexit.unregister(end)


gate = Gate()


def end() -> None:
    """Ends the library with the program."""
    gate.close()
    _ffi.shut_down()


_generated_call: Any = generated._uniffi_rust_call_async


def _call(future: Any, poll: Any, complete: Any, free: Any, lift: Any, error: Any) -> Any:
    into, back = partial(partial, gate.through), partial(gate.freed, free)
    return _generated_call(future, into(poll), into(complete), back, lift, error)


generated._uniffi_rust_call_async = _call
# The last of what may run of a program: threads that are waited for have ended.
atexit.register(end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=gate.forked)


class Later(Coroutine[Any, Any, T]):
    """A call that has yet to be made: await it, or make a task of it. It is neither true nor false by itself."""

    def __init__(self, work: Coroutine[Any, Any, T], pins: list[object]) -> None:
        self._work = work
        self._pins = pins

    def __await__(self) -> Generator[Any, None, T]:
        try:
            return (yield from self._work.__await__())
        finally:
            wipe(self._pins)

    def send(self, value: Any) -> Any:
        return self._stepped(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return self._stepped(self._work.throw, *error)

    def close(self) -> None:
        self._stepped(self._work.close)
        wipe(self._pins)

    def _stepped(self, step: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return step(*arguments)
        except BaseException:
            # However it ends, this is how a coroutine says so.
            wipe(self._pins)
            raise

    def __del__(self) -> None:
        # It may have ended before it began, or was never awaited.
        wipe(self._pins)

    if not TYPE_CHECKING:
        # Type checkers warn of conditions that are always true, if they do not see that this one raises.
        def __bool__(self) -> NoReturn:
            raise TypeError(f"{self.__qualname__}() has no answer yet: await it")

        def __getattr__(self, name: str) -> Any:
            # What debuggers and the names of tasks look for.
            if name in ("__name__", "__qualname__") or name.startswith("cr_"):
                return getattr(self._work, name)
            raise AttributeError(name)


def _begins(function: Callable[P, Coroutine[Any, Any, T]], begin: Callable[P, Later[T]]) -> Callable[P, Later[T]]:
    update_wrapper(begin, function)
    # Python 3.12 and later.
    mark: Callable[[Callable[P, Later[T]]], Callable[P, Later[T]]] = getattr(
        inspect, "markcoroutinefunction", lambda marked: marked
    )
    return mark(begin)


def later(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Later[T]]:
    """Of calls whose answer is taken for a yes or no: a forgotten ``await`` is an error, and no yes."""

    def begin(*arguments: P.args, **named: P.kwargs) -> Later[T]:
        return Later(function(*arguments, **named), [])

    return _begins(function, begin)


def taking_pins(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Later[T]]:
    """Of calls that are given PINs, which are wiped however the call ends, and also if it never begins."""

    def begin(*arguments: P.args, **named: P.kwargs) -> Later[T]:
        pins: list[object] = []
        try:
            plain: Any = [found(given, pins) for given in arguments]
            keywords: Any = {name: found(given, pins) for name, given in named.items()}
            return Later(function(*plain, **keywords), pins)
        except BaseException:
            wipe(pins)
            raise

    return _begins(function, begin)


async def call(work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
    """Awaits ``work``, for so many seconds at most."""
    try:
        if timeout is None:
            return await work
        async with asyncio.timeout(limit("timeout", timeout)):
            return await work
    except Generated as error:
        raise translated(error) from None
    finally:
        # If it was never awaited.
        work.close()
