"""What a program brings may raise anything, take its time, give something else, and call back."""

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any

import cardea
import pytest
from conftest import PIN, Opener
from server import Server


class Unspeakable(Exception):
    """Fails to say what it is."""

    def __repr__(self) -> str:
        raise ValueError("no name")


class Surrogate(Exception):
    """Says it in what is no Unicode."""

    def __repr__(self) -> str:
        return "\ud800"


RAISED = [
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    concurrent.futures.CancelledError(),
    Unspeakable(),
    Surrogate(),
]


class Part:
    """Every part of a host, of which each method does the same."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.now = self.bytes = self.log = self.load = self.save = self.remove = self.approve = call


def part(call: Callable[..., Any]) -> Any:
    return Part(call)


def raising(error: BaseException) -> Any:
    def call(*_: object) -> None:
        raise error

    return part(call)


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
async def test_whatever_a_callback_raises_is_an_error(
    own_server: Server, opened: Opener, user: str, error: BaseException
) -> None:
    bad = raising(error)
    for name in ["clock", "entropy"]:
        with pytest.raises(cardea.HostFailed):
            await opened(name, **{name: bad})
    with pytest.raises(cardea.Storage) as caught:
        await opened("secrets", secrets=bad)
    assert caught.value.code == 142
    wallet = await opened(presence=bad, log=bad)
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    # Whoever is cancelled while the holder is asked has given up; nothing else is that.
    gave_up = isinstance(error, (asyncio.CancelledError, concurrent.futures.CancelledError))
    with pytest.raises(cardea.Cancelled if gave_up else cardea.HostFailed) as told:
        await token.open(cardea.ASK)
    assert told.value.code == (106 if gave_up else 151)
    assert own_server.check(user) == 2 and (await token.status()).tries_left == 10


async def test_a_store_that_breaks_off_in_the_middle_has_not_kept_anything(opened: Opener) -> None:
    """A save that ends with an exit of the program is none."""
    secrets = raising(SystemExit(1))
    secrets.load = lambda name: None
    with pytest.raises(cardea.Storage) as caught:
        await opened(secrets=secrets)
    assert caught.value.code == 142 and "SystemExit" in caught.value.reason


@pytest.mark.parametrize("given", ["text", 7, [1, 2], object(), memoryview(b"274951")])
async def test_what_is_no_bytes_is_an_error(own_server: Server, opened: Opener, user: str, given: object) -> None:
    lying = part(lambda *_: given)
    with pytest.raises(cardea.Storage) as caught:
        await opened("secrets", secrets=lying)
    assert caught.value.code == 142
    with pytest.raises(cardea.HostFailed):
        await opened("entropy", entropy=lying)
    wallet = await opened(presence=lying)
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    with pytest.raises(cardea.HostFailed) as failed:
        await token.open(cardea.ASK)
    # It may have been a PIN all the same.
    assert "274951" not in failed.value.reason and "text" not in failed.value.reason


async def test_a_log_that_raises_calls_back_and_is_slow_changes_nothing(
    own_server: Server, opened: Opener, user: str
) -> None:
    let_go, lines = threading.Event(), list[str]()
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()

    def log(level: cardea.LogLevel, text: str) -> None:
        let_go.wait()
        lines.append(f"{level.name} {text}")
        loop.call_soon_threadsafe(heard.set)
        asyncio.run(reenter())

    async def reenter() -> None:
        await cardea.open_wallet()

    wallet = await opened(log=part(log))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    own_server.stop()
    with pytest.raises(cardea.Offline):
        await token.open(PIN)
    own_server.start()
    # Something to tell: the connection breaks in the middle.
    own_server.freeze()
    opening = asyncio.ensure_future(token.open(PIN))
    while not (await token.info()).pending:
        await asyncio.sleep(0)
    own_server.stop()
    own_server.start()
    assert (await opening).state is cardea.State.OPEN
    let_go.set()
    await asyncio.wait_for(heard.wait(), 30)
    assert (await token.close()).state is cardea.State.CLOSED
    told = "".join(lines)
    assert "274951" not in told and user not in told


async def test_a_holder_who_takes_too_long_is_not_waited_for(own_server: Server, opened: Opener, user: str) -> None:
    let_go, asked = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer(_: cardea.PresenceRequest) -> cardea.Pin:
        loop.call_soon_threadsafe(asked.set)
        let_go.wait()
        return PIN

    wallet = await opened(presence=part(answer))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    opening = asyncio.ensure_future(token.open(cardea.ASK))
    await asked.wait()
    # The token is free meanwhile: nothing is held while a person thinks.
    assert (await token.status()).state is cardea.State.CLOSED
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    let_go.set()
    assert (await token.status()).state is cardea.State.CLOSED
    assert (await token.open(cardea.ASK)).state is cardea.State.OPEN


async def test_a_slow_store_of_secrets_holds_up_its_own_wallet_only(opened: Opener) -> None:
    let_go, asked = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    kept: dict[str, builtins.bytes] = {}

    def save(name: str, secret: builtins.bytes) -> None:
        loop.call_soon_threadsafe(asked.set)
        let_go.wait()
        kept[name] = secret

    slow = part(lambda name: kept.get(name))
    slow.save = save
    opening = asyncio.ensure_future(opened("slow", secrets=slow))
    await asked.wait()
    assert await (await opened("other")).tokens() == []
    assert not opening.done()
    with pytest.raises(asyncio.TimeoutError):
        await opened("third", secrets=slow, timeout=0.01)
    let_go.set()
    assert await (await opening).tokens() == [] and len(kept) >= 1
