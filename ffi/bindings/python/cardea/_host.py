"""What the program may bring itself. Methods are called on other threads, one call at a time or several at once."""

from __future__ import annotations

import builtins
from typing import Protocol


class Clock(Protocol):
    """A clock. It may jump and be wrong by years: it is evidence only, and the server's clock decides."""

    def now(self) -> int:
        """Unix seconds."""
        ...


class Entropy(Protocol):
    """A source of random bytes. What it gives is mixed with random bytes of the operating system."""

    def bytes(self, count: int) -> builtins.bytes:
        """Exactly ``count`` random bytes."""
        ...
