"""What is given wrongly is refused by the name of the argument, before anything is done, and never shown."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cardea
import pytest
from conftest import PIN, Opener
from server import Server

SECRET = "secret-274951"
TOKEN: dict[str, Callable[[Any, Any], Any]] = {
    "seconds": lambda token, wrong: token.open(PIN, wrong),
    "confirmation": lambda token, wrong: token.approve(wrong, PIN),
    "reason": lambda token, wrong: token.deny(token.asked, wrong),
    "device": lambda token, wrong: token.revoke_device(wrong, PIN),
    "label": lambda token, wrong: token.set_label(wrong),
    "page": lambda token, wrong: token.history(wrong),
    "timeout": lambda token, wrong: token.status(timeout=wrong),
}
WALLET: dict[str, Callable[[cardea.Wallet, Any], Any]] = {
    "id": lambda wallet, wrong: wallet.token(wrong),
    "invitation": lambda wallet, wrong: wallet.policy(wrong),
    "text": lambda wallet, wrong: asyncio.to_thread(cardea.Invitation.from_text, wrong),
    "code": lambda wallet, wrong: cardea.Invitation.from_code(wrong, "localhost"),
    "server": lambda wallet, wrong: cardea.Invitation.from_code("ABCDE-FGHJK", wrong),
    "picture": lambda wallet, wrong: cardea.Invitation.from_qr_image(wrong),
}
PARTY: dict[str, Callable[[cardea.RelyingParty, Any], Any]] = {
    "user": lambda party, wrong: party.status(wrong),
    "text": lambda party, wrong: party.confirm("user", wrong),
    "seconds": lambda party, wrong: party.confirm("user", "Yes?", wrong),
    "id": lambda party, wrong: party.confirmation(wrong),
    "after": lambda party, wrong: asyncio.to_thread(party.watch, wrong),
    "kinds": lambda party, wrong: asyncio.to_thread(party.watch, None, wrong),
}


class Wrong:
    """Nothing that anything takes."""

    def __repr__(self) -> str:
        return SECRET


async def refused(name: str, make: Callable[[], Any], kind: type[Exception] = TypeError) -> str:
    with pytest.raises(kind) as caught:
        await make()
    text = str(caught.value)
    assert name in text.split(" must ")[0].split(" has ")[0] and "274951" not in text, text
    return text


async def test_what_a_token_is_given_is_looked_at(own_server: Server, opened: Opener, user: str) -> None:
    token: Any = (await (await opened()).enroll(own_server.link(user), PIN)).token
    own_server.call("confirmation", user, text="Yes?")
    [token.asked] = await token.confirmations()
    for name, call in TOKEN.items():
        for wrong in (Wrong(), [SECRET], True):
            await refused(name, lambda: call(token, wrong))
    for page in (-1, 256):
        await refused("page", lambda: token.history(page), ValueError)
    await refused("seconds", lambda: token.open(PIN, -1), ValueError)
    await refused("timeout", lambda: token.status(timeout=float("nan")), ValueError)
    for text in ("\ud800", f"{SECRET}\udfff"):
        await refused("label", lambda: token.set_label(text), ValueError)
    assert (await token.status()).state is cardea.State.CLOSED
    assert (await token.deny(token.asked, cardea.DenyReason.NOT_ME)).state is cardea.State.CLOSED


async def test_what_a_wallet_is_given_is_looked_at(opened: Opener) -> None:
    wallet = await opened()
    for name, call in WALLET.items():
        for wrong in (Wrong(), None, 274951):
            await refused(name, lambda: call(wallet, wrong))
    await refused("text", lambda: asyncio.to_thread(cardea.Invitation.from_text, "\ud800"), ValueError)
    await refused("invitation", lambda: wallet.enroll(Wrong(), PIN))  # type: ignore[arg-type]


async def test_what_a_relying_party_is_given_is_looked_at() -> None:
    party = cardea.RelyingParty("http://127.0.0.1:1", "service", "key")
    for name, call in PARTY.items():
        for wrong in (Wrong(), b"274951", 5.5):
            await refused(name, lambda: call(party, wrong))
    await refused("kinds", lambda: asyncio.to_thread(party.watch, None, "token.opened"))
    anyhow: Any = cardea.RelyingParty
    for name in ("base_url", "service", "authkey", "root_certificate", "timeout"):
        given: dict[str, Any] = {"base_url": "http://127.0.0.1:1", "service": "s", "authkey": "k", name: Wrong()}
        await refused(name, lambda: asyncio.to_thread(anyhow, **given))
    for long in (float("nan"), float("inf"), -1, 1e300):
        await refused("timeout", lambda: asyncio.to_thread(anyhow, "http://127.0.0.1:1", "s", "k", timeout=long), ValueError)
    check: Any = cardea.verify_receipt
    for name in ("deed", "text", "public_key", "confirmation", "token", "device", "not_before", "not_after"):
        await refused(name, lambda: asyncio.to_thread(check, "{}", **{name: Wrong()}))
    await refused("receipt", lambda: asyncio.to_thread(check, b"{}"))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("log", print),
        ("secrets", {}),
        ("clock", 5),
        ("clock", lambda: 5),
        ("entropy", os.urandom),
        ("presence", input),
        ("folder", 5),
        ("folder", b"wallet"),
        ("transport", "tcp"),
        ("emulated", "no"),
        ("allow_test_argon2", 1),
    ],
)
async def test_what_a_wallet_cannot_be_opened_with_is_refused_at_once(name: str, given: object) -> None:
    anyhow: Any = cardea.open_wallet
    with pytest.raises(TypeError, match=f"^{name} must "):
        anyhow(**{name: given})


async def test_parts_that_are_coroutines_or_classes_are_refused_with_what_to_do() -> None:
    class Asks:
        async def approve(self, request: cardea.PresenceRequest) -> cardea.Pin:
            return PIN

    class Times:
        def now(self) -> int:
            return 0

    anyhow: Any = cardea.open_wallet
    with pytest.raises(TypeError, match="presence.approve must be a plain function.*run_coroutine_threadsafe"):
        anyhow(presence=Asks())
    with pytest.raises(TypeError, match="clock must be an object, not the class Times"):
        anyhow(clock=Times)


async def test_a_presence_may_ask_in_the_loop_and_call_the_wallet_there(
    own_server: Server, opened: Opener, user: str
) -> None:
    """As the guide has it."""
    loop = asyncio.get_running_loop()
    states: list[cardea.State] = []

    class Screen:
        async def _ask(self, request: cardea.PresenceRequest) -> cardea.Pin | None:
            token = await wallet.token(request.token)
            states.append((await token.status()).state)
            return bytearray(PIN)

        def approve(self, request: cardea.PresenceRequest) -> cardea.Pin | None:
            return asyncio.run_coroutine_threadsafe(self._ask(request), loop).result()

    class GaveUp(Screen):
        async def _ask(self, request: cardea.PresenceRequest) -> cardea.Pin | None:
            raise asyncio.CancelledError

    wallet = await opened(presence=Screen())
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    assert (await token.open(cardea.ASK)).state is cardea.State.OPEN and states == [cardea.State.CLOSED]
    other = await opened(presence=GaveUp())
    with pytest.raises(cardea.Cancelled) as gave_up:
        await (await other.token(token.id)).open(cardea.ASK)
    assert gave_up.value.code == 106


async def test_a_folder_without_a_name_is_refused_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="folder must not be empty"):
        await cardea.open_wallet("")
    with pytest.raises(ValueError, match="folder has a lone surrogate"):
        await cardea.open_wallet("\ud800")
    assert list(tmp_path.iterdir()) == []
