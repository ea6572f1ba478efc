"""What the program may bring itself. Methods are called on other threads, one call at a time or several at once."""

from __future__ import annotations

import builtins
from typing import Protocol, TypeVar

from . import _ffi
from ._pins import Pin, lowered


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

    Called on a thread of its own; it may take as long as a person needs, and must not call the wallet.
    """

    def approve(self, request: _ffi.PresenceRequest) -> Pin | Biometric | None:
        """A PIN, the biometric key, or ``None`` if the holder does not want to."""
        ...


def os_keyring(service: str) -> SecretStore:
    """The keyring of whoever is logged in, for ``open_wallet(..., secrets=...)``.

    Keychain on macOS, Credential Manager on Windows, Secret Service on other systems with D-Bus; elsewhere opening a wallet
    with it is a :class:`Storage` error. ``service`` is the name of the program in it, one that stays the same. Asks nobody yet.
    """
    return _ffi.os_keyring(service)


class StoreFull(Exception):
    """A store of secrets has no room."""


class StoreDenied(Exception):
    """A store of secrets says no."""


class Biometric:
    """The 32 bytes that were enrolled as the biometric key. A ``bytearray`` is wiped after use."""

    def __init__(self, key: Pin) -> None:
        self.key = key

    def __repr__(self) -> str:
        return "Biometric([redacted])"


class _Clock(_ffi.Clock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> int:
        with _Told():
            now = self._clock.now()
            if not isinstance(now, int) or not 0 <= now < 1 << 64:
                raise ValueError("a time must be Unix seconds")
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
            answer = self._presence.approve(request)
            if answer is None:
                return _ffi.ApprovalAnswer.CANCELLED()  # type: ignore[no-untyped-call, return-value]
            if isinstance(answer, Biometric):
                return _ffi.ApprovalAnswer.BIOMETRIC(key=lowered(_plain(answer.key)))  # type: ignore[return-value]
            return _ffi.ApprovalAnswer.PIN(digits=lowered(_plain(answer)))  # type: ignore[return-value]


_Bytes = TypeVar("_Bytes", bound=Pin)


def _plain(given: _Bytes) -> _Bytes:
    """Bytes, and nothing that merely looks like them: what it is instead is not shown, because it may be a secret."""
    if not isinstance(given, (builtins.bytes, bytearray)):
        raise TypeError(f"bytes were wanted and {type(given).__name__} was given")
    return given


class _Told:
    """Whatever leaves a callback is an error that the library knows.

    The generated module stops at ``Exception``: a ``SystemExit`` or a cancelled task would be dropped on the way, and the
    library would take the callback for one that has succeeded. An exception may also fail to say what it is.
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
        raise _ffi.HostError.Failed(reason=_said(error)) from None  # type: ignore[attr-defined]


def _said(error: BaseException) -> str:
    try:
        text = repr(error)
    except BaseException:
        text = type(error).__name__
    # What cannot be encoded would be an error once more.
    return text[:200].encode("utf-8", "replace").decode()


def host(
    clock: Clock | None,
    entropy: Entropy | None,
    log: LogSink | None,
    secrets: SecretStore | None,
    presence: Presence | None,
) -> _ffi.Host:
    """What the generated module takes."""
    return _ffi.Host(
        clock=None if clock is None else _Clock(clock),
        entropy=None if entropy is None else _Entropy(entropy),
        log=None if log is None else _LogSink(log),
        # The keyring of the operating system is the library's own.
        secrets=secrets if secrets is None or isinstance(secrets, _ffi.SecretStore) else _SecretStore(secrets),
        presence=None if presence is None else _Presence(presence),
    )
