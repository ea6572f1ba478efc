"""What a relying party does with the package."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import cardea

from .lines import yes
from .operator import Operator


class Relying:
    """The relying party of a scenario: methods are the words behind ``party``."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self._key = "admin"
        self._place = "server"
        self._made: cardea.RelyingParty | None = None
        self._watch: cardea.ServiceEvents | None = None

    def _party(self) -> cardea.RelyingParty:
        if self._made is None:
            server = self._operator.server
            keys = {"status": server._status_key, "admin": server._admin_key, "wrong": "wrong-key", "malformed": "a b"}
            places = {
                "server": f"http://{server.http}",
                "nowhere": "http://127.0.0.1:1",
                "elsewhere": "http://id.example",
            }
            self._made = cardea.RelyingParty(places[self._place], server.service, keys[self._key])
        return self._made

    def key(self, which: str) -> None:
        self._key, self._made = which, None

    def at(self, where: str) -> None:
        self._place, self._made = where, None

    async def status(self, user: str) -> cardea.TokenStatus:
        return await self._party().status(user)

    async def is_open(self, user: str) -> str:
        return yes(await self._party().is_open(user))

    async def gate(self, user: str) -> str:
        return yes(await self._party().gate(user))

    async def ask(self, user: str, text: str, *seconds: str) -> None:
        asked = await self._party().confirm(user, text, *(int(number) for number in seconds))
        self._operator.questions[user] = asked.id

    async def answer(self, user: str) -> str:
        return (await self._party().confirmation(self._operator.questions[user])).answer.name.lower()

    async def wait(self, user: str) -> str:
        return (await self._party().await_confirmation(self._operator.questions[user], 30)).answer.name.lower()

    async def withdraw(self, user: str) -> str:
        return (await self._party().cancel_confirmation(self._operator.questions[user])).name.lower()

    def watch(self) -> None:
        self._watch = self._party().watch(after=0)

    async def event(self, user: str, kind: str) -> None:
        assert self._watch is not None
        events = self._watch

        async def found() -> None:
            while True:
                try:
                    event = await anext(events)
                except cardea.RelyingPartyFailed:
                    # Between two servers there is nobody who tells.
                    continue
                if (event.kind, event.user) == (kind, user):
                    return

        await asyncio.wait_for(found(), 30)

    def receipt(self, user: str, text: str | None = None, mangling: str = "") -> str:
        server = self._operator.server
        if text is None:
            items = server.look("history", id=user)["items"]
            item = next(item for item in items if "receipt" in item)
            return cardea.verify_receipt(json.dumps(item)).deed.name.lower()
        id = self._operator.questions[user]
        kept = mangled(server.text("confirmation", confirmation=id), mangling)
        proved = cardea.verify_receipt(kept, deed=cardea.Deed.APPROVED, text=text, confirmation=id)
        return proved.deed.name.lower()


def mangled(kept: str, how: str) -> str:
    if how == "cut":
        return kept[:-1]
    if how == "flipped":
        before, after = kept.split('"signature":"', 1)
        return f'{before}"signature":"{"B" if after[0] == "A" else "A"}{after[1:]}'
    return kept + " " * 100_000 if how == "long" else kept


#: Words of the pages that Python keeps for itself.
ALIASES: dict[str, Any] = {"await": "wait"}
