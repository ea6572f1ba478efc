"""The relying party's and the operator's part, by calls of the API."""

from __future__ import annotations

import json
from typing import Any

from server import Server


class Operator:
    """A server, and what was agreed with it."""

    def __init__(self) -> None:
        self.server = Server()
        self.offers: dict[str, Any] = {}
        self.questions: dict[str, str] = {}

    def offer(self, user: str) -> Any:
        """The user's invitation, which is made if there is none."""
        if user not in self.offers:
            self.invite(user)
        return self.offers[user]

    def service(self, setting: str, value: str) -> None:
        self.server.call("service/update", **{setting: json.loads(value)})

    def advance(self, seconds: str) -> None:
        self.server.advance(int(seconds))

    def check(self, user: str) -> int:
        return self.server.check(user)

    def ask(self, user: str, text: str, *lifetime: str) -> None:
        more = {"expiresIn": int(lifetime[0])} if lifetime else {}
        self.questions[user] = self.server.call("confirmation", user, text=text, **more)["confirmation"]

    def answer(self, user: str) -> str:
        state: str = self.server.look("confirmation", confirmation=self.questions[user])["state"]
        return state

    def withdraw(self, user: str) -> None:
        self.server.call("confirmation/cancel", confirmation=self.questions[user])

    def close_at_server(self, user: str) -> None:
        self.server.call("close", user)

    def unblock(self, user: str) -> None:
        self.server.call("unblock", user)

    def clear_duress(self, user: str) -> None:
        self.server.call("duress/clear", user)

    def delete(self, user: str) -> None:
        self.server.call("delete", user)

    def invite(self, user: str, how: str = "") -> None:
        options = {"replace": {"replaceDevice": True}, "add": {"addDevice": True}, "": {}}[how]
        self.offers[user] = self.server.call("enroll", user, **options)

    def step_server(self, what: str) -> None:
        {"stop": self.server.stop, "start": self.server.start}[what]()
