"""What the program may bring itself. Methods are called on other threads, one call at a time or several at once."""

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import inspect
from typing import Any, Protocol, TypeVar

from . import _ffi
from ._checks import Pin, called, text
from ._pins import Biometric, lowered, wipe


class Clock(Protocol):
    """A clock. It may jump and be wrong by years: it is evidence only, and the server's clock decides."""

    def now(self) -> int:
        """Unix seconds."""
        ...


class Entropy(Protocol):
    """A source of random bytes. What it gives is mixed with random bytes of the operating system."""

    def bytes(self, count: int) -> builtins.bytes:
        """Exactly ``count`` random bytes."""
        ...


class LogSink(Protocol):
    """Where lines go that tell what the library does by itself. They never contain secrets or names of holders."""

    def log(self, level: _ffi.LogLevel, text: str) -> None:
        """Takes one line. What it raises is dropped."""
        ...


class SecretStore(Protocol):
    """A place for small secrets under names. The key of the wallet's folder lives there.

    Raise :class:`StoreFull` or :class:`StoreDenied` where that is what happened, and anything else otherwise.
    """

    def load(self, name: str) -> builtins.bytes | None:
        """The secret of this name; ``None`` if there certainly is none."""
        ...

    def save(self, name: str, secret: builtins.bytes) -> None:
        """Keeps a secret. When this returns, it is durable."""
        ...

    def remove(self, name: str) -> None:
        """Removes a secret. It is no error if there is none."""
        ...


class Presence(Protocol):
    """Who asks the holder where a call was given ``ASK``.

    Called on a thread of its own, on which calls of the wallet are refused; it may take as long as a person needs. Where the
    asking is done in an event loop, hand it over and wait, with ``asyncio.run_coroutine_threadsafe(...).result()``: there, the
    wallet may be called as ever. A cancelled future says that the holder gave up, as ``None`` does.
    """

    def approve(self, request: _ffi.PresenceRequest) -> Pin | Biometric | None:
        """A PIN, the biometric key, or ``None`` if the holder does not want to. A ``bytearray`` is wiped after use."""
        ...


def os_keyring(service: str) -> SecretStore:
    """The keyring of whoever is logged in, for ``open_wallet(..., secrets=...)``.

    Keychain on macOS, Credential Manager on Windows, Secret Service on other systems with D-Bus; elsewhere opening a wallet
    with it is a :class:`Storage` error. ``service`` is the name of the program in it, one that stays the same. Asks nobody yet.
    """
    return _ffi.os_keyring(text("service", service))


class StoreFull(Exception):
    """A store of secrets has no room."""


class StoreDenied(Exception):
    """A store of secrets says no."""


class _Clock(_ffi.Clock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> int:
        with _Told():
            now = self._clock.now()
            if not isinstance(now, int) or isinstance(now, bool) or not 0 <= now < 1 << 64:
                raise _Unfit("a time must be Unix seconds")
            return now


class _Entropy(_ffi.Entropy):
    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def bytes(self, count: int) -> builtins.bytes:
        with _Told():
            return _plain(self._entropy.bytes(count))


class _LogSink(_ffi.LogSink):
    def __init__(self, log: LogSink) -> None:
        self._log = log

    def log(self, level: _ffi.LogLevel, text: str) -> None:
        with _Told():
            self._log.log(level, text)


class _SecretStore(_ffi.SecretStore):
    def __init__(self, secrets: SecretStore) -> None:
        self._secrets = secrets

    def load(self, name: str) -> builtins.bytes | None:
        with _Told():
            secret = self._secrets.load(name)
            return None if secret is None else _plain(secret)

    def save(self, name: str, secret: builtins.bytes) -> None:
        with _Told():
            self._secrets.save(name, secret)

    def remove(self, name: str) -> None:
        with _Told():
            self._secrets.remove(name)


class _Presence(_ffi.Presence):
    def __init__(self, presence: Presence) -> None:
        self._presence = presence

    def approve(self, request: _ffi.PresenceRequest) -> _ffi.ApprovalAnswer:
        with _Told():
            try:
                answer = self._presence.approve(request)
            except (asyncio.CancelledError, concurrent.futures.CancelledError):
                answer = None
            if answer is None:
                return _ffi.ApprovalAnswer.CANCELLED()  # type: ignore[no-untyped-call, return-value]
            given = _plain(answer.key if isinstance(answer, Biometric) else answer)
            wiping = _Wiping(given)
            kind = _ffi.ApprovalAnswer.BIOMETRIC if isinstance(answer, Biometric) else _ffi.ApprovalAnswer.PIN
            lowers: Any = kind(lowered(given))
            # The generated module takes the bytes out of it, and then drops it.
            lowers.wiping = wiping
            return lowers  # type: ignore[no-any-return]


class _Wiping:
    """Overwrites a secret when nobody needs it any more."""

    def __init__(self, secret: Pin) -> None:
        self._secret = secret

    def __del__(self) -> None:
        wipe([self._secret])


_Bytes = TypeVar("_Bytes", bound=Pin)


class _Unfit(Exception):
    """What a part of the program gave is not what it should be; in words of this package, which show nothing of it."""


def _plain(given: _Bytes) -> _Bytes:
    """Bytes, and nothing that merely looks like them: what it is instead is not shown, because it may be a secret."""
    if not isinstance(given, (builtins.bytes, bytearray)):
        raise _Unfit(f"bytes were wanted and {called(given)} was given")
    return given


class _Told:
    """Whatever leaves a callback is an error that the library knows.

    The generated module stops at ``Exception``: a ``SystemExit`` or a cancelled task would be dropped on the way, and the
    library would take the callback for one that has succeeded.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        if isinstance(error, StoreFull):
            raise _ffi.HostError.Full() from None  # type: ignore[attr-defined]
        if isinstance(error, StoreDenied):
            raise _ffi.HostError.Denied() from None  # type: ignore[attr-defined]
        # Its text may have a PIN or a key in it.
        reason = str(error) if isinstance(error, _Unfit) else called(error)
        raise _ffi.HostError.Failed(reason=reason[:200]) from None  # type: ignore[attr-defined]


def _part(name: str, given: Any, *methods: str) -> Any:
    """What a program brings, if it has the methods that will be called."""
    if isinstance(given, type):
        raise TypeError(f"{name} must be an object, not the class {given.__name__}")
    for method in methods:
        function = getattr(given, method, None)
        if not callable(function):
            raise TypeError(f"{name} must have the method {method}, which {called(given)} has not")
        if inspect.iscoroutinefunction(function):
            raise TypeError(
                f"{name}.{method} must be a plain function: it is called on another thread, which may wait for a coroutine "
                "with asyncio.run_coroutine_threadsafe(...).result()"
            )
    return given


def host(
    clock: Clock | None,
    entropy: Entropy | None,
    log: LogSink | None,
    secrets: SecretStore | None,
    presence: Presence | None,
) -> _ffi.Host:
    """What the generated module takes."""
    secret_store = ("load", "save", "remove")
    return _ffi.Host(
        clock=None if clock is None else _Clock(_part("clock", clock, "now")),
        entropy=None if entropy is None else _Entropy(_part("entropy", entropy, "bytes")),
        log=None if log is None else _LogSink(_part("log", log, "log")),
        # The keyring of the operating system is the library's own.
        secrets=secrets
        if secrets is None or isinstance(secrets, _ffi.SecretStore)
        else _SecretStore(_part("secrets", secrets, *secret_store)),
        presence=None if presence is None else _Presence(_part("presence", presence, "approve")),
    )
