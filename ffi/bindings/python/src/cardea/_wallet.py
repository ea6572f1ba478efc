"""The wallet."""

from __future__ import annotations

import os
import weakref
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from . import _ffi
from ._calls import call, taking_pins
from ._checks import Pin, called, instance, text
from ._errors import Generated, translated
from ._events import EventStream
from ._host import Clock, Entropy, LogSink, Presence, SecretStore, host
from ._pins import new_pins
from ._token import Token

#: The same where a parameter has the name.
_text = text


class Invitation:
    """An invitation to enroll. It holds a one-time secret. Making one uses nothing up."""

    def __init__(self, inner: _ffi.Invitation) -> None:
        self._inner = inner

    @classmethod
    def from_text(cls, text: str) -> Invitation:
        """From a link, a ``cardea:`` address, or the text of a QR code. Asks nobody."""
        try:
            return cls(_ffi.Invitation.from_text(_text("text", text)))
        except Generated as error:
            raise translated(error) from None

    @classmethod
    async def from_code(cls, code: str, server: str, *, timeout: float | None = None) -> Invitation:
        """From a typed code and the host of its server, which is asked for its key."""
        return cls(await call(_ffi.Invitation.from_code(text("code", code), text("server", server)), timeout))

    @classmethod
    async def from_qr_image(cls, picture: bytes, *, timeout: float | None = None) -> Invitation:
        """From a picture of a QR code: the bytes of a PNG or JPEG file. Asks nobody."""
        if not isinstance(picture, (bytes, bytearray, memoryview)):
            raise TypeError(f"picture must be bytes, not {called(picture)}")
        return cls(await call(_ffi.Invitation.from_qr_image(bytes(picture)), timeout))

    @property
    def preview(self) -> _ffi.Preview:
        """Where it leads; show it to the holder before accepting. Asks nobody."""
        return self._inner.preview()

    def __repr__(self) -> str:
        preview = self.preview
        return f"Invitation({preview.host}:{preview.port})"


@dataclass(frozen=True)
class Enrollment:
    """A token that was just enrolled."""

    #: The token.
    token: Token
    #: Six digits to compare with those on the enrolling page, if the service wants that.
    short_string: str | None
    #: Whether the service insists on the comparison.
    short_string_required: bool


class Live:
    """Live sessions for every token of a wallet: what happens to a token elsewhere becomes an event.

    For as long as the holder looks at the app: ``async with wallet.go_live():``.
    """

    def __init__(self, inner: _ffi.Live) -> None:
        self._inner = inner

    def wake(self) -> None:
        """Looks again at once: after sleep, or after a change of network.

        Of many calls in a row the first three are done at once, and the rest together, ten seconds after the one before.
        """
        self._inner.wake()

    async def stop(self, *, timeout: float | None = None) -> None:
        """Ends the sessions and waits until no connection is left."""
        await call(self._inner.stop(), timeout)

    async def __aenter__(self) -> Live:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


class Wallet:
    """The tokens of one holder on one device. :func:`open_wallet` makes one.

    As a context manager it ends the streams of its events. Nothing else has to be closed.
    """

    def __init__(self, inner: _ffi.Wallet) -> None:
        self._inner = inner
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()

    async def tokens(self, *, timeout: float | None = None) -> list[Token]:
        """All tokens, in a stable order. Asks nobody."""
        return [Token(inner) for inner in await call(self._inner.tokens(), timeout)]

    async def token(self, id: str, *, timeout: float | None = None) -> Token:
        """The token of this name. Asks nobody."""
        return Token(await call(self._inner.token(text("id", id)), timeout))

    async def policy(self, invitation: Invitation, *, timeout: float | None = None) -> _ffi.Policy:
        """What the service of an invitation asks of PINs. Asks its server and uses nothing up."""
        return await call(self._inner.policy(instance("invitation", invitation, Invitation)._inner), timeout)

    @taking_pins
    async def enroll(
        self,
        invitation: Invitation | str,
        pin: Pin,
        duress: Iterable[Pin] = (),
        biometric: Pin | None = None,
        *,
        timeout: float | None = None,
    ) -> Enrollment:
        """Accepts an invitation, or its text."""
        if isinstance(invitation, str):
            invitation = Invitation.from_text(invitation)
        accepted = instance("invitation", invitation, Invitation)
        pins = new_pins("pin", pin, duress, biometric)
        enrolled = await call(self._inner.enroll(accepted._inner, pins), timeout)
        return Enrollment(Token(enrolled.token), enrolled.short_string, enrolled.short_string_required)

    async def close_all(self, *, timeout: float | None = None) -> list[_ffi.Closed]:
        """Closes all tokens, several at a time. One that fails keeps no other from being closed."""
        return await call(self._inner.close_all(), timeout)

    def go_live(self) -> Live:
        """Keeps a live session for every token until what this returns is stopped or gone."""
        return Live(self._inner.go_live())

    def events(self) -> EventStream:
        """What happens from now on."""
        stream = EventStream(self._inner.events())
        self._streams.add(stream)
        return stream

    async def __aenter__(self) -> Wallet:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in list(self._streams):
            stream.close()


class _Opening:
    """A wallet that is not open yet: await it, or enter it with ``async with``."""

    def __init__(self, options: _ffi.WalletOptions, host: _ffi.Host, timeout: float | None) -> None:
        self._options = options
        self._host = host
        self._timeout = timeout
        self._wallet: Wallet | None = None

    async def _open(self) -> Wallet:
        return Wallet(await call(_ffi.open_wallet(self._options, self._host), self._timeout))

    def __await__(self) -> Generator[Any, None, Wallet]:
        return self._open().__await__()

    async def __aenter__(self) -> Wallet:
        self._wallet = await self._open()
        return self._wallet

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wallet is not None:
            await self._wallet.__aexit__(kind, error, trace)


def open_wallet(
    folder: str | os.PathLike[str] | None = None,
    *,
    allow_test_argon2: bool = False,
    emulated: bool = False,
    recover_in_background: bool = True,
    transport: _ffi.Transport | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    log: LogSink | None = None,
    secrets: SecretStore | None = None,
    presence: Presence | None = None,
    timeout: float | None = None,
) -> _Opening:
    """Opens the wallet in ``folder``, making it if it is not there; without a folder the tokens are in memory only.

    Use it as ``await open_wallet(...)`` or ``async with open_wallet(...) as wallet:``. With
    ``transport=Transport.TCP`` servers are reached by TCP only; otherwise by the first way that works.
    """
    options = _ffi.WalletOptions(
        folder=None if folder is None else _folder(folder),
        allow_test_argon2=instance("allow_test_argon2", allow_test_argon2, bool),
        emulated=instance("emulated", emulated, bool),
        recover_in_background=instance("recover_in_background", recover_in_background, bool),
        transport=None if transport is None else instance("transport", transport, _ffi.Transport),
    )
    return _Opening(options, host(clock, entropy, log, secrets, presence), timeout)


def _folder(folder: str | os.PathLike[str]) -> str:
    try:
        name = text("folder", os.fspath(folder))
    except TypeError:
        raise TypeError(f"folder must be a str or a path, not {called(folder)}") from None
    if not name:
        raise ValueError("folder must not be empty: leave it out for a wallet in memory, or say '.' for the working folder")
    return name
