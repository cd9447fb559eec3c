"""Servers as processes of their own, on the loopback interface."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
TAIL = 4000


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, with the reason phrase as it came."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Server:
    """A program that listens on a port. ``ready``: a path that it answers, whatever the status, once it is up."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    port: int
    ready: str = "/"
    cwd: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=dict(self.environment), cwd=self.cwd, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, START_SECONDS, self.describe)

    def stop(self) -> None:
        """Its whole process group; what does not go is made to."""
        if self.process is None:
            return
        group, process = self.process.pid, self.process
        self.process = None
        _signal(group, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _signal(group, signal.SIGKILL)
            process.wait()

    def describe(self) -> str:
        """For the message of a failure."""
        return f"{' '.join(self.command)} does not answer:\n{self.log.read_text(errors='replace')[-TAIL:]}"

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        user: str | None = None,
    ) -> Answer:
        """``user``: whose password is their name, as everywhere in these tests."""
        given = dict(headers or {})
        if user is not None:
            given["Authorization"] = "Basic " + b64encode(f"{user}:{user}".encode()).decode()
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=30)) as connection:
            connection.request(method, path, body=body, headers=given)
            response = connection.getresponse()
            lower = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.reason, lower, response.read())

    def _answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(self.describe())
        try:
            self.request("GET", self.ready)
        except (OSError, http.client.HTTPException):
            return False
        return True


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float, explain: Callable[[], str]) -> None:
    """Poll; ``AssertionError`` with the explanation when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(explain())
        time.sleep(0.05)


def _signal(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return
