"""What the generated module lacks, set right when the package is imported."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from . import _ffi
from ._calls import gate
from ._ffi import cardea_ffi as generated

#: What PINs and keys travel in.
_SECRET = ("Approval", "ApprovalAnswer", "NewPins")


def classes() -> Iterator[type]:
    """Every class of the generated module, and those within."""
    for value in list(vars(generated).values()):
        if isinstance(value, type) and value.__module__ == generated.__name__:
            yield value
            yield from (inner for inner in list(vars(value).values()) if isinstance(inner, type))


def handles() -> list[type]:
    """Those of which each object owns something in the library."""
    return [kind for kind in classes() if "_uniffi_clone_handle" in vars(kind)]


def records() -> list[type]:
    """Those that only hold values."""
    return [kind for kind in classes() if hasattr(kind, "__dataclass_fields__")]


def _no_copy(self: object, *_: object) -> NoReturn:
    raise TypeError(
        f"a {type(self).__name__} cannot be copied, pickled or given to another process: open the wallet again there"
    )


def _freed(free: Callable[[Any], None]) -> Callable[[Any], None]:
    def __del__(self: Any) -> None:
        gate.freed(free, self)

    return __del__


def _shown(value: object) -> str:
    return str(value) if isinstance(value, enum.Enum) else repr(value)


def _named(self: object) -> str:
    values = ", ".join(f"{name}={_shown(value)}" for name, value in vars(self).items())
    return f"{type(self).__name__}({values})"


def _redacted(self: object) -> str:
    return f"{type(self).__name__}([redacted])"


def _equal(equal: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def __eq__(self: object, other: object) -> Any:
        return equal(self, other) if type(self) is type(other) else NotImplemented

    return __eq__


def _neither(self: object) -> NoReturn:
    raise TypeError(f"{type(self).__name__} is neither true nor false: compare what it says")


for kind in handles():
    # The copy would own the same, and whoever goes first takes it away from the other.
    for name in ("__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__"):
        setattr(kind, name, _no_copy)
    setattr(kind, "__del__", _freed(vars(kind)["__del__"]))

for kind in records():
    setattr(kind, "__repr__", _redacted if kind.__qualname__.split(".")[0] in _SECRET else _named)
    setattr(kind, "__str__", kind.__repr__)
    if "__eq__" in vars(kind):
        # The generated one looks into whatever it is compared with.
        setattr(kind, "__eq__", _equal(vars(kind)["__eq__"]))

# A no is an object too: as a condition each of these would be a yes.
for kind in (_ffi.Answer, _ffi.AskedConfirmation, _ffi.Deed, _ffi.State, _ffi.TokenStatus, _ffi.VerifiedReceipt):
    setattr(kind, "__bool__", _neither)
