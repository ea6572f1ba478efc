"""A token on the command line: enroll by link, open with a PIN, watch it close, answer what is asked.

    python cardea_token.py enroll 'https://id.example/e#...'
    python cardea_token.py open
    python cardea_token.py confirm

The wallet is in the folder that CARDEA_WALLET names, or in ~/.cardea-example.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from pathlib import Path

import cardea

FOLDER = Path(os.environ.get("CARDEA_WALLET", Path.home() / ".cardea-example"))


def ask_pin(prompt: str = "PIN: ") -> bytearray:
    """A PIN in bytes that the SDK wipes. (What getpass returns cannot be wiped: graphical programs do better.)"""
    return bytearray(getpass.getpass(prompt), "ascii", "ignore")


async def enroll(wallet: cardea.Wallet, text: str) -> None:
    invitation = cardea.Invitation.from_text(text)
    if input(f"Enroll at {invitation.preview.host}? [y/n] ") != "y":
        return
    enrolled = await wallet.enroll(invitation, ask_pin("Choose a PIN: "))
    if enrolled.short_string is not None:
        print(f"Compare with the page that you enroll on: {enrolled.short_string}")
    print("Enrolled.")


async def open_token(wallet: cardea.Wallet) -> None:
    [token] = await wallet.tokens()
    events = wallet.events()
    status = await token.open(ask_pin())
    print(f"Open for {status.remaining_seconds} seconds. Enter closes it.")
    waiting = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
    await asyncio.wait([waiting], timeout=status.remaining_seconds)
    await token.close()
    async for event in events:
        if event.kind is cardea.EventKind.CLOSED:
            print("Closed.")
            return


async def confirm(wallet: cardea.Wallet) -> None:
    [token] = await wallet.tokens()
    for confirmation in await token.confirmations():
        print(confirmation.text)
        if input("Approve? [y/n] ") == "y":
            await token.approve(confirmation, ask_pin())
        else:
            await token.deny(confirmation, cardea.DenyReason.NOT_ME)


async def main(arguments: list[str]) -> int:
    try:
        async with cardea.open_wallet(FOLDER) as wallet:
            match arguments:
                case ["enroll", text]:
                    await enroll(wallet, text)
                case ["open"]:
                    await open_token(wallet)
                case ["confirm"]:
                    await confirm(wallet)
                case _:
                    print(__doc__)
                    return 2
    except cardea.CardeaError as error:
        print(f"{error.reason} (code {error.code})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
