"""What a program asks at a door is no yes before it is answered, and no yes but a yes."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import cardea
import pytest
from conftest import PIN, Opener
from server import Server

QUESTIONS: list[Callable[[cardea.RelyingParty], Any]] = [
    lambda party: party.is_open("nobody"),
    lambda party: party.gate("nobody"),
    lambda party: party.status("nobody"),
    lambda party: party.confirm("nobody", "Yes?"),
    lambda party: party.confirmation("none"),
    lambda party: party.cancel_confirmation("none"),
    lambda party: party.await_confirmation("none"),
]


@pytest.fixture
def nowhere() -> Iterator[cardea.RelyingParty]:
    """A relying party whose server is not there."""
    with warnings.catch_warnings():
        # These tests forget to await on purpose.
        warnings.simplefilter("ignore", RuntimeWarning)
        yield cardea.RelyingParty("http://127.0.0.1:1", "service", "key")


@pytest.mark.parametrize("ask", QUESTIONS)
def test_a_question_that_is_not_awaited_is_no_yes(
    nowhere: cardea.RelyingParty, ask: Callable[[cardea.RelyingParty], Any]
) -> None:
    asked = ask(nowhere)
    with pytest.raises(TypeError, match="await it"):
        if asked:
            pass
    conditions: list[Callable[[], Any]] = [lambda: not asked, lambda: asked and True, lambda: any([asked])]
    for condition in conditions:
        with pytest.raises(TypeError, match="await it"):
            condition()
    assert asked is not True and asked != True  # noqa: E712
    asked.close()


@pytest.mark.parametrize("user", ["nobody", "", 5, None, b"nobody", "\ud800", "a" * 100_000, "\0"])
async def test_whoever_is_asked_for_the_door_stays_shut_without_an_error(
    nowhere: cardea.RelyingParty, shared_server: Server, user: Any
) -> None:
    party = cardea.RelyingParty(f"http://{shared_server.http}", shared_server.service, shared_server._admin_key)
    for each in (nowhere, party):
        assert await each.is_open(user) is False and await each.gate(user) is False


async def test_questions_are_awaited_as_any_coroutine(nowhere: cardea.RelyingParty) -> None:
    opens: bool = await nowhere.is_open("nobody")
    assert opens is False
    assert list(await asyncio.gather(nowhere.is_open("a"), nowhere.gate("a"))) == [False, False]
    assert await asyncio.create_task(nowhere.is_open("a")) is False
    assert await asyncio.wait_for(nowhere.is_open("a"), 30) is False
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(nowhere.gate("a"))
    assert task.result() is False
    assert "is_open" in repr(asyncio.ensure_future(nowhere.is_open("a")))
    once = nowhere.is_open("a")
    await once
    with pytest.raises(RuntimeError):
        await once.__await__().__next__()


def test_a_question_may_be_the_whole_program(nowhere: cardea.RelyingParty) -> None:
    assert asyncio.run(nowhere.is_open("nobody")) is False


async def test_a_question_that_is_cancelled_before_it_is_asked_is_cancelled(nowhere: cardea.RelyingParty) -> None:
    task = asyncio.ensure_future(nowhere.is_open("nobody"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "answer",
    [*cardea.TokenStatus, *cardea.Answer, *cardea.State, *cardea.Deed],
    ids=str,
)
def test_no_answer_is_true_or_false_by_itself(answer: Any) -> None:
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(answer)
    assert answer is type(answer)[answer.name]


async def test_what_a_confirmation_came_to_is_neither_true_nor_false(
    own_server: Server, opened: Opener, user: str
) -> None:
    party = cardea.RelyingParty(f"http://{own_server.http}", own_server.service, own_server._admin_key)
    token = (await (await opened()).enroll(own_server.link(user), PIN)).token
    asked = await party.confirm(user, "Pay 5 EUR")
    [confirmation] = await token.confirmations()
    await token.deny(confirmation)
    denied = await party.confirmation(asked.id)
    assert denied.answer is cardea.Answer.DENIED
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(denied)
    kept = own_server.text("confirmation", confirmation=asked.id)
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(cardea.verify_receipt(kept))
