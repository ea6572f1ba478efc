"""Programs that end while other threads, and the library's own, are at it. Each is tried many times: it is a race."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import PIN, Opener
from server import Server

TIMES = 8

#: The main thread ends at another moment of what `work` does in each run.
PROGRAM = """
import asyncio, ctypes, sys, threading
import cardea

class Clock:
    def now(self):
        return 1

class Log:
    def log(self, level, text):
        pass

def run(*arguments):
    asyncio.run(work(*arguments))

started = threading.Event()
{work}
threading.Thread(target=run, args=sys.argv[2:], daemon=True).start()
started.wait()
ctypes.CDLL(None).usleep(int(sys.argv[1]) * 733)
print("ended")
"""

BUSY = """
async def work():
    wallet = await cardea.open_wallet(clock=Clock(), recover_in_background=False)

    async def ask():
        while True:
            started.set()
            try:
                await wallet.tokens()
            except cardea.ShuttingDown:
                await asyncio.sleep(0)

    await asyncio.gather(*(ask() for _ in range(4)))
"""
OPENS = """
async def work():
    while True:
        wallet = await cardea.open_wallet(clock=Clock(), log=Log())
        events = wallet.events()
        waiting = asyncio.ensure_future(anext(events, None))
        started.set()
        events.close()
        await waiting
"""
PARTY = """
async def work():
    party = cardea.RelyingParty("http://localhost:1", "service", "key")
    started.set()
    while True:
        assert await asyncio.gather(*(party.is_open("user") for _ in range(4))) == [False] * 4
"""
WATCH = """
async def work():
    party = cardea.RelyingParty("http://localhost:1", "service", "key")
    started.set()
    while True:
        try:
            async for _ in party.watch():
                pass
        except cardea.CardeaError:
            await asyncio.sleep(0)
"""
SERVER = """
async def work(folder):
    wallet = await cardea.open_wallet(folder, allow_test_argon2=True, emulated=True, clock=Clock(), transport=cardea.Transport.TCP)
    [token] = await wallet.tokens()
    while True:
        started.set()
        await token.open(bytearray(b"274951"))
        await token.close()
"""


def ends(work: str, *arguments: str) -> None:
    program = PROGRAM.replace("{work}", work)
    for delay in range(TIMES):
        command = [sys.executable, "-c", program, str(delay), *arguments]
        ended = subprocess.run(command, capture_output=True, text=True)
        assert (ended.returncode, ended.stdout) == (0, "ended\n"), (delay, ended.returncode, ended.stderr)
        assert "FATAL" not in ended.stderr and "Fatal" not in ended.stderr, ended.stderr


@pytest.mark.parametrize("work", [BUSY, OPENS, PARTY, WATCH], ids=["busy", "opens", "party", "watch"])
def test_a_program_ends_under_threads_that_are_at_it(work: str) -> None:
    ends(work)


async def test_a_program_ends_in_the_middle_of_operations(own_server: Server, opened: Opener, user: str) -> None:
    token = (await (await opened()).enroll(own_server.link(user), PIN)).token
    ends(SERVER, str(opened.folder / "wallet"))
    assert (await token.close()).state.name == "CLOSED"


AFTERWARDS = """
import asyncio, atexit

def late():
    async def main():
        assert not await party.is_open("user")
        for make in (lambda: wallet.tokens(), lambda: cardea.open_wallet(), lambda: anext(wallet.events())):
            try:
                await make()
            except cardea.ShuttingDown as error:
                print(error.code)

    asyncio.run(main())

# What is registered first is called last.
atexit.register(late)
import cardea

party = cardea.RelyingParty("http://127.0.0.1:1", "service", "key")

async def main():
    return await cardea.open_wallet()

wallet = asyncio.run(main())
"""


def test_calls_after_the_end_fail_and_wait_for_nothing() -> None:
    ended = subprocess.run([sys.executable, "-c", AFTERWARDS], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "150\n" * 3, "")


FORKS = """
import asyncio, os, sys
import cardea

async def main():
    return await cardea.open_wallet(sys.argv[1])

if sys.argv[2] == "used":
    wallet = asyncio.run(main())
child = os.fork()
if child == 0:
    try:
        asyncio.run(main())
        print("opened", flush=True)
    except cardea.ShuttingDown as error:
        print(error.code, "spawn" in error.reason, flush=True)
    sys.exit(0)
print(os.waitpid(child, 0)[1], flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize(("before", "told"), [("used", "150 True"), ("imported", "opened")])
def test_a_forked_process_fails_and_waits_for_nothing(opened: Opener, before: str, told: str) -> None:
    """It has no thread of the library. If nothing was called before the fork, it makes one of its own."""
    command = [sys.executable, "-W", "ignore", "-c", FORKS, str(opened.folder / "wallet"), before]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, f"{told}\n0\n"), ended.stderr


SPAWNS = """
import asyncio, multiprocessing, sys
import cardea

async def main(folder):
    return len(await (await cardea.open_wallet(folder)).tokens())

def count(folder):
    return asyncio.run(main(folder))

if __name__ == "__main__":
    wallets = [count(sys.argv[1])]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        wallets += pool.map(count, [sys.argv[1]])
    print(wallets)
"""


def test_a_spawned_process_opens_the_wallet_itself(opened: Opener) -> None:
    program = opened.folder / "spawns.py"
    program.write_text(SPAWNS)
    command = [sys.executable, str(program), str(opened.folder / "wallet")]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "[0, 0]\n"), ended.stderr
