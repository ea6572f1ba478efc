"""What programs bring: a clock that is wrong, parts that misbehave, and parts that behave as a scenario says."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import Callable
from typing import Any

import cardea


class OffClock:
    """A clock that is off by so many seconds."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def now(self) -> int:
        return int(time.time()) + self._seconds


def throw() -> None:
    raise ValueError("on purpose")


def reenter() -> None:
    """Calls back, and throws what that throws."""

    async def inner() -> None:
        await cardea.open_wallet()

    asyncio.run(inner())


class BadHost:
    """Misbehaves in every part that it is asked for."""

    def __init__(self, behavior: str) -> None:
        behaviors: dict[str, Callable[[], None]] = {"throws": throw, "reenters": reenter, "short": lambda: None}
        self._behavior = behaviors[behavior]

    def now(self) -> int:
        self._behavior()
        return 0

    def bytes(self, count: int) -> builtins.bytes:
        self._behavior()
        return b"\1\2\3"


class Behavior:
    """How the programs of a scenario behave, and what they were asked."""

    def __init__(self) -> None:
        self.presence = "274951"
        self.secrets = "keeps"
        self.asked = 0
        self.asked_for = ""

    def parts(self, names: tuple[str, ...]) -> dict[str, Any]:
        makers = {"presence": Person, "secrets": Secrets}
        return {name: makers[name](self) for name in names}


#: Keys of the biometric slot, by their words.
KEYS = {"key": bytes(range(1, 33)), "other_key": bytes([9]) * 32, "short_key": bytes([1]) * 31}


def approval(word: str) -> cardea.Approval:
    """What a word of a page approves with."""
    if word == "ask":
        return cardea.ASK
    return cardea.Biometric(KEYS[word]) if word in KEYS else word.encode()


class Person:
    """Answers as the scenario says."""

    def __init__(self, behavior: Behavior) -> None:
        self._behavior = behavior

    def approve(self, request: cardea.PresenceRequest) -> cardea.Pin | cardea.Biometric | None:
        self._behavior.asked += 1
        self._behavior.asked_for = purpose(request.purpose)
        how = self._behavior.presence
        if how == "cancels":
            return None
        if how == "throws":
            throw()
        if how == "reenters":
            reenter()
        if how == "lies":
            return b"abcdef"
        return cardea.Biometric(KEYS[how]) if how in KEYS else how.encode()


def purpose(given: Any) -> str:
    names = ["OPEN", "APPROVE", "CHANGE_PINS", "UNENROLL", "REVOKE_DEVICE", "OTHER"]
    [name] = [name for name in names if getattr(given, f"is_{name}")()]
    return name.lower()


class Secrets:
    """A store of secrets in memory that does what the scenario says."""

    def __init__(self, behavior: Behavior) -> None:
        self._behavior = behavior
        self._kept: dict[str, builtins.bytes] = {}

    def _called(self) -> str:
        how = self._behavior.secrets
        if how == "throws":
            throw()
        if how == "denied":
            raise cardea.StoreDenied
        if how == "reenters":
            reenter()
        return how

    def load(self, name: str) -> builtins.bytes | None:
        how = self._called()
        kept = self._kept.get(name)
        if kept is None or how == "forgets":
            return None
        return {"lies": bytes(255 - byte for byte in kept), "short": kept[:1]}.get(how, kept)

    def save(self, name: str, secret: builtins.bytes) -> None:
        if self._called() == "full":
            raise cardea.StoreFull
        self._kept[name] = builtins.bytes(secret)

    def remove(self, name: str) -> None:
        self._called()
        self._kept.pop(name, None)
