"""What the Python layer adds: bytes that are wiped, iterators, context managers, time limits, exceptions."""

from __future__ import annotations

import asyncio
import copy
import pickle

import cardea
import pytest
from conftest import PIN, Opener
from server import Server

WRONG = b"519384"


async def test_a_bytearray_is_wiped_however_the_call_ends(shared_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    normal, forced = bytearray(PIN), bytearray(b"836402")
    token = (await wallet.enroll(shared_server.link(user), normal, [forced])).token
    assert normal == bytes(6) and forced == bytes(6)
    for pin in [bytearray(PIN), bytearray(WRONG), bytearray(b"27495x"), bytearray()]:
        length = len(pin)
        try:
            await token.open(pin)
        except cardea.CardeaError:
            pass
        assert pin == bytes(length)
    pin, new = bytearray(PIN), bytearray(b"605172")
    await token.change_pin(pin, new)
    assert pin == bytes(6) and new == bytes(6)
    pin = bytearray(PIN)
    with pytest.raises(cardea.InvitationRejected):
        await wallet.enroll("no link", pin)
    assert pin == bytes(6)


async def test_errors_say_what_a_program_needs(shared_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(shared_server.link(user), PIN)).token
    with pytest.raises(cardea.PinRejected) as rejected:
        await token.open(WRONG)
    error = rejected.value
    assert (error.code, error.tries_left) == (1, 9)
    assert str(error) == error.reason and "tries left: 9" in error.reason
    assert isinstance(error, cardea.CardeaError) and error.__cause__ is None
    for copied in [copy.copy(error), pickle.loads(pickle.dumps(error))]:
        assert (type(copied), copied.code, copied.tries_left) == (cardea.PinRejected, 1, 9)
    with pytest.raises(cardea.Misuse) as unknown:
        await wallet.token("0" * 32 + "-" + "0" * 8)
    assert unknown.value.code == 104
    with pytest.raises(cardea.Storage) as unnamed:
        await wallet.token("no name")
    assert unnamed.value.code == 140


async def test_events_are_iterated_and_end(shared_server: Server, opened: Opener, user: str) -> None:
    async with await opened() as wallet:
        async with wallet.events() as events:
            token = (await wallet.enroll(shared_server.link(user), PIN)).token
            assert [(await anext(events)).kind] == [cardea.EventKind.ENROLLED]
            await token.open(PIN)
            event = await anext(events)
            assert (event.kind, event.token) == (cardea.EventKind.OPENED, token.id)
        assert [event async for event in events] == []
        others = wallet.events()
        waiting = asyncio.ensure_future(anext(others, None))
        await asyncio.sleep(0)
    assert await waiting is None


async def test_an_event_is_not_lost_to_a_cancelled_wait(shared_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    events = wallet.events()
    for _ in range(20):
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await wallet.enroll(shared_server.link(user), PIN)
    assert (await anext(events)).kind is cardea.EventKind.ENROLLED


async def test_a_slow_listener_is_told_what_it_missed(shared_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(shared_server.link(user), PIN)).token
    events = wallet.events()
    for _ in range(70):
        await token.status()
    first = await anext(events)
    assert (first.kind, first.token, first.count) == (cardea.EventKind.MISSED, None, 6)
    assert (await anext(events)).kind is cardea.EventKind.CLOSED


async def test_a_wallet_may_be_awaited_or_entered(opened: Opener) -> None:
    async with cardea.open_wallet(opened.folder / "entered") as wallet:
        assert await wallet.tokens() == []
    assert await (await cardea.open_wallet()).tokens() == []


async def test_operations_at_the_same_time_wait_for_each_other(
    shared_server: Server, opened: Opener, user: str
) -> None:
    wallet = await opened()
    token = (await wallet.enroll(shared_server.link(user), PIN)).token
    statuses = await asyncio.gather(*(token.status() for _ in range(8)))
    assert {status.state for status in statuses} == {cardea.State.CLOSED}


async def test_a_time_limit_ends_a_call(own_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    own_server.freeze()
    pin = bytearray(PIN)
    with pytest.raises(asyncio.TimeoutError):
        await token.open(pin, timeout=0.2)
    assert pin == bytes(6)
    own_server.thaw()
    assert (await token.close()).state is cardea.State.CLOSED


def test_names_are_those_of_the_package() -> None:
    for name in cardea.__all__:
        assert hasattr(cardea, name), name
    assert cardea.__version__ == cardea.version()
