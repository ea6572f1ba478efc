"""The devices' part: invitations, tokens, events."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cardea
import pytest
from cardea import _ffi

from .hosts import KEYS, approval
from .lines import FOLDER, yes
from .operator import Operator
from .wallets import Wallets


def pins(words: tuple[str, ...]) -> dict[str, Any]:
    """Duress PINs, and the biometric key where the last word is one."""
    keys = [KEYS[word] for word in words[-1:] if word in KEYS]
    others = words[: len(words) - len(keys)]
    return {"duress": [word.encode() for word in others], "biometric": keys[0] if keys else None}


class Devices(Wallets):
    """The wallets, and what they have learned of each user's token."""

    def __init__(self, folder: Path, operator: Operator) -> None:
        super().__init__(folder)
        self._operator = operator
        self._ids: dict[str, str] = {}
        self._waiting: dict[str, list[cardea.Confirmation]] = {}
        self._others: dict[str, str] = {}

    async def token(self, user: str) -> cardea.Token:
        return await self.opened.token(self._ids[user])

    # invitations

    def _invitation(self, user: str) -> cardea.Invitation:
        return cardea.Invitation.from_text(self._operator.offer(user)["link"])

    def preview(self, user: str) -> str:
        return self._invitation(user).preview.host

    async def picture(self, file: str) -> str:
        return (await cardea.Invitation.from_qr_image((FOLDER / "pictures" / file).read_bytes())).preview.host

    async def policy(self, user: str) -> str:
        policy = await self.opened.policy(self._invitation(user))
        return f"{policy.pin_min} to {policy.pin_max}"

    async def enroll(self, user: str, pin: str, *more: str) -> None:
        enrolled = await self.opened.enroll(self._invitation(user), pin.encode(), **pins(more))
        self._ids[user] = enrolled.token.id

    async def enroll_code(self, user: str, pin: str) -> None:
        code = self._operator.offer(user)["code"]
        invitation = await cardea.Invitation.from_code(code, self._operator.server.http)
        self._ids[user] = (await self.opened.enroll(invitation, pin.encode())).token.id

    def link(self, how: str) -> None:
        link: str = self._operator.offer("mangled")["link"]
        mangled = {
            "whole": link,
            "spaced": f" \n{link}\t\r\n",
            "empty": "",
            "cut": link[:-8],
            "doubled": link + link,
            "flipped": link[:-1] + ("B" if link[-1] == "A" else "A"),
            "elsewhere": "https://id.example/",
            "long": link + "A" * 100_000,
            "binary": link + "\0",
        }
        cardea.Invitation.from_text(mangled[how])

    async def code(self, how: str) -> None:
        if how == "short":
            await cardea.Invitation.from_code("AB", self._operator.server.http)
        else:
            await cardea.Invitation.from_code(self._operator.offer("mangled")["code"], "127.0.0.1:1")

    # tokens

    async def tokens(self) -> int:
        return len(await self.opened.tokens())

    async def open(self, user: str, pin: str, seconds: str | None = None) -> cardea.Status:
        return await (await self.token(user)).open(approval(pin), None if seconds is None else int(seconds))

    async def close(self, user: str) -> cardea.Status:
        return await (await self.token(user)).close()

    async def status(self, user: str) -> cardea.Status:
        return await (await self.token(user)).status()

    async def remaining(self, user: str) -> int:
        return (await self.status(user)).remaining_seconds or 0

    async def tries(self, user: str) -> int:
        return (await self.status(user)).tries_left

    async def waiting(self, user: str) -> int:
        return (await self.status(user)).confirmations

    async def skewed(self, user: str) -> str:
        return yes((await self.status(user)).clock_difference is not None)

    async def change_pin(self, user: str, pin: str, new: str, *more: str) -> cardea.Status:
        return await (await self.token(user)).change_pin(approval(pin), new.encode(), **pins(more))

    async def set_duress(self, user: str, pin: str, *more: str) -> cardea.Status:
        return await (await self.token(user)).set_duress(pin.encode(), [word.encode() for word in more])

    async def unenroll(self, user: str, pin: str) -> None:
        await (await self.token(user)).unenroll(approval(pin))

    async def forget(self, user: str) -> None:
        await (await self.token(user)).forget()

    async def confirmations(self, user: str) -> str:
        self._waiting[user] = await (await self.token(user)).confirmations()
        return " / ".join(confirmation.text for confirmation in self._waiting[user])

    async def approve(self, user: str, pin: str) -> cardea.Status:
        return await (await self.token(user)).approve(self._waiting[user][0], approval(pin))

    async def deny(self, user: str, reason: str | None = None) -> cardea.Status:
        why = None if reason is None else cardea.DenyReason[reason.upper()]
        return await (await self.token(user)).deny(self._waiting[user][0], why)

    async def devices(self, user: str) -> int:
        return len(await (await self.token(user)).devices())

    async def revoke_other(self, user: str, pin: str) -> cardea.Status:
        if user not in self._others:
            await self._before("revoke_other", user)
        return await (await self.token(user)).revoke_device(self._others.pop(user), approval(pin))

    async def _before(self, verb: str, *rest: str) -> None:
        """Asks what a step has to ask before it can do what it is for."""
        if verb in ("enroll", "policy"):
            self._operator.offer(rest[0])
        if verb == "revoke_other":
            devices = await (await self.token(rest[0])).devices()
            # When there is no other one, its own is no other one either.
            other = next((device for device in devices if not device.is_this), devices[0])
            self._others[rest[0]] = other.id

    async def history(self, user: str) -> str:
        return ", ".join(item.deed.name.lower() for item in await (await self.token(user)).history())

    async def service_info(self, user: str) -> str:
        info = await (await self.token(user)).service_info()
        return f"{info.service} / {info.user}"

    async def label(self, user: str, text: str) -> None:
        await (await self.token(user)).set_label(text)

    async def labeled(self, user: str) -> str:
        return (await (await self.token(user)).info()).label

    async def pending(self, user: str) -> str:
        return yes((await (await self.token(user)).info()).pending)

    async def close_all(self) -> int:
        return len([closed for closed in await self.opened.close_all() if closed.status is not None])

    async def cancelled(self, user: str) -> Any:
        cancel = _ffi.Cancel()  # type: ignore[no-untyped-call]
        cancel.cancel()
        with pytest.raises(_ffi.CardeaError) as caught:
            await (await self.token(user))._inner.status(cancel)
        return cardea.Cancelled(caught.value.code, "")  # type: ignore[attr-defined]

    # events

    def go_live(self) -> None:
        self._live = self.opened.go_live()

    def wake(self) -> None:
        self._live.wake()

    async def stop_live(self) -> None:
        await self._live.stop()

    async def event(self, user: str, kind: str) -> None:
        async def found() -> None:
            assert self.named.events is not None
            async for event in self.named.events:
                assert event.kind is not cardea.EventKind.MISSED
                if event.token == self._ids[user] and event.kind.name.lower() == kind:
                    return
            raise AssertionError("the events ended")

        await asyncio.wait_for(found(), 30)

    # the server goes away

    async def interrupted(self, step: Callable[[], Awaitable[Any]], user: str) -> Any:
        token, server = await self.token(user), self._operator.server
        server.freeze()
        doing = asyncio.ensure_future(step())
        while not (await token.info()).pending:
            await asyncio.sleep(0.005)
        server.stop()
        server.start()
        return await doing

    async def lost(self, step: Callable[[], Awaitable[Any]]) -> Any:
        server = self._operator.server
        host, port = server.channel.rsplit(":", 1)
        server.stop()
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, int(port)))
            listener.listen()
            listener.setblocking(False)
            loop = asyncio.get_running_loop()
            doing = asyncio.ensure_future(step())
            connection, _ = await loop.sock_accept(listener)
        with connection:
            connection.setblocking(False)
            assert await loop.sock_recv(connection, 4096)
        server.start()
        return await doing
