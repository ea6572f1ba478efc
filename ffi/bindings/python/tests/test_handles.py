"""Objects that own something in the library are never there twice; records are what they seem."""

from __future__ import annotations

import copy
import dataclasses
import multiprocessing
import pickle
from collections.abc import Callable
from typing import Any

import cardea
import pytest
from cardea import _ffi, _generated
from conftest import PIN, Opener
from server import Server

HANDLES = _generated.handles()
COPIES: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    pickle.dumps,
    lambda each: pickle.dumps(each, 0),
    lambda each: each.__reduce__(),
    lambda each: copy.deepcopy([each]),
]


def test_every_object_of_the_library_is_known() -> None:
    names = {kind.__name__ for kind in HANDLES}
    assert names >= {"Wallet", "Token", "Invitation", "Confirmation", "Events", "Live", "RelyingParty", "Watch", "Cancel"}
    # Whatever frees something in the library is one of them.
    frees = {kind for kind in _generated.classes() if "__del__" in vars(kind)}
    assert frees == set(HANDLES)


@pytest.mark.parametrize("kind", HANDLES, ids=lambda kind: kind.__name__)
def test_no_object_of_the_library_is_copied(kind: Any) -> None:
    # It owns nothing, so that a copy would do no harm here.
    empty = kind.__new__(kind)
    for copied in COPIES:
        with pytest.raises(TypeError, match="cannot be copied"):
            copied(empty)


async def test_what_holds_one_is_not_copied_through(own_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    invitation = cardea.Invitation.from_text(own_server.link(user))
    enrolled = await wallet.enroll(invitation, PIN)
    own_server.call("confirmation", user, text="Yes?")
    [confirmation] = await enrolled.token.confirmations()
    party = cardea.RelyingParty("http://127.0.0.1:1", "service", "key")
    live = wallet.go_live()
    every = [wallet, invitation, enrolled, enrolled.token, confirmation, wallet.events(), live, party, party.watch()]
    for each in every:
        for copied in (copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                copied(each)
    with pytest.raises(TypeError):
        dataclasses.asdict(enrolled)
    spawned = multiprocessing.get_context("spawn").Process(target=print, args=(enrolled.token,))
    with pytest.raises(TypeError):
        spawned.start()
    await live.stop()
    # Two of the layer's objects may share one of the library's.
    assert (await copy.copy(enrolled.token).open(PIN)).state is cardea.State.OPEN


async def test_records_say_what_is_in_them(own_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    status = await token.open(PIN)
    for text in (repr(status), str(status), str([status])):
        assert "Status(state=State.OPEN, remaining_seconds=60, tries_left=10" in text
    purpose = _ffi.Purpose.APPROVE(text="Pay 5 EUR")
    assert repr(purpose) == "Purpose.APPROVE(text='Pay 5 EUR')"
    assert copy.deepcopy(status) == status == pickle.loads(pickle.dumps(status))
    others: list[object] = [None, 5, "open", token, await token.info()]
    assert status not in others and all(status != other for other in others)


def test_no_record_shows_a_secret() -> None:
    digits, key = b"274951", b"\x07" * 32
    secrets = [
        _ffi.NewPins(normal=digits, duress=[digits], biometric=key),
        _ffi.Approval.PIN(digits),
        _ffi.Approval.BIOMETRIC(key),
        _ffi.ApprovalAnswer.PIN(digits),
        _ffi.ApprovalAnswer.BIOMETRIC(key),
    ]
    for each in (*secrets, cardea.Biometric(key)):
        for text in (repr(each), str(each), f"{each}", repr([each])):
            assert "274951" not in text and "x07" not in text and "redacted" in text
