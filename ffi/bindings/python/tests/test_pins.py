"""PINs and keys: taken as they should be, told to nobody, and wiped however a call ends."""

from __future__ import annotations

import asyncio
import gc
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import cardea
import pytest
from conftest import PIN, Opener
from server import Server

FORCED = b"836402"
Call = Callable[[cardea.Wallet, cardea.Token, bytearray], Any]

#: Every call that takes a PIN, given a good one where it takes its first.
CALLS: dict[str, Call] = {
    "enroll": lambda wallet, token, pin: wallet.enroll("none", pin),
    "open": lambda wallet, token, pin: token.open(pin),
    "unenroll": lambda wallet, token, pin: token.unenroll(pin),
    "change_pin": lambda wallet, token, pin: token.change_pin(PIN, pin),
    "change_pin_duress": lambda wallet, token, pin: token.change_pin(PIN, PIN, iter([pin])),
    "change_pin_biometric": lambda wallet, token, pin: token.change_pin(PIN, PIN, biometric=pin),
    "set_duress": lambda wallet, token, pin: token.set_duress(pin, []),
    "set_duress_list": lambda wallet, token, pin: token.set_duress(PIN, (each for each in [pin])),
    "revoke_device": lambda wallet, token, pin: token.revoke_device("00000000", pin),
    "key": lambda wallet, token, pin: token.open(cardea.Biometric(pin)),
}


@pytest.fixture(params=CALLS)
def make(request: pytest.FixtureRequest) -> Call:
    return CALLS[request.param]


@pytest.fixture
def forgetting() -> Iterator[None]:
    """A test that forgets to await on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


async def test_a_pin_is_wiped_if_the_call_never_begins(
    shared_server: Server, opened: Opener, user: str, make: Call, forgetting: None
) -> None:
    wallet = await opened()
    token = (await wallet.enroll(shared_server.link(user), PIN)).token
    cancelled = bytearray(PIN)
    task = asyncio.ensure_future(make(wallet, token, cancelled))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    closed, forgotten = bytearray(PIN), bytearray(PIN)
    make(wallet, token, closed).close()
    never = make(wallet, token, forgotten)
    del never
    gc.collect()
    assert [cancelled, closed, forgotten] == [bytes(6)] * 3
    with pytest.raises(TimeoutError):
        late = bytearray(PIN)
        async with asyncio.timeout(0):
            await asyncio.sleep(0.01)
            await make(wallet, token, late)
    assert shared_server.check(user) == 2


@pytest.mark.parametrize("wrong", ["274951", 274951, None, b"605172", bytearray(FORCED), [5], ["605172"], {FORCED: 1}.items()])
async def test_pins_are_wiped_if_something_else_is_wrong(
    shared_server: Server, opened: Opener, user: str, wrong: Any
) -> None:
    wallet = await opened()
    token = (await wallet.enroll(shared_server.link(user), PIN)).token
    current, new, key = bytearray(PIN), bytearray(b"605172"), bytearray(32)
    key[:] = b"k" * 32
    calls: list[Callable[[], Any]] = [
        lambda: token.change_pin(current, new, wrong, key),
        lambda: token.set_duress(current, wrong),
        lambda: wallet.enroll(shared_server.link("another"), new, wrong),
    ]
    for make in calls:
        current[:], new[:], key[:] = PIN, b"605172", b"k" * 32
        with pytest.raises(TypeError) as refused:
            await make()
        told = "".join(traceback.format_exception_only(refused.value))
        assert "duress" in told and "274951" not in told and "605172" not in told and "836402" not in told
    assert current in (PIN, bytes(6)) and new == bytes(6)
    # A call that cannot be made as it is written.
    current[:] = PIN
    anyhow: Any = token.change_pin
    with pytest.raises(TypeError):
        await anyhow(current)
    with pytest.raises(TypeError):
        await anyhow(current, new, nothing=1)
    assert current == bytes(6) and (await token.open(PIN)).state is cardea.State.OPEN


@pytest.mark.parametrize("wrong", ["274951", 274951, None, [1], memoryview(b"274951"), object()])
async def test_what_is_no_pin_is_named_and_not_shown(
    shared_server: Server, opened: Opener, user: str, wrong: Any
) -> None:
    wallet = await opened()
    token = (await wallet.enroll(shared_server.link(user), PIN)).token
    nothing: Any = object()
    calls: dict[str, Callable[[], Any]] = {
        "pin": lambda: token.open(wrong),
        "current": lambda: token.change_pin(wrong, PIN),
        "new": lambda: token.change_pin(PIN, wrong),
        "biometric": lambda: token.change_pin(PIN, PIN, biometric=nothing if wrong is None else wrong),
        "key": lambda: token.open(cardea.Biometric(wrong)),
    }
    for name, make in calls.items():
        with pytest.raises(TypeError) as refused:
            await make()
        assert str(refused.value).startswith(f"{name} must be ") and "274951" not in str(refused.value)
        assert type(refused.value.__context__) is not UnicodeEncodeError
    assert (await token.status()).tries_left == 10


async def test_duress_pins_may_come_one_after_the_other(own_server: Server, opened: Opener, user: str) -> None:
    """A generator can be gone through once only: all of what it gives arrives, and is wiped."""
    wallet = await opened()
    enrolled, changed, added = bytearray(FORCED), bytearray(b"605172"), bytearray(b"938475")
    token = (await wallet.enroll(own_server.link(user), PIN, (pin for pin in [enrolled]))).token
    for pins in (FORCED, b"605172", b"938475"):
        if pins == b"605172":
            await token.change_pin(bytearray(PIN), PIN, (pin for pin in [changed]))
        elif pins == b"938475":
            await token.set_duress(bytearray(PIN), map(lambda pin: pin, [added]))
        assert (await token.open(bytearray(pins))).state is cardea.State.OPEN
        own_server.call("duress/clear", user)
        await token.close()
    assert [enrolled, changed, added] == [bytes(6)] * 3


async def test_duress_pins_without_an_end_are_too_many(shared_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(shared_server.link(user), PIN)).token
    with pytest.raises(cardea.Misuse):
        await token.set_duress(PIN, iter(lambda: b"836402", None))

    def breaks() -> Iterator[bytearray]:
        yield given
        raise LookupError("on purpose")

    given, current = bytearray(FORCED), bytearray(PIN)
    with pytest.raises(LookupError):
        await token.set_duress(current, breaks())
    assert [given, current] == [bytes(6)] * 2


class Person:
    """Who is asked."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer

    def approve(self, request: cardea.PresenceRequest) -> Any:
        return self._answer()


async def test_what_a_holder_answers_is_wiped(own_server: Server, opened: Opener, user: str) -> None:
    given: list[bytearray] = []

    def answers(pin: bytes, kind: Callable[[bytearray], Any] = lambda pin: pin) -> Person:
        def answer() -> Any:
            given.append(bytearray(pin))
            return kind(given[-1])

        return Person(answer)

    own_server.call("service/update", biometric=True)
    wallet = await opened(presence=answers(PIN))
    token = (await wallet.enroll(own_server.link(user), PIN, biometric=b"k" * 32)).token
    assert (await token.open(cardea.ASK)).state is cardea.State.OPEN
    keyed = await opened(presence=answers(b"k" * 32, cardea.Biometric))
    assert (await (await keyed.token(token.id)).open(cardea.ASK)).state is cardea.State.OPEN
    for wrong in (b"519384", b"27495x", b""):
        typed = await opened(presence=answers(wrong))
        with pytest.raises(cardea.CardeaError):
            await (await typed.token(token.id)).open(cardea.ASK)
    assert len(given) == 5 and all(not any(each) for each in given)


async def test_what_a_holder_answers_too_late_is_wiped(own_server: Server, opened: Opener, user: str) -> None:
    let_go, loop = threading.Event(), asyncio.get_running_loop()
    asked, wiped = asyncio.Event(), asyncio.Event()
    pin = bytearray(PIN)

    class Watched(bytearray):
        """Tells when nobody has it any more."""

        def __del__(self) -> None:
            seen.append(builtins_bytes(self))
            loop.call_soon_threadsafe(wiped.set)

    builtins_bytes, seen = bytes, list[bytes]()

    def answer() -> Any:
        loop.call_soon_threadsafe(asked.set)
        let_go.wait()
        return Watched(pin)

    wallet = await opened(presence=Person(answer))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    opening = asyncio.ensure_future(token.open(cardea.ASK))
    await asked.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    let_go.set()
    await wiped.wait()
    assert seen == [bytes(6)] and own_server.check(user) == 2


@pytest.mark.parametrize(
    "leak",
    [
        lambda: int("274951x"),
        lambda: (_ for _ in ()).throw(RuntimeError("cannot write 274951")),
        lambda: b"274951".decode("ascii") + 5,  # type: ignore[operator]
        lambda: dict[str, int]()["274951"],
        lambda: "274951",
    ],
)
async def test_what_a_callback_raises_is_told_by_its_type_only(
    own_server: Server, opened: Opener, user: str, leak: Callable[[], Any]
) -> None:
    wallet = await opened(presence=Person(leak))
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    with pytest.raises(cardea.HostFailed) as failed:
        await token.open(cardea.ASK)
    assert "274951" not in failed.value.reason and "274951" not in str(failed.value)
    part: Any = type("Part", (), {name: lambda *_: leak() for name in ("now", "bytes", "load", "save", "remove")})()
    for name in ("clock", "entropy", "secrets"):
        with pytest.raises(cardea.CardeaError) as told:
            await opened(name, **{name: part})
        assert "274951" not in told.value.reason
