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
import threading
from pathlib import Path

import cardea

FOLDER = Path(os.environ.get("CARDEA_WALLET", Path.home() / ".cardea-example"))


def ask_pin(prompt: str = "PIN: ") -> bytearray:
    """A PIN in bytes that the SDK wipes. (What getpass returns cannot be wiped: graphical programs do better.)"""
    return bytearray(getpass.getpass(prompt), "ascii", "ignore")


async def only_token(wallet: cardea.Wallet) -> cardea.Token | None:
    """The token of the wallet, which holds one at most here."""
    tokens = await wallet.tokens()
    if len(tokens) == 1:
        return tokens[0]
    print("There is no token here: enroll first." if not tokens else "This example is for one token.", file=sys.stderr)
    return None


def enter_pressed() -> asyncio.Event:
    """Set when a line comes, or nothing can come any more."""
    pressed, loop = asyncio.Event(), asyncio.get_running_loop()

    def wait() -> None:
        # Past the buffer of sys.stdin, which a thread must not hold when the program ends.
        while os.read(0, 1) not in (b"\n", b""):
            pass
        try:
            loop.call_soon_threadsafe(pressed.set)
        except RuntimeError:
            # The loop is closed: nobody waits.
            pass

    # The program ends without it: asyncio waits for threads of its own.
    threading.Thread(target=wait, daemon=True).start()
    return pressed


async def enroll(wallet: cardea.Wallet, text: str) -> int:
    invitation = cardea.Invitation.from_text(text)
    if input(f"Enroll at {invitation.preview.host}? [y/n] ") != "y":
        return 0
    enrolled = await wallet.enroll(invitation, ask_pin("Choose a PIN: "))
    if enrolled.short_string is not None:
        print(f"Compare with the page that you enroll on: {enrolled.short_string}")
    print("Enrolled.")
    return 0


async def open_token(wallet: cardea.Wallet) -> int:
    token = await only_token(wallet)
    if token is None:
        return 1
    events = wallet.events()
    status = await token.open(ask_pin())
    print(f"Open for {status.remaining_seconds} seconds. Enter closes it.", flush=True)
    try:
        await asyncio.wait_for(enter_pressed().wait(), status.remaining_seconds)
    except TimeoutError:
        pass
    await token.close()
    async for event in events:
        if event.kind is cardea.EventKind.CLOSED:
            print("Closed.")
            break
    return 0


async def confirm(wallet: cardea.Wallet) -> int:
    token = await only_token(wallet)
    if token is None:
        return 1
    for confirmation in await token.confirmations():
        print(confirmation.text)
        if input("Approve? [y/n] ") == "y":
            await token.approve(confirmation, ask_pin())
        else:
            await token.deny(confirmation, cardea.DenyReason.NOT_ME)
    return 0


async def main(arguments: list[str]) -> int:
    try:
        async with cardea.open_wallet(FOLDER) as wallet:
            match arguments:
                case ["enroll", text]:
                    return await enroll(wallet, text)
                case ["open"]:
                    return await open_token(wallet)
                case ["confirm"]:
                    return await confirm(wallet)
                case _:
                    print(__doc__)
                    return 2
    except cardea.CardeaError as error:
        print(f"{error.reason} (code {error.code})", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
