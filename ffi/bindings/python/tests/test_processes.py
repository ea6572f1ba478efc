"""Other processes on the same folder, processes that are killed, and a library that is loaded twice."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cardea
import pytest
from conftest import PIN, Opener
from server import Server

CHILD = """
import asyncio, sys
import cardea

async def main(folder, verb, times):
    wallet = await cardea.open_wallet(folder, allow_test_argon2=True, emulated=True, recover_in_background=False,
                                      transport=cardea.Transport.TCP)
    [token] = await wallet.tokens()
    print("ready", flush=True)
    for _ in range(times):
        if verb == "open":
            await token.open(b"274951")
        else:
            await token.close()
    print("done", flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def child(folder: Path, verb: str, times: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CHILD, str(folder), verb, str(times)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


async def test_processes_on_one_folder_take_turns(own_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    children = [child(opened.folder / "wallet", verb, 10) for verb in ("open", "close", "open")]
    for _ in range(10):
        await token.status()
    for process in children:
        output, _ = process.communicate()
        assert (process.returncode, output) == (0, "ready\ndone\n")
    assert (await token.close()).state is cardea.State.CLOSED
    assert own_server.check(user) == 2


async def test_a_process_that_is_killed_leaves_a_token_that_works(own_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    for round in range(12):
        process = child(opened.folder / "wallet", "open", 1_000_000)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        # At another point of an opening in each round.
        ctypes.CDLL(None).usleep(round * 700)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert (await token.close()).state is cardea.State.CLOSED
        assert (await token.open(PIN)).state is cardea.State.OPEN
        assert own_server.check(user) == 1


async def test_a_folder_restored_from_a_backup_is_blocked(own_server: Server, opened: Opener, user: str) -> None:
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    shutil.copytree(opened.folder / "wallet", opened.folder / "copy")
    await token.open(PIN)
    [stolen] = await (await opened("copy")).tokens()
    with pytest.raises(cardea.Blocked):
        await stolen.open(PIN)
    assert own_server.check(user) == 4
    with pytest.raises(cardea.Blocked):
        await token.open(PIN)


async def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "wallet").write_text("a file")
    with pytest.raises(cardea.Storage) as caught:
        await cardea.open_wallet(tmp_path / "wallet")
    assert 130 <= caught.value.code <= 141


async def test_a_full_disk_is_an_error_and_the_token_stays(own_server: Server, opened: Opener, user: str) -> None:
    """A limit on the size of files does what a full disk does."""
    wallet = await opened()
    token = (await wallet.enroll(own_server.link(user), PIN)).token
    script = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n" + CHILD
    )
    arguments = [sys.executable, "-c", script, str(opened.folder / "wallet"), "open", "1"]
    ended = subprocess.run(arguments, capture_output=True, text=True)
    assert "Storage" in ended.stderr and "no space left" in ended.stderr, ended.stderr
    assert own_server.check(user) == 2
    assert (await token.open(PIN)).state is cardea.State.OPEN


TWICE = """
import asyncio, sys
import cardea, second

assert cardea._ffi is not second._ffi
SETTINGS = dict(allow_test_argon2=True, emulated=True, recover_in_background=False)

async def main(link, folder):
    one = await cardea.open_wallet(folder, **SETTINGS)
    token = (await one.enroll(link, bytearray(b"274951"))).token
    two = await second.open_wallet(folder, **SETTINGS)
    [same] = await two.tokens()
    assert same.id == token.id
    # They take turns, as two processes do.
    statuses = await asyncio.gather(*(each.status() for each in [token, same] * 8))
    assert {status.state.name for status in statuses} == {"CLOSED"}
    assert (await token.open(b"274951")).state is cardea.State.OPEN
    assert (await same.close()).state is second.State.CLOSED
    assert (await same.open(b"274951")).state is second.State.OPEN
    for package in (cardea, second):
        try:
            package.Invitation.from_text("none")
        except package.InvitationRejected as error:
            print(error.code)

asyncio.run(main(*sys.argv[1:]))
"""


def test_the_library_may_be_loaded_twice(own_server: Server, user: str, tmp_path: Path) -> None:
    """A second copy of the package beside the first, with a library of its own, in one process and on one folder."""
    source = Path(cardea.__file__).parent
    shutil.copytree(source, tmp_path / "second", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source.parent), str(tmp_path)])}
    arguments = [sys.executable, "-c", TWICE, own_server.link(user), str(tmp_path / "wallet")]
    ended = subprocess.run(arguments, capture_output=True, text=True, env=environment)
    assert (ended.stdout, ended.returncode) == ("111\n111\n", 0), ended.stderr
    assert own_server.check(user) == 1


def test_importing_starts_nothing() -> None:
    """No thread before the first call that takes time."""
    script = (
        "import asyncio, os, cardea\n"
        "def threads(): return len(os.listdir('/proc/self/task'))\n"
        "print(threads())\n"
        "async def main():\n"
        "    await cardea.open_wallet(recover_in_background=False)\n"
        "asyncio.run(main())\n"
        "print(threads() > 1)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stdout == "1\nTrue\n", ended.stderr
