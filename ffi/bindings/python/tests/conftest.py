"""Tests that are coroutines, and what they need."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import cardea
import pytest
from server import Server

PIN = b"274951"
ROOT = Path(__file__).resolve().parents[4]


def blocks(page: str) -> list[str]:
    """The Python that a page of the documentation prints."""
    return [rest.split("```", 1)[0] for rest in (ROOT / page).read_text().split("\n```python\n")[1:]]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a coroutine to its end, each in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    """One server for all tests that leave it as it is."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server for one test."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """A user of nobody else's."""
    return str(request.node.name)


class Opener:
    """Opens wallets as tests need them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __call__(self, name: str = "wallet", **options: object) -> cardea.Wallet:
        settings = {
            "allow_test_argon2": True,
            "emulated": True,
            "recover_in_background": False,
            "transport": cardea.Transport.TCP,
            **options,
        }
        return await cardea.open_wallet(self.folder / name, **settings)  # type: ignore[arg-type]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """Opens a wallet in a temporary folder."""
    return Opener(tmp_path)
