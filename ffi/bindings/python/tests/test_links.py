"""Texts that are no links."""

from __future__ import annotations

import random

import cardea
import pytest
from conftest import ROOT
from server import Server

NONE = [
    "",
    " ",
    "cardea:",
    "cardea:!!!",
    "https://",
    "https://id.example/e#",
    "https://id.example/e#AAAA",
    "javascript:alert(1)",
    "A" * 1_000_000,
    "\0",
    "cardea:" + "\u0661" * 100,
    "https://id.example:99999/e#AAAA",
    "https://[::1/e#AAAA",
    "\N{PILE OF POO}" * 50,
]


@pytest.mark.parametrize("text", NONE, ids=range(len(NONE)))
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(cardea.InvitationRejected) as caught:
        cardea.Invitation.from_text(text)
    assert caught.value.code == 111


def test_text_that_is_no_unicode_is_a_plain_error() -> None:
    with pytest.raises(ValueError, match="^text has a lone surrogate"):
        cardea.Invitation.from_text("cardea:\ud800")


def test_links_with_anything_changed_lead_nowhere_else(shared_server: Server, user: str) -> None:
    link = shared_server.link(user)
    host = cardea.Invitation.from_text(link).preview.host
    source = random.Random(7)
    for _ in range(500):
        letters = list(link)
        for _ in range(source.randint(1, 3)):
            place = source.randrange(len(letters))
            letters[place] = chr(source.randrange(33, 127))
        try:
            invitation = cardea.Invitation.from_text("".join(letters))
        except cardea.InvitationRejected as error:
            assert error.code == 111
        else:
            # What can be read at all is either the same server, or a text that names another one openly.
            assert invitation.preview.host == host or invitation.preview.host in "".join(letters)


async def test_pictures_with_anything_changed_lead_nowhere_else() -> None:
    """Bits that are another way round, and files that end early."""
    folder = ROOT / "ffi/conformance/pictures"
    source = random.Random(7)
    for file in ["link.png", "link.jpg"]:
        whole = (folder / file).read_bytes()
        assert (await cardea.Invitation.from_qr_image(whole)).preview.host == "id.example"
        for _ in range(30):
            changed = bytearray(whole)
            for _ in range(source.randint(1, 3)):
                changed[source.randrange(len(changed))] ^= 1 << source.randrange(8)
            for picture in [bytes(changed), whole[: source.randrange(len(whole))]]:
                try:
                    invitation = await cardea.Invitation.from_qr_image(picture)
                except cardea.InvitationRejected as error:
                    assert error.code == 115
                else:
                    assert invitation.preview.host == "id.example"


async def test_secrets_of_an_invitation_are_not_shown(shared_server: Server, user: str) -> None:
    link = shared_server.link(user)
    shown = repr(cardea.Invitation.from_text(link))
    assert shown.startswith("Invitation(127.0.0.1:")
    assert link.rsplit("#", 1)[1][:16] not in shown
