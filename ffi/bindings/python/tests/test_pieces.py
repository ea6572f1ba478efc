"""Calls that are given up, and servers that go away, at every piece of data that travels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import cardea
import pytest
from conftest import PIN, Opener
from proxy import Proxy
from server import Server

FORCED = b"836402"


@asynccontextmanager
async def staged() -> AsyncIterator[tuple[Proxy, Server]]:
    """A server whose token channel is behind a proxy."""
    async with Proxy() as proxy:
        server = Server(settings=(f"public.channel_port={proxy.port}",))
        try:
            proxy.upstream = server.channel
            yield proxy, server
        finally:
            server.remove()


async def at_every_piece(
    proxy: Proxy,
    call: Callable[[], Awaitable[object]],
    look: Callable[[BaseException | None], Awaitable[object]],
    *,
    breaks: bool = False,
) -> int:
    """Makes the call for each piece at which it can be stopped, until it gets through; how many there were.

    Where it is held up it is cancelled; where the connection breaks, and is there again at once, it comes to an end by itself.
    """
    for piece in range(100):
        proxy.stop_at(piece, breaks=breaks)
        running = asyncio.ensure_future(call())
        stopped = await proxy.settle(running)
        if stopped and not breaks:
            running.cancel()
        else:
            proxy.mend()
        [outcome] = await asyncio.gather(running, return_exceptions=True)
        error = outcome if isinstance(outcome, BaseException) else None
        if not breaks:
            assert isinstance(error, asyncio.CancelledError) == stopped, (piece, error)
        proxy.mend()
        await look(error)
        if not stopped:
            assert error is None, error
            assert piece >= 2
            return piece
    raise AssertionError("there is no end of pieces")


async def no_such_device(token: cardea.Token, pin: bytearray) -> None:
    with pytest.raises(cardea.Refused):
        await token.revoke_device("00000000", pin)


async def waiting(token: cardea.Token, server: Server) -> cardea.Confirmation:
    if (await token.status()).confirmations == 0:
        server.call("confirmation", "joe", text="Pay 4 EUR")
    return (await token.confirmations())[0]


Operation = Callable[[cardea.Wallet, cardea.Token, bytearray], Awaitable[object]]
#: Every operation that asks the server and leaves the token there, with a PIN for those that take one.
OPERATIONS: dict[str, Operation] = {
    "open": lambda wallet, token, pin: token.open(pin),
    "extend": lambda wallet, token, pin: token.open(pin, 20),
    "close": lambda wallet, token, pin: token.close(),
    "close_all": lambda wallet, token, pin: wallet.close_all(),
    "status": lambda wallet, token, pin: token.status(),
    "change_pin": lambda wallet, token, pin: token.change_pin(pin, PIN, [FORCED]),
    "set_duress": lambda wallet, token, pin: token.set_duress(pin, [FORCED]),
    "confirmations": lambda wallet, token, pin: token.confirmations(),
    "devices": lambda wallet, token, pin: token.devices(),
    "history": lambda wallet, token, pin: token.history(),
    "service_info": lambda wallet, token, pin: token.service_info(),
    "revoke_device": lambda wallet, token, pin: no_such_device(token, pin),
}


@pytest.mark.parametrize("breaks", [False, True], ids=["cancelled", "broken"])
async def test_every_operation_may_end_wherever_it_waits_and_the_token_goes_on(opened: Opener, breaks: bool) -> None:
    async with staged() as (proxy, server):
        wallet = await opened()
        token = (await wallet.enroll(server.link("joe"), PIN)).token
        for name, operation in OPERATIONS.items():
            pins: list[bytearray] = []

            async def call() -> None:
                pins.append(bytearray(PIN))
                answer: Any = await operation(wallet, token, pins[-1])
                if name == "close_all" and answer[0].code is not None:
                    # Which does not raise what one token could not do.
                    raise LookupError

            async def look(error: BaseException | None) -> None:
                # None of them was taken for a wrong PIN, and the next operation finds out what became of this one.
                expected = (asyncio.CancelledError, cardea.Offline, cardea.NotConfirmed, LookupError)
                assert error is None or isinstance(error, expected), (name, error)
                status = await token.status()
                assert status.tries_left == 10, name
                assert server.check("joe") == (1 if status.state is cardea.State.OPEN else 2), name

            await at_every_piece(proxy, call, look, breaks=breaks)
            if name not in ("close", "close_all", "status", "confirmations", "devices", "history", "service_info"):
                assert pins and not any(any(pin) for pin in pins), name
        assert (await token.open(PIN)).state is cardea.State.OPEN


@pytest.mark.parametrize("approves", [True, False], ids=["approve", "deny"])
async def test_answers_to_texts_may_be_cancelled_wherever_they_wait(opened: Opener, approves: bool) -> None:
    async with staged() as (proxy, server):
        wallet = await opened()
        token = (await wallet.enroll(server.link("joe"), PIN)).token
        confirmation = await waiting(token, server)

        async def call() -> None:
            if approves:
                await token.approve(confirmation, bytearray(PIN))
            else:
                await token.deny(confirmation, cardea.DenyReason.NOT_ME)

        async def look(error: BaseException | None) -> None:
            nonlocal confirmation
            left = [text.id for text in await token.confirmations()]
            state = server.look("confirmation", confirmation=confirmation.id)["state"]
            # Approved, or still waiting; never anything else.
            answered = "approved" if approves else "denied"
            assert (state, left) in [("pending", [confirmation.id]), (answered, [])]
            confirmation = await waiting(token, server)

        await at_every_piece(proxy, call, look)
        assert (await token.status()).tries_left == 10


async def test_an_enrollment_that_is_cancelled_anywhere_leaves_nothing_or_a_token_that_works(opened: Opener) -> None:
    async with staged() as (proxy, server):
        wallets: list[cardea.Wallet] = []

        async def call() -> None:
            wallets.append(await opened(f"{len(wallets)}"))
            await wallets[-1].enroll(server.link(f"user-{len(wallets)}"), bytearray(PIN))

        async def look(error: BaseException | None) -> None:
            user = f"user-{len(wallets)}"
            assert server.check(user) != 1
            for token in await wallets[-1].tokens():
                try:
                    await token.open(PIN)
                except (cardea.NotEnrolled, cardea.Refused):
                    # The keys never arrived.
                    assert server.check(user) != 1
                else:
                    assert server.check(user) == 1

        await at_every_piece(proxy, call, look)
        assert len(await wallets[-1].tokens()) == 1


async def test_a_policy_may_be_cancelled_anywhere_and_uses_nothing_up(opened: Opener) -> None:
    async with staged() as (proxy, server):
        wallet = await opened()
        invitation = cardea.Invitation.from_text(server.link("joe"))

        async def look(error: BaseException | None) -> None:
            assert await wallet.tokens() == []

        await at_every_piece(proxy, lambda: wallet.policy(invitation), look)
        assert (await (await wallet.enroll(invitation, PIN)).token.open(PIN)).state is cardea.State.OPEN


async def test_a_token_that_is_given_up_and_the_call_cancelled_anywhere_is_gone_by_the_next_try(opened: Opener) -> None:
    async with staged() as (proxy, server):
        tokens: list[cardea.Token] = []

        async def enrolled() -> None:
            wallet = await opened(f"{len(tokens)}")
            tokens.append((await wallet.enroll(server.link(f"user-{len(tokens)}"), PIN)).token)

        async def look(error: BaseException | None) -> None:
            try:
                await tokens[-1].unenroll(PIN)
            except cardea.NotEnrolled:
                pass
            except cardea.Misuse as gone:
                assert gone.code == 104
            assert server.check(f"user-{len(tokens) - 1}") == 0
            await enrolled()

        await enrolled()
        await at_every_piece(proxy, lambda: tokens[-1].unenroll(bytearray(PIN)), look)


async def test_live_sessions_may_be_stopped_wherever_they_wait(opened: Opener) -> None:
    async with staged() as (proxy, server):
        wallet = await opened()
        token = (await wallet.enroll(server.link("joe"), PIN)).token
        for piece in range(3):
            proxy.stop_at(piece)
            async with wallet.go_live():
                assert await proxy.settle(asyncio.get_running_loop().create_future())
            proxy.mend()
            assert (await token.status()).state is cardea.State.CLOSED


Question = Callable[[cardea.RelyingParty, str], Awaitable[object]]
#: Every call of a relying party, given a confirmation that was denied.
QUESTIONS: dict[str, Question] = {
    "is_open": lambda party, asked: party.is_open("joe"),
    "gate": lambda party, asked: party.gate("joe"),
    "status": lambda party, asked: party.status("joe"),
    "confirm": lambda party, asked: party.confirm("joe", "Pay 5 EUR"),
    "confirmation": lambda party, asked: party.confirmation(asked),
    "cancel_confirmation": lambda party, asked: party.cancel_confirmation(asked),
    "await_confirmation": lambda party, asked: party.await_confirmation(asked),
    "watch": lambda party, asked: anext(party.watch(after=0)),
}


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("breaks", [False, True], ids=["cancelled", "broken"])
async def test_every_question_of_a_relying_party_may_end_wherever_it_waits(
    own_server: Server, opened: Opener, name: str, breaks: bool
) -> None:
    token = (await (await opened()).enroll(own_server.link("joe"), PIN)).token
    asked = own_server.call("confirmation", "joe", text="Pay 4 EUR")["confirmation"]
    await token.deny((await token.confirmations())[0])
    await token.open(PIN)
    async with Proxy() as proxy:
        proxy.upstream = own_server.http
        for piece in range(100):
            # A connection that was there before would save pieces.
            party = cardea.RelyingParty(f"http://127.0.0.1:{proxy.port}", own_server.service, own_server._admin_key)
            proxy.stop_at(piece, breaks=breaks)
            asking = asyncio.ensure_future(QUESTIONS[name](party, asked))
            stopped = await proxy.settle(asking)
            # What comes after the answer may be what was stopped.
            was_answered = asking.done()
            if stopped and not breaks:
                asking.cancel()
            else:
                proxy.mend()
            [outcome] = await asyncio.gather(asking, return_exceptions=True)
            if stopped and not breaks and not was_answered:
                assert isinstance(outcome, asyncio.CancelledError)
            elif isinstance(outcome, BaseException):
                # A break is told, or the question was asked again.
                assert stopped and isinstance(outcome, cardea.RelyingPartyFailed), outcome
            proxy.mend()
            assert await party.is_open("joe") and await party.status("joe") is cardea.TokenStatus.OPEN
            if name == "confirm":
                for text in await token.confirmations():
                    await token.deny(text)
            if not stopped:
                break
        assert piece >= 2
