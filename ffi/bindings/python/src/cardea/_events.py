"""Events as an asynchronous iterator."""

from __future__ import annotations

from types import TracebackType

from . import _ffi
from ._calls import call


class EventStream:
    """What happens in a wallet, from when this was made.

    It remembers 64 events for a program that is behind, and then says with one of kind ``EventKind.MISSED`` how many are
    gone. It ends with :meth:`close`, when the ``async with`` of the wallet is left, or when nothing is left of the wallet: no
    token of it, and no live session. Waiting has no ``timeout`` of its own: ``asyncio.timeout()`` loses no event.

        async for event in wallet.events():
            print(event.kind, event.token)
    """

    def __init__(self, inner: _ffi.Events) -> None:
        self._inner = inner

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> _ffi.Event:
        event: _ffi.Event | None = await call(self._inner.next())
        if event is None:
            raise StopAsyncIteration
        return event

    def close(self) -> None:
        """Ends it, also for whoever waits for an event now."""
        self._inner.cancel()

    async def __aenter__(self) -> EventStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
