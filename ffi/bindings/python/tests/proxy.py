"""Stands between a program and a server, and stops at the piece of data that it is told."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any


class Proxy:
    """Every piece counts, in both directions: that is where a call can be in the middle.

    At the one that it was told it either holds everything up until it is mended, or breaks all connections at once. Nobody else
    gets through meanwhile.
    """

    def __init__(self) -> None:
        #: Where the server is: a host with its port.
        self.upstream = ""
        self.port = 0
        self._stop_at: int | None = None
        self._breaks = False
        self._pieces = 0
        self._stopped, self._mended = asyncio.Event(), asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.mend()
        self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop_at(self, piece: int, *, breaks: bool = False) -> None:
        """From now on stops at the piece of that number; the first is 0."""
        self._pieces, self._stop_at, self._breaks = 0, piece, breaks
        self._stopped, self._mended = asyncio.Event(), asyncio.Event()

    async def settle(self, call: asyncio.Future[Any]) -> bool:
        """Waits until it has stopped or the call is done; whether it has stopped."""
        stopping: asyncio.Future[Any] = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait([stopping, call], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        return self._stopped.is_set()

    def mend(self) -> None:
        """Ends what was stopped, and lets everybody through again."""
        self._stop_at = None
        self._mended.set()
        self._stopped = asyncio.Event()

    def _cut(self) -> None:
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if not self._stopped.is_set():
                host, port = self.upstream.rsplit(":", 1)
                there, back = await asyncio.open_connection(host, int(port))
                self._writers.add(back)
                ways = [asyncio.ensure_future(self._copy(*way)) for way in ((reader, back), (there, writer))]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                back.close()
                self._writers.discard(back)
        except (OSError, asyncio.CancelledError):
            # One side is gone: so is the other. The streams of asyncio complain of handlers that were cancelled.
            pass
        finally:
            writer.close()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(4096):
            if self._stopped.is_set() or self._stop_at == self._pieces:
                self._stopped.set()
                if self._breaks:
                    self._cut()
                else:
                    await self._mended.wait()
                return
            self._pieces += 1
            writer.write(piece)
            await writer.drain()
