"""For whoever protects something: asks a server whether a token is open, and asks holders for a yes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from . import _ffi
from ._calls import call, later
from ._checks import instance, limit, secret, several, text, whole
from ._errors import Generated, translated

#: The same where a parameter has the name.
_text = text
#: A day, in seconds.
_LONGEST = 86_400


class RelyingParty:
    """Asks the server at ``base_url`` about the tokens of ``service``. Whatever goes wrong, no token is open by it.

    ``timeout`` is how many seconds the server may take to answer a call (10 if not given). A call is neither true nor false
    before it is awaited, and a :class:`TokenStatus` or an :class:`Answer` never is: what is no answer cannot be taken for a yes.
    """

    def __init__(
        self,
        base_url: str,
        service: str,
        authkey: str,
        *,
        timeout: float | None = None,
        root_certificate: str | None = None,
    ) -> None:
        options = _ffi.RelyingPartyOptions(
            timeout_milliseconds=None if timeout is None else _milliseconds(timeout),
            root_certificate=None if root_certificate is None else text("root_certificate", root_certificate),
        )
        place = (text("base_url", base_url), text("service", service), text("authkey", authkey))
        try:
            self._inner = _ffi.RelyingParty(*place, options)
        except Generated as error:
            raise translated(error) from None

    @later
    async def is_open(self, user: str) -> bool:
        """Whether the token is open: the one question at a door. Never an error: whatever goes wrong, it is not."""
        return await _yes(self._inner.is_open, user)

    @later
    async def gate(self, user: str) -> bool:
        """As :meth:`is_open`, by the call that reverse proxies make."""
        return await _yes(self._inner.gate, user)

    @later
    async def status(self, user: str) -> _ffi.TokenStatus:
        """What the token is. In a service with a window of 0 it may use an opening up."""
        return await call(self._inner.status(text("user", user)))

    @later
    async def confirm(self, user: str, text: str, seconds: int = 120) -> _ffi.PendingConfirmation:
        """Asks the holder to approve ``text`` within ``seconds`` (10 to a day)."""
        return await call(self._inner.confirm(_text("user", user), _text("text", text), whole("seconds", seconds)))

    @later
    async def confirmation(self, id: str) -> _ffi.AskedConfirmation:
        """How a question stands. What the device signed is checked."""
        return await call(self._inner.confirmation(text("id", id)))

    @later
    async def cancel_confirmation(self, id: str) -> _ffi.Answer:
        """Takes a question back. An answer that is there already stays; it is what this returns."""
        return await call(self._inner.cancel_confirmation(text("id", id)))

    @later
    async def await_confirmation(self, id: str, seconds: int = 120) -> _ffi.AskedConfirmation:
        """Waits until the question was answered or has ended; what then still waits is ``Answer.PENDING``."""
        return await call(self._inner.await_confirmation(text("id", id), whole("seconds", seconds)))

    def watch(self, after: int | None = None, kinds: Sequence[str] = ()) -> ServiceEvents:
        """Events of the service as they happen: those after the event number ``after``, or from now on."""
        wanted = [text("each of kinds", kind) for kind in several("kinds", kinds)]
        return ServiceEvents(self._inner.watch(None if after is None else whole("after", after), wanted))


async def _yes(ask: Callable[[str], Coroutine[Any, Any, bool]], user: str) -> bool:
    try:
        return await ask(text("user", user)) is True
    except Exception:
        # What cannot be a user has no open token either.
        return False


def _milliseconds(timeout: float) -> int:
    seconds = limit("timeout", timeout)
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"timeout must be from 0 to {_LONGEST} seconds")
    return round(seconds * 1000)


def verify_receipt(
    receipt: str,
    *,
    deed: _ffi.Deed | None = None,
    text: str | None = None,
    public_key: bytes | None = None,
    confirmation: str | None = None,
    token: str | None = None,
    device: str | None = None,
    not_before: int | None = None,
    not_after: int | None = None,
) -> _ffi.VerifiedReceipt:
    """Checks what a device has signed: a receipt, or what the API gives with one in it, as JSON. Asks nobody.

    Whatever is not given is not looked at: say as much as is known. Times are Unix seconds by the device's clock. Raises
    :class:`RelyingPartyFailed` with code 169 if the receipt does not prove what is expected.
    """
    expected = _ffi.ReceiptExpectation(
        deed=None if deed is None else instance("deed", deed, _ffi.Deed),
        text=None if text is None else _text("text", text),
        public_key=None if public_key is None else bytes(secret("public_key", public_key)),
        confirmation=None if confirmation is None else _text("confirmation", confirmation),
        token=None if token is None else _text("token", token),
        device=None if device is None else _text("device", device),
        not_before=None if not_before is None else whole("not_before", not_before),
        not_after=None if not_after is None else whole("not_after", not_after),
    )
    try:
        return _ffi.verify_receipt(_text("receipt", receipt), expected)
    except Generated as error:
        raise translated(error) from None


class ServiceEvents:
    """The events of a service. An error says that the stream broke; going on begins again behind the last event.

    Waiting has no ``timeout`` of its own: ``asyncio.timeout()`` loses no event.
    """

    def __init__(self, inner: _ffi.Watch) -> None:
        self._inner = inner

    def __aiter__(self) -> ServiceEvents:
        return self

    async def __anext__(self) -> _ffi.ServiceEvent:
        event: _ffi.ServiceEvent | None = await call(self._inner.next())
        if event is None:
            raise StopAsyncIteration
        return event

    def close(self) -> None:
        """Ends it, also for whoever waits for an event now."""
        self._inner.cancel()
