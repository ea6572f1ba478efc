"""Programs that bring things that throw, lie, are slow, or call back."""

from __future__ import annotations

import asyncio
import builtins
import os
import threading
import time
from collections.abc import Callable

import cardea
import pytest
from conftest import PIN, Opener
from server import Server


class Clock:
    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now

    def now(self) -> int:
        return self._now()


class Entropy:
    def __init__(self, give: Callable[[int], builtins.bytes]) -> None:
        self._give = give

    def bytes(self, count: int) -> builtins.bytes:
        return self._give(count)


def throw(*_: object) -> int:
    raise KeyError("on purpose")


async def test_what_a_clock_throws_is_an_error(opened: Opener) -> None:
    with pytest.raises(cardea.HostFailed) as caught:
        await opened(clock=Clock(throw))
    assert caught.value.code == 151 and "KeyError" in caught.value.reason


@pytest.mark.parametrize("lie", ["text", -1, 2**64, None, 1.5, True])
async def test_a_clock_that_gives_no_time_is_an_error(opened: Opener, lie: object) -> None:
    with pytest.raises(cardea.HostFailed):
        await opened(clock=Clock(lambda: lie))  # type: ignore[arg-type, return-value]


async def test_a_clock_that_fails_later_fails_calls_before_anything_is_sent(
    own_server: Server, opened: Opener, user: str
) -> None:
    broken = False
    wallet = await opened(clock=Clock(lambda: throw() if broken else int(time.time())))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    broken = True
    with pytest.raises(cardea.HostFailed):
        await token.open(PIN)
    assert own_server.check(user) == 2 and not (await token.info()).pending
    broken = False
    assert (await token.open(PIN)).state is cardea.State.OPEN


async def test_a_clock_that_jumps_every_time_does_no_harm(own_server: Server, opened: Opener, user: str) -> None:
    times = [0, 2**63, int(time.time()), 1, 2**32, 2**64 - 1]
    wallet = await opened(clock=Clock(lambda: times[len(os.urandom(1)) - 1 + next(turn) % len(times)]))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    for _ in times:
        assert (await token.open(PIN)).state is cardea.State.OPEN
        assert own_server.check(user) == 1
        assert (await token.close()).state is cardea.State.CLOSED


turn = iter(range(1_000_000))


async def test_a_slow_clock_ends_a_call_in_time(opened: Opener) -> None:
    let_go = threading.Event()

    def slow() -> int:
        let_go.wait(60)
        return 1

    try:
        with pytest.raises(cardea.HostFailed) as caught:
            await opened(clock=Clock(slow))
        assert "did not answer" in caught.value.reason
        # A time limit of one's own, and cancelling, need not wait for it.
        with pytest.raises(asyncio.TimeoutError):
            await opened(clock=Clock(slow), timeout=0.05)
    finally:
        let_go.set()


async def test_a_clock_that_calls_back_is_refused(opened: Opener) -> None:
    seen: list[int] = []

    def reenter() -> int:
        async def inner() -> None:
            await cardea.open_wallet()

        try:
            asyncio.run(inner())
        except cardea.HostFailed as error:
            seen.append(error.code)
        return int(time.time())

    wallet = await opened(clock=Clock(reenter))
    assert seen == [151] and await wallet.tokens() == []


async def test_a_callback_may_wait_for_the_program_itself(own_server: Server, opened: Opener, user: str) -> None:
    """The loop that called goes on while the host is asked, so that asking it back is no way to wait for oneself."""
    loop = asyncio.get_running_loop()

    async def answer() -> int:
        return int(time.time())

    wallet = await opened(clock=Clock(lambda: asyncio.run_coroutine_threadsafe(answer(), loop).result()))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    assert (await token.open(PIN)).state is cardea.State.OPEN


@pytest.mark.parametrize("give", [throw, lambda count: b"", lambda count: bytes(count + 1), lambda count: "text"])
async def test_a_source_of_randomness_that_is_none_is_an_error(
    opened: Opener, give: Callable[[int], builtins.bytes]
) -> None:
    with pytest.raises(cardea.HostFailed) as caught:
        await opened(entropy=Entropy(give))
    assert caught.value.code == 151


async def test_a_source_of_randomness_that_always_gives_the_same_does_no_harm(
    own_server: Server, opened: Opener, user: str
) -> None:
    wallet = await opened(entropy=Entropy(bytes))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    assert (await token.open(PIN)).state is cardea.State.OPEN
    other = await opened("other", entropy=Entropy(bytes))
    again = (await other.enroll(own_server.link(user, replaceDevice=True), PIN)).token
    assert again.id != token.id
