"""What the pages print, exactly as it stands there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, blocks
from server import Server


@pytest.fixture
def honest_server() -> Iterator[Server]:
    """A server that wants PINs hashed as real services do."""
    server = Server(test_argon2=False)
    yield server
    server.remove()


@pytest.mark.parametrize("page", ["docs/sdk.md", "ffi/bindings/python/README.md"])
def test_the_quickstart_works_as_printed(honest_server: Server, tmp_path: Path, user: str, page: str) -> None:
    [block] = blocks(page)
    assert len(block.splitlines()) <= 15
    block = f"link = {honest_server.link(user)!r}\n{block}"
    if "asyncio.run(" not in block:
        block += "asyncio.run(main(link))\n"
    ended = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "60" in ended.stdout and honest_server.check(user) == 2


class Example:
    """The example program, with answers typed in."""

    def __init__(self, folder: Path) -> None:
        self._environment = {**os.environ, "CARDEA_WALLET": str(folder / "wallet")}

    def __call__(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        program = ROOT / "ffi/bindings/python/examples/cardea_token.py"
        return subprocess.run(
            [sys.executable, "-W", "ignore", str(program), *arguments],
            input=typed,
            capture_output=True,
            text=True,
            env=self._environment,
            start_new_session=True,
        )


def test_the_example_works(honest_server: Server, tmp_path: Path, user: str) -> None:
    example = Example(tmp_path)
    assert (example().returncode, example("enroll", "none").returncode) == (2, 1)
    for verb in ("open", "confirm"):
        nothing = example(verb)
        assert (nothing.returncode, nothing.stderr) == (1, "There is no token here: enroll first.\n")
    enrolled = example("enroll", honest_server.link(user), typed="y\n274951\n")
    assert enrolled.returncode == 0 and "Enrolled." in enrolled.stdout, enrolled.stderr
    opened = example("open", typed="274951\n\n")
    assert "Open for 60 seconds" in opened.stdout and "Closed." in opened.stdout, opened.stderr
    asked = honest_server.call("confirmation", user, text="Pay 5 EUR")["confirmation"]
    confirmed = example("confirm", typed="y\n274951\n")
    assert "Pay 5 EUR" in confirmed.stdout, confirmed.stderr
    assert honest_server.look("confirmation", confirmation=asked)["state"] == "approved"
    wrong = example("open", typed="519384\n")
    assert wrong.returncode == 1 and "(code 1)" in wrong.stderr


def test_the_example_ends_when_the_window_does(own_server: Server, tmp_path: Path, user: str) -> None:
    """Nobody presses Enter, and the terminal stays: it does not wait for either."""
    program = ROOT / "ffi/bindings/python/examples/cardea_token.py"
    code = (
        "import asyncio, getpass, importlib.util, sys\n"
        "import cardea\n"
        f"spec = importlib.util.spec_from_file_location('example', {str(program)!r})\n"
        "example = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(example)\n"
        "example.ask_pin = lambda prompt='': bytearray(b'274951')\n"
        "async def main():\n"
        "    wallet = await cardea.open_wallet(allow_test_argon2=True, recover_in_background=False)\n"
        f"    await wallet.enroll({own_server.link(user)!r}, bytearray(b'274951'))\n"
        "    [token] = await wallet.tokens()\n"
        "    opened = token.open\n"
        "    example.only_token = lambda wallet: asyncio.sleep(0, token)\n"
        # The shortest window.
        "    token.open = lambda pin: opened(pin, 2)\n"
        "    print(await example.open_token(wallet))\n"
        "asyncio.run(main())\n"
    )
    reading, writing = os.pipe()
    try:
        ended = subprocess.run([sys.executable, "-c", code], stdin=reading, capture_output=True, text=True)
    finally:
        os.close(reading)
        os.close(writing)
    assert ended.stdout == "Open for 2 seconds. Enter closes it.\nClosed.\n0\n", ended.stderr
    assert ended.returncode == 0
