"""The operating system's own store of secrets: GNOME's keyring, on a D-Bus of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, pathlib, sys
import cardea

folder = pathlib.Path(sys.argv[1])
keys = cardea.os_keyring("dev.cardea.test")

async def main():
    for _ in range(2):
        wallet = await cardea.open_wallet(folder, secrets=keys, recover_in_background=False)
        assert await wallet.tokens() == []
    name = "cardea-" + (folder / "store.id").read_text()
    assert len(keys.load(name)) == 32 and not (folder / "store.key").exists()
    # With something in the folder, a key that is gone is an error.
    (folder / ("0" * 32 + "-" + "0" * 8 + ".token")).write_text("anything")
    keys.remove(name)
    try:
        await cardea.open_wallet(folder, secrets=keys)
    except cardea.Storage as error:
        print(error.code)

try:
    asyncio.run(main())
except cardea.Storage as error:
    print(error.code)
"""


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """Where a bus is, with a keyring on it that is unlocked and keeps its files in a folder of the test."""
    control = tmp_path / "control"
    control.mkdir(mode=0o700)
    # The bus has the same folders: it may start a keyring by itself if it is asked for one too early.
    own = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_RUNTIME_DIR": str(tmp_path)}
    with ExitStack() as stack:
        daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address"],
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        stack.enter_context(daemon)
        stack.callback(daemon.kill)
        assert daemon.stdout is not None
        address = daemon.stdout.readline().strip()
        keyring = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets", "--control-directory", control],
            env={**os.environ, **own, "DBUS_SESSION_BUS_ADDRESS": address},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        stack.enter_context(keyring)
        stack.callback(keyring.kill)
        assert keyring.stdin is not None and keyring.stdout is not None
        keyring.stdin.write("password of the keyring")
        keyring.stdin.close()
        # It says where it is once it is there.
        assert "GNOME_KEYRING_CONTROL" in keyring.stdout.readline()
        yield address


def said(folder: Path, bus: str) -> str:
    environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": bus}
    ended = subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_wallet_keeps_its_key_in_the_keyring_and_notices_when_it_is_gone(bus: str, tmp_path: Path) -> None:
    assert said(tmp_path / "wallet", bus) == "135\n"


def test_without_a_keyring_a_wallet_does_not_open(tmp_path: Path) -> None:
    folder = tmp_path / "wallet"
    assert said(folder, "unix:path=/nonexistent") == "142\n"
    assert list(folder.iterdir()) == []
