"""For whoever protects something: asks a server whether a token is open, and asks holders for a yes."""

from __future__ import annotations

from collections.abc import Sequence

from . import _ffi
from ._errors import Generated, translated
from ._pins import call


class RelyingParty:
    """Asks the server at ``base_url`` about the tokens of ``service``. Whatever goes wrong, no token is open by it."""

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
            timeout_milliseconds=None if timeout is None else round(timeout * 1000),
            root_certificate=root_certificate,
        )
        try:
            self._inner = _ffi.RelyingParty(base_url, service, authkey, options)
        except Generated as error:
            raise translated(error) from None

    async def is_open(self, user: str) -> bool:
        """Whether the token is open: the one question at a door. Never an error: whatever goes wrong, it is not."""
        return await self._inner.is_open(user)

    async def gate(self, user: str) -> bool:
        """As :meth:`is_open`, by the call that reverse proxies make."""
        return await self._inner.gate(user)

    async def status(self, user: str) -> _ffi.TokenStatus:
        """What the token is. In a service with a window of 0 it may use an opening up."""
        return await call(self._inner.status(user), None)

    async def confirm(self, user: str, text: str, seconds: int = 120) -> _ffi.PendingConfirmation:
        """Asks the holder to approve ``text`` within ``seconds`` (10 to a day)."""
        return await call(self._inner.confirm(user, text, seconds), None)

    async def confirmation(self, id: str) -> _ffi.AskedConfirmation:
        """How a question stands. What the device signed is checked."""
        return await call(self._inner.confirmation(id), None)

    async def cancel_confirmation(self, id: str) -> _ffi.Answer:
        """Takes a question back. An answer that is there already stays; it is what this returns."""
        return await call(self._inner.cancel_confirmation(id), None)

    async def await_confirmation(self, id: str, seconds: int = 120) -> _ffi.AskedConfirmation:
        """Waits until the question was answered or has ended; what then still waits is ``Answer.PENDING``."""
        return await call(self._inner.await_confirmation(id, seconds), None)

    def watch(self, after: int | None = None, kinds: Sequence[str] = ()) -> ServiceEvents:
        """Events of the service as they happen: those after the event number ``after``, or from now on."""
        return ServiceEvents(self._inner.watch(after, list(kinds)))


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
        deed=deed,
        text=text,
        public_key=public_key,
        confirmation=confirmation,
        token=token,
        device=device,
        not_before=not_before,
        not_after=not_after,
    )
    try:
        return _ffi.verify_receipt(receipt, expected)
    except Generated as error:
        raise translated(error) from None


class ServiceEvents:
    """The events of a service. An error says that the stream broke; going on begins again behind the last event."""

    def __init__(self, inner: _ffi.Watch) -> None:
        self._inner = inner

    def __aiter__(self) -> ServiceEvents:
        return self

    async def __anext__(self) -> _ffi.ServiceEvent:
        event: _ffi.ServiceEvent | None = await call(self._inner.next(), None)
        if event is None:
            raise StopAsyncIteration
        return event

    def close(self) -> None:
        """Ends it, also for whoever waits for an event now."""
        self._inner.cancel()
