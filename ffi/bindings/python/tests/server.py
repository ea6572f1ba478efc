"""A real server process for the tests."""

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request


class Server:
    """``cardea-server dev`` on free ports, with a temporary database. The program is named by ``CARDEA_SERVER``."""

    def __init__(self):
        program = os.environ["CARDEA_SERVER"]
        # None of the caller's own settings.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CARDEA_")}
        self._process = subprocess.Popen(
            [program, "dev", "--json", "--http", "127.0.0.1:0", "--channel", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        try:
            # The first line comes once the server answers; an end without one is an empty line.
            ready = json.loads(self._process.stdout.readline())
        except ValueError as error:
            self.stop()
            raise RuntimeError("the server did not start") from error
        self.http = ready["http"]
        self.service = ready["dev"]["service"]
        self._status_key = ready["dev"]["statusKey"]
        self._admin_key = ready["dev"]["adminKey"]

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def call(self, name, user, **more):
        """An administrator's call."""
        body = {"id": user, "service": self.service, "authKey": self._admin_key, **more}
        request = urllib.request.Request(
            f"{self.http}/token/{name}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def status(self, user):
        """What a relying party reads."""
        query = urllib.parse.urlencode({"id": user, "service": self.service, "authKey": self._status_key})
        with urllib.request.urlopen(f"{self.http}/token/status?{query}") as answer:
            return answer.read()
