"""Relying parties, pictures, stores of secrets and who asks the holder."""

from __future__ import annotations

import builtins
import secrets as randomness
from collections.abc import Callable
from pathlib import Path

import cardea
import pytest
from conftest import PIN, Opener
from server import Server


class Keys:
    """A store of secrets in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, builtins.bytes] = {}

    def load(self, name: str) -> builtins.bytes | None:
        return self.kept.get(name)

    def save(self, name: str, secret: builtins.bytes) -> None:
        self.kept[name] = builtins.bytes(secret)

    def remove(self, name: str) -> None:
        self.kept.pop(name, None)


class Bad(Keys):
    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure

    def save(self, name: str, secret: builtins.bytes) -> None:
        raise self.failure


class Person:
    """Answers as the test says."""

    def __init__(self, answer: Callable[[cardea.PresenceRequest], cardea.Pin | cardea.Biometric | None]) -> None:
        self.approve = answer


def open_party(server: Server) -> cardea.RelyingParty:
    return cardea.RelyingParty(f"http://{server.http}", server.service, server._admin_key)


async def test_the_key_of_a_folder_lives_in_the_store(own_server: Server, opened: Opener, user: str) -> None:
    keys = Keys()
    wallet = await opened(secrets=keys)
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    assert len(keys.kept) == 1 and not (opened.folder / "wallet" / "store.key").exists()
    [again] = await (await opened(secrets=keys)).tokens()
    assert again.id == token.id and (await again.open(PIN)).state is cardea.State.OPEN


async def test_a_store_that_loses_or_changes_the_key_is_an_error(
    own_server: Server, opened: Opener, user: str
) -> None:
    keys = Keys()
    await (await opened(secrets=keys)).enroll(own_server.link(user), PIN)
    kept = dict(keys.kept)
    for lie in [{}, {name: builtins.bytes(32) for name in kept}, {name: b"short" for name in kept}]:
        keys.kept = dict(lie)
        with pytest.raises(cardea.Storage):
            [token] = await (await opened(secrets=keys)).tokens()
            await token.status()
    keys.kept = kept
    assert len(await (await opened(secrets=keys)).tokens()) == 1


@pytest.mark.parametrize("failure", [cardea.StoreFull(), cardea.StoreDenied(), OSError("locked"), KeyError("x")])
async def test_a_store_that_fails_is_an_error(opened: Opener, failure: Exception) -> None:
    with pytest.raises(cardea.Storage) as caught:
        await opened(secrets=Bad(failure))
    assert caught.value.code == 142


async def test_the_holder_is_asked(own_server: Server, opened: Opener, user: str) -> None:
    asked: list[cardea.PresenceRequest] = []

    def answer(request: cardea.PresenceRequest) -> cardea.Pin:
        asked.append(request)
        return bytearray(PIN)

    wallet = await opened(presence=Person(answer))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    assert (await token.open(cardea.ASK)).state is cardea.State.OPEN
    assert [(request.token, request.tries_left) for request in asked] == [(token.id, 10)]


async def test_a_holder_who_does_not_want_to_cancels(own_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened(presence=Person(lambda _: None))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    with pytest.raises(cardea.Cancelled):
        await token.open(cardea.ASK)

    def fail(_: cardea.PresenceRequest) -> cardea.Pin:
        raise RuntimeError("no screen")

    again = await opened(presence=Person(fail))
    with pytest.raises(cardea.HostFailed):
        await (await again.token(token.id)).open(cardea.ASK)
    nobody = await opened()
    with pytest.raises(cardea.Misuse) as caught:
        await (await nobody.token(token.id)).open(cardea.ASK)
    assert caught.value.code == 116 and own_server.check(user) == 2


async def test_a_biometric_key_opens(own_server: Server, opened: Opener, user: str) -> None:
    own_server.call("service/update", biometric=True)
    key = randomness.token_bytes(32)
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN, biometric=bytearray(key))).token
    given = cardea.Biometric(bytearray(key))
    assert (await token.open(given)).state is cardea.State.OPEN
    assert given.key == builtins.bytes(32) and own_server.check(user) == 1
    with pytest.raises(cardea.PinRejected):
        await token.open(cardea.Biometric(builtins.bytes(31) + b"x"))
    with pytest.raises(cardea.Misuse):
        await token.open(cardea.Biometric(b"short"))


async def test_a_policy_is_asked_for_before(own_server: Server, opened: Opener, user: str) -> None:
    invitation = cardea.Invitation.from_text(own_server.link(user))
    wallet = await opened()
    policy = await wallet.policy(invitation)
    assert (policy.pin_min, policy.pin_max, policy.duress_allowed) == (6, 12, True)
    await wallet.enroll(invitation, PIN)


@pytest.mark.parametrize("picture", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(100_000)])
async def test_what_is_no_picture_of_an_invitation_is_refused(picture: bytes) -> None:
    with pytest.raises(cardea.InvitationRejected) as caught:
        await cardea.Invitation.from_qr_image(picture)
    assert caught.value.code == 115


async def test_a_relying_party_asks(own_server: Server, opened: Opener, user: str) -> None:
    party = open_party(own_server)
    token = (await (await opened()).enroll(own_server.link(user), PIN)).token
    assert await party.status(user) is cardea.TokenStatus.CLOSED and not await party.is_open(user)
    await token.open(PIN)
    assert await party.is_open(user) and await party.gate(user)
    asked = await party.confirm(user, "Pay 5 EUR")
    assert (await party.confirmation(asked.id)).answer is cardea.Answer.PENDING
    [confirmation] = await token.confirmations()
    await token.approve(confirmation, PIN)
    told = await party.await_confirmation(asked.id)
    assert told.answer is cardea.Answer.APPROVED and told.text == "Pay 5 EUR"
    events = party.watch(after=0, kinds=["token.opened"])
    event = await anext(events)
    assert (event.kind, event.user) == ("token.opened", user)
    events.close()
    assert [event async for event in events] == []


async def test_whatever_goes_wrong_nothing_is_open(own_server: Server, tmp_path: Path, user: str) -> None:
    party = open_party(own_server)
    assert not await party.is_open("nobody")
    with pytest.raises(cardea.RelyingPartyFailed) as unknown:
        await party.status("nobody")
    assert unknown.value.code == 163
    wrong = cardea.RelyingParty(f"http://{own_server.http}", own_server.service, "no-such-key")
    assert not await wrong.is_open(user)
    own_server.stop()
    assert not await party.is_open(user) and not await party.gate(user)
    with pytest.raises(cardea.RelyingPartyFailed) as gone:
        await party.status(user)
    assert gone.value.code == 166
    for address in ["", "http://id.example", "ftp://id.example"]:
        with pytest.raises(cardea.RelyingPartyFailed) as setup:
            cardea.RelyingParty(address, "s", "k")
        assert setup.value.code == 160
