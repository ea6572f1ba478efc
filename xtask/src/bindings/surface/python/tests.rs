use std::fs;
use std::path::PathBuf;

use super::*;
use crate::bindings::changes::changes;

const ROOT: &str = r#"
"""Says what it is."""
from ._doors import Door, Limit, Pin, State, open_door
from ._ffi import Status, version
import os

__version__ = version()
__all__ = ["Door", "Limit", "open_door", "Pin", "State", "Status"]
_own = 1
"#;

const DOORS: &str = r#"
from __future__ import annotations
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Union, overload
from . import _ffi
from ._base import _Base

Pin = Union[bytes, "bytearray", Literal[_Asked.ASK]]

class _Asked(Enum):
    ASK = "ask"

class State(Enum):
    OPEN = 1
    CLOSED = 2
    _HIDDEN = 3

@dataclass(frozen=True)
class Limit:
    """Fields: none."""
    #: Most.
    most: int
    least: int | None = None
    _own: int = 0

class Door(_Base, metaclass=Meta):
    kind: str
    size: int = 3

    def __init__(self, inner: _ffi.Door) -> None:
        self._inner = inner
        self.label = "x"

    @property
    def state(self) -> State:
        return State.OPEN

    @overload
    async def open(self, pin: Pin) -> _ffi.Status: ...
    @overload
    async def open(self, pin: None = None) -> None: ...
    async def open(self, pin: Pin | None = None, /, *more: int, timeout: float | None = 2.5, **rest: str) -> _ffi.Status | None:
        def inner(public: int) -> None: ...

    async def __aenter__(self) -> Door:
        return self

    def __repr__(self) -> str:
        return ""

    def _own(self) -> None: ...

if True:
    def open_door(folder: str, *, state: State = State.OPEN) -> _Opening:
        return _Opening()

class _Opening:
    def __init__(self, own: _ffi.Door) -> None: ...
    def __await__(self) -> Generator[Any, None, Door]: ...

def hidden() -> None: ...
"#;

const BASE: &str = "class _Base:\n    def __init__(self, key: Pin, text) -> None:\n        self.key = key\n    def inherited(self) -> int: ...\n    def size(self): ...\n";

fn of(root: &str, doors: &str, base: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    for (file, text) in [("__init__.py", root), ("_doors.py", doors), ("_base.py", base), ("py.typed", "")] {
        fs::write(folder.path().join(file), text)?;
    }
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    Ok(Vec::from_iter(lines(&workspace, "doors", folder.path())?).join("\n"))
}

#[test]
fn what_is_public_is_listed_and_nothing_else() {
    let wanted = [
        "doors.Door.__aenter__: async def __aenter__(self) -> Door",
        "doors.Door.inherited: def inherited(self) -> int",
        "doors.Door.key: key: Pin",
        "doors.Door.kind: kind: str",
        "doors.Door.label: label",
        "doors.Door.open: @overload async def open(self, pin: None = None) -> None",
        "doors.Door.open: @overload async def open(self, pin: Pin) -> _ffi.Status",
        "doors.Door.open: async def open(self, pin: Pin | None = None, /, *more: int, timeout: float | None = 2.5, **rest: str) -> _ffi.Status | None",
        "doors.Door.size: size: int = 3",
        "doors.Door.state: @property def state(self) -> State",
        "doors.Door: class Door(_Base, Meta)",
        "doors.Limit.__init__: (most: int, least: int | None = None, _own: int = 0)",
        "doors.Limit.least: least: int | None = None",
        "doors.Limit.most: most: int",
        "doors.Limit: @dataclass(frozen=True) class Limit()",
        "doors.Pin: Pin = Union[bytes, 'bytearray', Literal[_Asked.ASK]]",
        "doors.State.CLOSED: CLOSED = 2",
        "doors.State.OPEN: OPEN = 1",
        "doors.State: class State(Enum)",
        "doors.Status: Status of doors._ffi",
        "doors.__version__: __version__ = version()",
        "doors._doors._Asked.ASK: ASK = 'ask'",
        "doors._doors._Asked: class _Asked(Enum)",
        "doors._doors._Opening.__await__: def __await__(self) -> Generator[Any, None, Door]",
        "doors._doors._Opening: class _Opening()",
        "doors.open_door: def open_door(folder: str, *, state: State = State.OPEN) -> _Opening",
    ];
    let given = of(ROOT, DOORS, BASE).unwrap();
    for (given, wanted) in given.lines().zip(wanted) {
        assert_eq!(given, wanted);
    }
    assert_eq!(given.lines().count(), wanted.len());
}

#[test]
fn each_change_that_apps_see_is_noticed() {
    let before = of(ROOT, DOORS, BASE).unwrap();
    for (old, new, what) in [
        ("folder: str,", "folder: bytes,", "changed; "),
        ("state: State = State.OPEN", "state: State = State.CLOSED", "changed; "),
        ("state: State = State.OPEN", "state: State", "changed; "),
        ("folder: str, *, ", "folder: str, ", "changed; "),
        ("    OPEN = 1\n", "", "gone; "),
        ("    CLOSED = 2\n", "    CLOSED = 3\n", "changed; "),
        ("    most: int\n", "", "gone; "),
        (
            "    most: int\n    least: int | None = None\n",
            "    least: int | None = None\n    most: int = 1\n",
            "changed; ",
        ),
        ("    kind: str\n", "    _kind: str\n", "gone; "),
        ("self.label", "self._label", "gone; "),
        ("    def _own", "    def own", "new; "),
        ("    @property\n", "", "changed; "),
        ("async def __aenter__", "def __aenter__", "changed; "),
        ("Door(_Base, ", "Door(", "gone; "),
        ("    def __await__", "    def wait", "gone; "),
        ("-> State:", "-> State | None:", "changed; "),
        ("frozen=True", "frozen=False", "changed; "),
        ("Union[bytes, ", "Union[", "changed; "),
        ("inner: _ffi.Door)", "inner: _ffi.Status)", "new; "),
    ] {
        assert!(DOORS.contains(old), "{old}");
        let told = changes(&before, &of(ROOT, &DOORS.replacen(old, new, 1), BASE).unwrap());
        let told = told.unwrap_or_else(|| panic!("{old} -> {new}"));
        assert!(told.contains(what), "{old} -> {new}: {told}");
    }
    let fewer = of(&ROOT.replace("\"Limit\", ", ""), DOORS, BASE).unwrap();
    assert!(changes(&before, &fewer).unwrap().contains("- doors.Limit.most"));
    let less = of(ROOT, DOORS, &BASE.replace("def inherited", "def _inherited")).unwrap();
    assert!(changes(&before, &less).unwrap().contains("- doors.Door.inherited"));
}

#[test]
fn what_apps_do_not_see_may_change() {
    let before = of(ROOT, DOORS, BASE).unwrap();
    for (old, new) in [
        ("return State.OPEN", "return State.CLOSED"),
        ("def hidden()", "def shown(a: int)"),
        ("    _HIDDEN = 3\n", ""),
        ("#: Most.", "#: The most."),
        ("public: int", "public: str"),
        ("own: _ffi.Door", "own: _ffi.Watch"),
    ] {
        assert!(DOORS.contains(old), "{old}");
        assert_eq!(of(ROOT, &DOORS.replacen(old, new, 1), BASE).unwrap(), before, "{old} -> {new}");
    }
}

#[test]
fn a_name_that_is_exported_and_not_there_is_an_error() {
    let error = of(&ROOT.replace("\"Limit\"", "\"Limits\""), DOORS, BASE).unwrap_err();
    assert!(format!("{error:#}").contains("doors.Limits"), "{error:#}");
}
