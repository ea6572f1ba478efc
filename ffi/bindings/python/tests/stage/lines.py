"""The lines of the pages. ffi/conformance/README.md has the grammar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cardea

FOLDER = Path(__file__).resolve().parents[4] / "conformance"


class Step(NamedTuple):
    """One line."""

    line: int
    words: list[str]
    expected: str


class Scenario(NamedTuple):
    """A name and steps."""

    name: str
    steps: list[Step]


def words(step: str) -> list[str]:
    if '"' not in step:
        return step.split(" ")
    before, rest = step.split('"', 1)
    quoted, after = rest.rsplit('"', 1)
    return [*before.split(), quoted, *after.split()]


def scenarios(page: Path) -> Iterator[Scenario]:
    found: list[Scenario] = []
    for line, content in enumerate(page.read_text().splitlines(), 1):
        if content.startswith("scenario "):
            found.append(Scenario(content.removeprefix("scenario "), []))
        elif content and not content.startswith("#"):
            step, _, expected = content.partition(" -> ")
            found[-1].steps.append(Step(line, words(step), expected or "ok"))
    return iter(found)


def holds(outcome: Any, expected: str) -> bool:
    """Whether a step came out as its line says."""
    if isinstance(outcome, cardea.CardeaError):
        return expected == f"error {outcome.code}"
    if expected == "ok":
        return True
    if isinstance(outcome, cardea.Status):
        return outcome.state.name.lower() == expected
    if isinstance(outcome, cardea.TokenStatus):
        return outcome.name.lower() == expected
    if isinstance(outcome, bool) or outcome is None:
        return False
    if isinstance(outcome, int):
        return expected == str(outcome)
    return expected == f'"{outcome}"'


def yes(value: bool) -> str:
    return "yes" if value else "no"
