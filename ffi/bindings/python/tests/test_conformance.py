"""The scenarios of ffi/conformance, which hold in every language."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cardea
import pytest
from stage.devices import Devices
from stage.lines import FOLDER, Scenario, holds, scenarios
from stage.operator import Operator
from stage.relying import ALIASES, Relying

#: The pages, each with how many scenarios it has at least.
PAGES = {"host.txt": 10, "live.txt": 3, "lost.txt": 9, "pictures.txt": 2, "relying.txt": 6, "scenarios.txt": 30}
ALL = [(page, scenario) for page in PAGES for scenario in scenarios(FOLDER / page)]
#: Scenarios that are played at the same time; they mostly wait.
AT_ONCE = 4


class Stage:
    """A server, devices and a relying party."""

    def __init__(self, folder: Path) -> None:
        self.operator = Operator()
        self.devices = Devices(folder, self.operator)
        self.relying = Relying(self.operator)

    async def step(self, verb: str, *rest: str) -> Any:
        try:
            if verb == "interrupted":
                return await self.devices.interrupted(await self._prepared(*rest), rest[1])
            if verb == "lost":
                return await self.devices.lost(await self._prepared(*rest))
            return await self._done(*self._found(verb, *rest))
        except cardea.CardeaError as error:
            return error

    async def _prepared(self, verb: str, *rest: str) -> Any:
        await self.devices._before(verb, *rest)
        return lambda: self._done(getattr(self.devices, verb), *rest)

    def _found(self, verb: str, *rest: str) -> Any:
        if verb == "server":
            return (self.operator.step_server, *rest)
        if verb == "party":
            return (getattr(self.relying, ALIASES.get(rest[0], rest[0])), *rest[1:])
        owner = self.operator if hasattr(self.operator, verb) else self.devices
        return (getattr(owner, verb), *rest)

    @staticmethod
    async def _done(method: Any, *rest: str) -> Any:
        outcome = method(*rest)
        return await outcome if asyncio.iscoroutine(outcome) else outcome


async def play(page: str, scenario: Scenario) -> None:
    with tempfile.TemporaryDirectory(prefix="cardea-python-") as folder:
        stage = Stage(Path(folder))
        try:
            await stage.step("wallet", "main")
            for line, words, expected in scenario.steps:
                outcome = await stage.step(*words)
                step = f"{page}:{line}: {' '.join(words)}"
                assert holds(outcome, expected), f"{step}: expected {expected}, got {outcome!r}"
        finally:
            stage.operator.server.remove()


def begin(page: str, scenario: Scenario) -> None:
    asyncio.run(play(page, scenario))


@pytest.fixture(scope="session")
def played() -> Iterator[dict[str, Future[None]]]:
    """All scenarios, which begin when the first is asked for."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {scenario.name: pool.submit(begin, page, scenario) for page, scenario in ALL}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", [scenario.name for _, scenario in ALL])
def test_scenario(name: str, played: dict[str, Future[None]]) -> None:
    played[name].result()


def test_every_page_is_played() -> None:
    assert sorted(page.name for page in FOLDER.glob("*.txt")) == list(PAGES)
    for page, least in PAGES.items():
        assert len(list(scenarios(FOLDER / page))) >= least, page
    assert len({scenario.name for _, scenario in ALL}) == len(ALL)
