"""Calls that are cancelled, everywhere."""

from __future__ import annotations

import asyncio
import threading

import cardea
import pytest
from cardea import _ffi
from conftest import PIN, Opener
from server import Server


def later(steps: int) -> int:
    """How many turns of the loop to wait the next time: one more, and a third more."""
    steps = steps * 4 // 3 + 1
    assert steps < 1 << 24
    return steps


async def test_an_opening_may_be_cancelled_at_every_point(own_server: Server, opened: Opener, user: str) -> None:
    """Later and later, until the opening is through; the token works after each."""
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    cancelled, steps = 0, 0
    while True:
        opening = asyncio.ensure_future(token.open(PIN))
        for _ in range(steps):
            await asyncio.sleep(0)
        if opening.done():
            break
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert (await token.close()).state is cardea.State.CLOSED
        cancelled, steps = cancelled + 1, later(steps)
    assert (await opening).state is cardea.State.OPEN
    assert cancelled > 0 and own_server.check(user) == 1


async def test_an_enrollment_may_be_cancelled_at_every_point(own_server: Server, opened: Opener) -> None:
    """Afterwards the wallet has no token, or one that works or says why it does not; nothing hangs."""
    steps = 0
    while True:
        user = f"user-{steps}"
        wallet = await opened(user)
        enrolling = asyncio.ensure_future(wallet.enroll(own_server.link(user), PIN))
        for _ in range(steps):
            await asyncio.sleep(0)
        if enrolling.done():
            break
        enrolling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await enrolling
        for token in await wallet.tokens():
            try:
                assert (await token.open(PIN)).state is cardea.State.OPEN
                assert own_server.check(user) == 1
            except cardea.CardeaError as error:
                # The keys never arrived: the server knows no such device, or a link that still waits.
                assert error.code in (4, 6, 101, 104), error
                assert own_server.check(user) == 0
        steps = later(steps)
    assert steps > 0 and len(await wallet.tokens()) == 1


async def test_a_change_of_pins_may_be_cancelled_at_every_point(own_server: Server, opened: Opener, user: str) -> None:
    """Afterwards one of the two PINs opens, and the other does not."""
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    pins, steps = [PIN, b"605172"], 0
    while True:
        changing = asyncio.ensure_future(token.change_pin(pins[0], pins[1]))
        for _ in range(steps):
            await asyncio.sleep(0)
        if changing.done():
            break
        changing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await changing
        try:
            await token.open(pins[0])
        except cardea.PinRejected:
            pins.reverse()
            await token.open(pins[0])
        with pytest.raises(cardea.PinRejected):
            await token.open(pins[1])
        await token.open(pins[0])
        steps = later(steps)
    assert (await changing).state is cardea.State.OPEN
    assert steps > 0 and (await token.open(pins[1])).state is cardea.State.OPEN


async def test_an_approval_may_be_cancelled_at_every_point(own_server: Server, opened: Opener, user: str) -> None:
    """Afterwards the text waits, or was approved; never anything else, and never twice."""
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    steps = 0
    while True:
        asked = own_server.call("confirmation", user, text=f"Pay {steps} EUR")["confirmation"]
        [confirmation] = await token.confirmations()
        approving = asyncio.ensure_future(token.approve(confirmation, PIN))
        for _ in range(steps):
            await asyncio.sleep(0)
        if approving.done():
            break
        approving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await approving
        waiting = [text.id for text in await token.confirmations()]
        state = own_server.look("confirmation", confirmation=asked)["state"]
        assert (state, waiting) in [("pending", [asked]), ("approved", [])]
        if waiting:
            await token.deny(confirmation)
        steps = later(steps)
    await approving
    assert steps > 0 and own_server.look("confirmation", confirmation=asked)["state"] == "approved"


async def test_a_cancel_ends_calls_of_other_threads(own_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    own_server.freeze()
    cancel = _ffi.Cancel()  # type: ignore[no-untyped-call]
    calls = [asyncio.ensure_future(token._inner.status(cancel)) for _ in range(4)]
    while not (await token.info()).pending:
        await asyncio.sleep(0.005)
    thread = threading.Thread(target=cancel.cancel)
    thread.start()
    for call in calls:
        with pytest.raises(_ffi.CardeaError) as caught:
            await call
        assert caught.value.code == 106  # type: ignore[attr-defined]
    thread.join()
    own_server.thaw()
    assert (await token.status()).state is cardea.State.CLOSED


async def test_calls_that_are_never_awaited_leave_nothing(shared_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(shared_server.link(user), PIN)).token
    token.open(PIN).close()
    task = asyncio.ensure_future(token.open(PIN))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shared_server.check(user) == 2
