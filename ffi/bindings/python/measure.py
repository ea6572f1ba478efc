"""What calls from Python cost, and whether anything stays behind. `cargo xtask bench bindings` starts it with a link.

On standard input: `call N` measures as many calls that ask nobody, `cycle N` opens and closes the token as often. The
answer is a line.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time

import cardea

PIN = b"274951"


async def cycle(wallet: cardea.Wallet) -> None:
    """Everything that has a handle on the other side, too."""
    events = wallet.events()
    [token] = await wallet.tokens()
    opened = await token.open(bytearray(PIN))
    closed = await token.close()
    if (opened.state, closed.state) != (cardea.State.OPEN, cardea.State.CLOSED):
        raise SystemExit(f"{opened.state}, then {closed.state}")
    try:
        cardea.Invitation.from_text("none")
    except cardea.InvitationRejected:
        pass
    events.close()


async def main(link: str) -> None:
    wallet = await cardea.open_wallet(allow_test_argon2=True, recover_in_background=False)
    token = (await wallet.enroll(cardea.Invitation.from_text(link), bytearray(PIN))).token
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        verb, count = line.split()
        if verb == "call":
            times = []
            for _ in range(int(count)):
                began = time.perf_counter_ns()
                await token.info()
                times.append(time.perf_counter_ns() - began)
            print("called", int(statistics.median(times)), flush=True)
        else:
            for _ in range(int(count)):
                await cycle(wallet)
            gc.collect()
            print("done", flush=True)


asyncio.run(main(sys.argv[1]))
