"""What devices have signed, checked without a server."""

from __future__ import annotations

import base64
import json
from typing import Any

import cardea
import pytest
from conftest import PIN, Opener, blocks
from server import Server

TEXT = "Pay 420.00 EUR to Ann"


async def approved(server: Server, opened: Opener, user: str) -> str:
    """The API's answer about a confirmation that was approved."""
    token = (await (await opened()).enroll(server.link(user), PIN)).token
    asked = server.call("confirmation", user, text=TEXT)["confirmation"]
    [confirmation] = await token.confirmations()
    await token.approve(confirmation, PIN)
    return json.dumps(server.look("confirmation", confirmation=asked))


def failed(receipt: str, **expected: Any) -> int:
    with pytest.raises(cardea.RelyingPartyFailed) as caught:
        cardea.verify_receipt(receipt, **expected)
    return caught.value.code


async def test_a_receipt_proves_an_approval(own_server: Server, opened: Opener, user: str) -> None:
    kept = await approved(own_server, opened, user)
    own_server.stop()
    proved = cardea.verify_receipt(kept, deed=cardea.Deed.APPROVED, text=TEXT)
    assert isinstance(proved, cardea.VerifiedReceipt) and proved.deed is cardea.Deed.APPROVED
    assert len(proved.public_key) == 32 and proved.at > 1_600_000_000
    again = cardea.verify_receipt(
        kept,
        public_key=proved.public_key,
        token=proved.token,
        device=proved.device,
        confirmation=proved.confirmation,
        not_before=proved.at,
        not_after=proved.at,
    )
    assert again == proved
    # As the page prints it.
    [block] = blocks("docs/sdk/relying-party.md")
    exec(block, {"cardea": cardea, "kept": kept, "key": proved.public_key})


async def test_a_receipt_proves_nothing_else(own_server: Server, opened: Opener, user: str) -> None:
    kept = await approved(own_server, opened, user)
    whole = json.loads(kept)
    others: list[dict[str, Any]] = [
        {"deed": cardea.Deed.DENIED},
        {"text": "Pay 421.00 EUR to Ann"},
        {"public_key": bytes(32)},
        {"token": "0" * 32},
        {"device": "0" * 8},
        {"confirmation": "0" * 16},
        {"not_before": 2**64 - 1},
        {"not_after": 0},
    ]
    for other in others:
        assert failed(kept, **other) == 169, other
    never: list[dict[str, Any]] = [{"public_key": b"short"}, {"token": "none"}, {"device": ""}, {"deed": cardea.Deed.OTHER}]
    for mistake in never:
        assert failed(kept, **mistake) == 161, mistake
    for length in range(0, len(kept), 7):
        assert failed(kept[:length]) == 169
    for name in ("statement", "signature", "publicKey"):
        content = bytearray(base64.urlsafe_b64decode(whole["receipt"][name] + "=="))
        content[len(content) // 2] ^= 1
        flipped = base64.urlsafe_b64encode(content).decode().rstrip("=")
        assert failed(json.dumps({**whole, "receipt": {**whole["receipt"], name: flipped}})) == 169, name
    assert failed(json.dumps({**whole, "text": "Pay 421.00 EUR to Ann"})) == 169
    assert failed(kept + " " * 100_000) == 169
