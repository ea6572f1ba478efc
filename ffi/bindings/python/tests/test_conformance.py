"""The scenarios of ffi/conformance, which hold in every language."""

from __future__ import annotations

import asyncio
import builtins
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cardea
import pytest
from cardea import _ffi
from server import Server

FOLDER = Path(__file__).resolve().parents[3] / "conformance"
FILES = [FOLDER / "scenarios.txt", FOLDER / "live.txt"]
Step = tuple[int, list[str], str]


def words(step: str) -> list[str]:
    if '"' not in step:
        return step.split(" ")
    before, rest = step.split('"', 1)
    quoted, after = rest.rsplit('"', 1)
    return [*before.split(), quoted, *after.split()]


def scenarios() -> Iterator[tuple[str, list[Step]]]:
    for file in FILES:
        yield from scenarios_of(file)


def scenarios_of(file: Path) -> Iterator[tuple[str, list[Step]]]:
    name, steps = "", list[Step]()
    for line, content in enumerate(file.read_text().splitlines(), 1):
        if content.startswith("scenario "):
            if name:
                yield name, steps
            name, steps = content.removeprefix("scenario "), []
        elif content and not content.startswith("#"):
            step, _, expected = content.partition(" -> ")
            steps.append((line, words(step), expected or "ok"))
    yield name, steps


def holds(outcome: Any, expected: str) -> bool:
    if isinstance(outcome, cardea.CardeaError):
        return expected == f"error {outcome.code}"
    if expected == "ok":
        return True
    if isinstance(outcome, cardea.Status):
        return outcome.state.name.lower() == expected
    if isinstance(outcome, bool) or outcome is None:
        return False
    if isinstance(outcome, int):
        return expected == str(outcome)
    return expected == f'"{outcome}"'


def yes(value: bool) -> str:
    return "yes" if value else "no"


def duress(pins: list[str]) -> list[bytes]:
    return [pin.encode() for pin in pins]


class OffClock:
    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def now(self) -> int:
        return int(time.time()) + self._seconds


class BadHost:
    """A host that misbehaves in every part that it is asked for."""

    def __init__(self, behavior: str) -> None:
        self._behavior = behavior

    def _misbehave(self) -> None:
        if self._behavior == "throws":
            raise ValueError("on purpose")
        if self._behavior == "reenters":

            async def reenter() -> None:
                await cardea.open_wallet()

            asyncio.run(reenter())

    def now(self) -> int:
        self._misbehave()
        return 0

    def bytes(self, count: int) -> builtins.bytes:
        self._misbehave()
        return b"\1\2\3"


class Named:
    """A wallet by name."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.folder = folder
        self.options = options
        self.wallet: cardea.Wallet | None = None
        self.events: cardea.EventStream | None = None

    async def reopen(self, **more: Any) -> None:
        self.wallet = self.events = None
        self.wallet = await cardea.open_wallet(self.folder, **self.options, **more)
        self.events = self.wallet.events()


class World:
    """A server and the devices of a scenario."""

    def __init__(self, folder: Path) -> None:
        self.server = Server()
        self.folder = folder
        self.wallets: dict[str, Named] = {}
        self.current = "main"
        self.ids: dict[str, str] = {}
        self.offers: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.waiting: dict[str, list[cardea.Confirmation]] = {}

    @property
    def named(self) -> Named:
        return self.wallets[self.current]

    @property
    def wallet(self) -> cardea.Wallet:
        assert self.named.wallet is not None
        return self.named.wallet

    async def token(self, user: str) -> cardea.Token:
        return await self.wallet.token(self.ids[user])

    def offer(self, user: str) -> Any:
        if user not in self.offers:
            self.invite(user)
        return self.offers[user]

    async def step(self, verb: str, *rest: str) -> Any:
        method: Callable[..., Any] = getattr(self, verb)
        try:
            outcome = method(*rest)
            return await outcome if asyncio.iscoroutine(outcome) else outcome
        except cardea.CardeaError as error:
            return error

    # the relying party and the operator

    def service(self, setting: str, value: str) -> None:
        self.server.call("service/update", **{setting: json.loads(value)})

    def advance(self, seconds: str) -> None:
        self.server.advance(int(seconds))

    def check(self, user: str) -> int:
        return self.server.check(user)

    def ask(self, user: str, text: str, *lifetime: str) -> None:
        more = {"expiresIn": int(lifetime[0])} if lifetime else {}
        self.asked[user] = self.server.call("confirmation", user, text=text, **more)["confirmation"]

    def answer(self, user: str) -> str:
        state: str = self.server.look("confirmation", confirmation=self.asked[user])["state"]
        return state

    def withdraw(self, user: str) -> None:
        self.server.call("confirmation/cancel", confirmation=self.asked[user])

    def close_at_server(self, user: str) -> None:
        self.server.call("close", user)

    def unblock(self, user: str) -> None:
        self.server.call("unblock", user)

    def clear_duress(self, user: str) -> None:
        self.server.call("duress/clear", user)

    def delete(self, user: str) -> None:
        self.server.call("delete", user)

    def invite(self, user: str, how: str = "") -> None:
        options = {"replace": {"replaceDevice": True}, "add": {"addDevice": True}, "": {}}[how]
        self.offers[user] = self.server.call("enroll", user, **options)

    # devices

    async def switch(self, name: str, *how: str) -> None:
        self.current = name
        if name in self.wallets:
            return
        folder = self.folder / name
        options: dict[str, Any] = {
            "allow_test_argon2": how != ("strict",),
            "emulated": True,
            "recover_in_background": False,
            "transport": None if how == ("automatic",) else cardea.Transport.TCP,
        }
        if how[:1] == ("shares",):
            folder = self.wallets[how[1]].folder
        self.wallets[name] = Named(folder, options)
        await self.named.reopen()

    async def reopen(self) -> None:
        await self.named.reopen()

    async def clock(self, seconds: str) -> None:
        await self.named.reopen(clock=OffClock(int(seconds)))

    async def backup(self) -> None:
        shutil.copytree(self.named.folder, self.named.folder.with_suffix(".backup"))

    async def restore(self) -> None:
        self.named.wallet = self.named.events = None
        shutil.rmtree(self.named.folder)
        shutil.copytree(self.named.folder.with_suffix(".backup"), self.named.folder)
        await self.named.reopen()

    async def damage(self, how: str) -> None:
        self.named.wallet = self.named.events = None
        if how == "no_key":
            (self.named.folder / "store.key").unlink()
        for path in self.named.folder.glob("*.token"):
            content = path.read_bytes()
            if how == "cut":
                path.write_bytes(content[:-1])
            elif how == "flip":
                path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        await self.named.reopen()

    async def host(self, part: str, behavior: str) -> None:
        bad: Any = BadHost(behavior)
        await cardea.open_wallet(**{part: bad})

    def preview(self, user: str) -> str:
        return cardea.Invitation.from_text(self.offer(user)["link"]).preview.host

    async def enroll(self, user: str, pin: str, *more: str) -> None:
        invitation = cardea.Invitation.from_text(self.offer(user)["link"])
        enrolled = await self.wallet.enroll(invitation, pin.encode(), duress(list(more)))
        self.ids[user] = enrolled.token.id

    async def enroll_code(self, user: str, pin: str) -> None:
        invitation = await cardea.Invitation.from_code(self.offer(user)["code"], self.server.http)
        self.ids[user] = (await self.wallet.enroll(invitation, pin.encode())).token.id

    def link(self, how: str) -> None:
        link: str = self.offer("mangled")["link"]
        mangled = {
            "whole": link,
            "spaced": f" \n{link}\t\r\n",
            "empty": "",
            "cut": link[:-8],
            "doubled": link + link,
            "flipped": link[:-1] + ("B" if link[-1] == "A" else "A"),
            "elsewhere": "https://id.example/",
            "long": link + "A" * 100_000,
            "binary": link + "\0",
        }
        cardea.Invitation.from_text(mangled[how])

    async def code(self, how: str) -> None:
        if how == "short":
            await cardea.Invitation.from_code("AB", self.server.http)
        else:
            await cardea.Invitation.from_code(self.offer("mangled")["code"], "127.0.0.1:1")

    async def tokens(self) -> int:
        return len(await self.wallet.tokens())

    async def open(self, user: str, pin: str, seconds: str | None = None) -> cardea.Status:
        return await (await self.token(user)).open(pin.encode(), None if seconds is None else int(seconds))

    async def close(self, user: str) -> cardea.Status:
        return await (await self.token(user)).close()

    async def status(self, user: str) -> cardea.Status:
        return await (await self.token(user)).status()

    async def remaining(self, user: str) -> int:
        return (await self.status(user)).remaining_seconds or 0

    async def tries(self, user: str) -> int:
        return (await self.status(user)).tries_left

    async def waits(self, user: str) -> int:
        return (await self.status(user)).confirmations

    async def skewed(self, user: str) -> str:
        return yes((await self.status(user)).clock_difference is not None)

    async def change_pin(self, user: str, pin: str, new: str, *more: str) -> cardea.Status:
        return await (await self.token(user)).change_pin(pin.encode(), new.encode(), duress(list(more)))

    async def set_duress(self, user: str, pin: str, *more: str) -> cardea.Status:
        return await (await self.token(user)).set_duress(pin.encode(), duress(list(more)))

    async def unenroll(self, user: str, pin: str) -> None:
        await (await self.token(user)).unenroll(pin.encode())

    async def forget(self, user: str) -> None:
        await (await self.token(user)).forget()

    async def confirmations(self, user: str) -> str:
        self.waiting[user] = await (await self.token(user)).confirmations()
        return " / ".join(confirmation.text for confirmation in self.waiting[user])

    async def approve(self, user: str, pin: str) -> cardea.Status:
        return await (await self.token(user)).approve(self.waiting[user][0], pin.encode())

    async def deny(self, user: str, reason: str | None = None) -> cardea.Status:
        why = None if reason is None else cardea.DenyReason[reason.upper()]
        return await (await self.token(user)).deny(self.waiting[user][0], why)

    async def devices(self, user: str) -> int:
        return len(await (await self.token(user)).devices())

    async def revoke_other(self, user: str, pin: str) -> cardea.Status:
        token = await self.token(user)
        devices = await token.devices()
        # When there is no other one, its own is no other one either.
        other = next((device for device in devices if not device.is_this), devices[0])
        return await token.revoke_device(other.id, pin.encode())

    async def history(self, user: str) -> str:
        return ", ".join(item.deed.name.lower() for item in await (await self.token(user)).history())

    async def service_info(self, user: str) -> str:
        info = await (await self.token(user)).service_info()
        return f"{info.service} / {info.user}"

    async def label(self, user: str, text: str) -> None:
        await (await self.token(user)).set_label(text)

    async def labeled(self, user: str) -> str:
        return (await (await self.token(user)).info()).label

    async def pending(self, user: str) -> str:
        return yes((await (await self.token(user)).info()).pending)

    async def close_all(self) -> int:
        return len([closed for closed in await self.wallet.close_all() if closed.status is not None])

    def go_live(self) -> None:
        self.live = self.wallet.go_live()

    def wake(self) -> None:
        self.live.wake()

    async def stop_live(self) -> None:
        await self.live.stop()

    async def event(self, user: str, kind: str) -> None:
        async def found() -> None:
            assert self.named.events is not None
            async for event in self.named.events:
                assert event.kind is not cardea.EventKind.MISSED
                if event.token == self.ids[user] and event.kind.name.lower() == kind:
                    return
            raise AssertionError("the events ended")

        await asyncio.wait_for(found(), 30)

    async def cancelled(self, user: str) -> Any:
        cancel = _ffi.Cancel()  # type: ignore[no-untyped-call]
        cancel.cancel()
        with pytest.raises(_ffi.CardeaError) as caught:
            await (await self.token(user))._inner.status(cancel)
        return cardea.Cancelled(caught.value.code, "")  # type: ignore[attr-defined]

    async def interrupted(self, verb: str, user: str, *rest: str) -> Any:
        token = await self.token(user)
        self.server.freeze()
        doing = asyncio.ensure_future(self.step(verb, user, *rest))
        while not (await token.info()).pending:
            await asyncio.sleep(0.005)
        self.server.stop()
        self.server.start()
        return await doing


ALIASES = {"wallet": "switch", "waiting": "waits"}


async def play(name: str, steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory(prefix="cardea-python-") as folder:
        world = World(Path(folder))
        try:
            await world.switch("main")
            for line, [verb, *rest], expected in steps:
                if verb == "server":
                    {"stop": world.server.stop, "start": world.server.start}[rest[0]]()
                    continue
                outcome = await world.step(ALIASES.get(verb, verb), *rest)
                step = f"line {line}: {verb} {' '.join(rest)}"
                assert holds(outcome, expected), f"{step}: expected {expected}, got {outcome!r}"
        finally:
            world.server.remove()


@pytest.mark.parametrize(("name", "steps"), list(scenarios()), ids=lambda value: value if isinstance(value, str) else "")
def test_scenario(name: str, steps: list[Step]) -> None:
    asyncio.run(play(name, steps))


def test_there_are_scenarios() -> None:
    assert len(list(scenarios())) >= 20
