"""Wallets by name, and what is done to their folders."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cardea

from .hosts import BadHost, Behavior, OffClock


class Named:
    """A wallet by name."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.folder = folder
        self.options = options
        self.wallet: cardea.Wallet | None = None
        self.events: cardea.EventStream | None = None

    def close(self) -> None:
        self.wallet = self.events = None

    async def reopen(self, **more: Any) -> None:
        self.close()
        self.wallet = await cardea.open_wallet(self.folder, **{**self.options, **more})
        self.events = self.wallet.events()


class Wallets:
    """All wallets of a scenario."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wallets: dict[str, Named] = {}
        self.current = "main"
        self.behavior = Behavior()

    @property
    def named(self) -> Named:
        return self.wallets[self.current]

    @property
    def opened(self) -> cardea.Wallet:
        assert self.named.wallet is not None
        return self.named.wallet

    async def wallet(self, name: str, *how: str) -> None:
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
        if how[:1] == ("hosted",):
            options.update(self.behavior.parts(how[1:]))
        self.wallets[name] = Named(folder, options)
        await self.named.reopen()

    async def reopen(self) -> None:
        await self.named.reopen()

    async def clock(self, seconds: str) -> None:
        await self.named.reopen(clock=OffClock(int(seconds)))

    def _backup(self) -> Path:
        return self.named.folder.with_suffix(".backup")

    async def backup(self) -> None:
        shutil.copytree(self.named.folder, self._backup())

    async def restore(self) -> None:
        self.named.close()
        shutil.rmtree(self.named.folder)
        shutil.copytree(self._backup(), self.named.folder)
        await self.named.reopen()

    async def damage(self, how: str) -> None:
        self.named.close()
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

    def behave(self, part: str, how: str) -> None:
        assert part in ("presence", "secrets")
        setattr(self.behavior, part, how)

    def asked(self) -> int:
        asked, self.behavior.asked = self.behavior.asked, 0
        return asked

    def asked_for(self) -> str:
        return self.behavior.asked_for
