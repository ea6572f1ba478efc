"""A real server process for the tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from typing import Any


class Server:
    """``cardea-server dev`` on free ports, with a folder of its own and a clock that stands still until it is told.

    The program is named by ``CARDEA_SERVER``.
    """

    def __init__(self, *, test_argon2: bool = True, settings: tuple[str, ...] = ()) -> None:
        self._test_argon2 = test_argon2
        self._settings = [word for setting in settings for word in ("--set", setting)]
        self.folder = tempfile.mkdtemp(prefix="cardea-python-")
        self.http = "127.0.0.1:0"
        self.channel = "127.0.0.1:0"
        self._now: int | None = None
        self._process: subprocess.Popen[str] | None = None
        self.start()
        self.advance(0)

    def start(self) -> None:
        """Starts it, on the same ports and data and with the same time as before."""
        clock = "--test-clock" if self._now is None else f"--test-clock={self._now}"
        arguments = ["dev", clock, "--json", "--window", "60", *(["--test-argon2"] if self._test_argon2 else [])]
        arguments += self._settings
        places = ["--http", self.http, "--channel", self.channel, "--data-dir", os.path.join(self.folder, "data")]
        # None of the caller's own settings.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CARDEA_")}
        self._process = subprocess.Popen(
            [os.environ["CARDEA_SERVER"], *arguments, *places],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        assert self._process.stdout is not None
        try:
            # The first line comes once the server answers; an end without one is an empty line.
            ready = json.loads(self._process.stdout.readline())
        except ValueError as error:
            self.stop()
            raise RuntimeError("the server did not start") from error
        self.http = ready["http"].removeprefix("http://")
        self.channel = ready["channel"]
        self.service = ready["dev"]["service"]
        self._status_key = ready["dev"]["statusKey"]
        self._admin_key = ready["dev"]["adminKey"]

    def stop(self) -> None:
        """Kills it, as when the power fails."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def freeze(self) -> None:
        """Lets it do nothing any more; what reaches it waits."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """Kills it and removes its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def advance(self, seconds: int) -> None:
        """Moves its clock."""
        self._now = self._post("dev/clock", {"advance": seconds})["now"]

    def call(self, name: str, user: str | None = None, **more: Any) -> Any:
        """An administrator's call."""
        body = {"service": self.service, "authKey": self._admin_key, **more}
        if user is not None:
            body["id"] = user
        return self._post(f"token/{name}", body)

    def look(self, name: str, **query: str) -> Any:
        """An administrator's question."""
        return json.loads(self.text(name, **query))

    def text(self, name: str, **query: str) -> str:
        """The same as it comes."""
        return self._get(name, self._admin_key, query).decode()

    def check(self, user: str) -> int:
        """What a relying party reads."""
        status: int = json.loads(self._get("status", self._status_key, {"id": user}))["status"]
        return status

    def link(self, user: str, **options: Any) -> str:
        """An enrollment link."""
        link: str = self.call("enroll", user, **options)["link"]
        return link

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"http://{self.http}/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def _get(self, name: str, key: str, query: dict[str, str]) -> bytes:
        text = urllib.parse.urlencode({"service": self.service, "authKey": key, **query})
        with urllib.request.urlopen(f"http://{self.http}/token/{name}?{text}") as answer:
            content: bytes = answer.read()
            return content
