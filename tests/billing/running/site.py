"""Freehold as it runs: web server, worker, clock and broker as processes, on the test's database; and a Stripe beside it
in the test's own process, so that a test sees what Stripe has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

from billing.gateway import calls
from billing.sandbox.events import message
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.web import Whole, serve
from tests.billing import world
from tests.billing.inbox.letters import BILLING, PATH
from tests.e2e.processes import HOST, free_port, wait_until

ROOT = Path(__file__).resolve().parents[3]
PYTHON = [sys.executable, "-m"]
START_SECONDS = 60.0


@contextmanager
def stripe_beside(sandbox: Sandbox) -> Iterator[str]:
    """The sandbox over HTTP; its address. In this process it is spoken to directly."""
    server = serve(Whole(sandbox), HOST, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        with calls.use(world.gateway_to(sandbox, BILLING)):
            yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Program:
    """A process and its children, which can be killed without a word and started again."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.command, self.environment, self.log = command, environment, log
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, times: int = 1) -> None:
        wait_until(lambda: self.said().count(text) >= times, START_SECONDS, lambda: f"{text!r}: {self.said()[-4000:]}")


class Site:
    """The processes of one installation; ``var`` is the folder for their files."""

    def __init__(self, var: Path, *, stripe: str, database: str, broker: str) -> None:
        self.var = var
        self.environment = os.environ | {
            "FREEHOLD_ENV": "test",
            "FREEHOLD_VAR": str(var),
            "DATABASE_URL": database,
            "STRIPE_API_BASE": stripe,
            "CELERY_BROKER_URL": broker,
        }
        self.programs: list[Program] = []

    def start(self, name: str, *command: str) -> Program:
        program = Program([*PYTHON, *command], self.environment, self.var / f"{name}.log")
        self.programs.append(program)
        return program

    def web(self) -> int:
        """Its port, when it answers."""
        port = free_port()
        listening = [f"--host={HOST}", f"--port={port}", "--interface=wsgi", "--http=1", "--no-ws"]
        threads = ["--workers=2", "--blocking-threads=2", "freehold.wsgi:application"]
        web = self.start("web", "granian", *listening, *threads)
        wait_until(lambda: _answers(port), START_SECONDS, lambda: web.said()[-4000:])
        return port

    def worker(self) -> Program:
        alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        worker = self.start("worker", "celery", "-A", "freehold", "worker", "--pool=solo", "--loglevel=INFO", *alone)
        worker.wait_for("ready.")
        return worker

    def clock(self) -> Program:
        return self.start(
            "beat", "celery", "-A", "freehold", "beat", "--loglevel=INFO", f"--schedule={self.var / 'beat'}"
        )

    def stop(self) -> None:
        for program in self.programs:
            program.kill()


def _answers(port: int) -> bool:
    try:
        return post(port, b"", {}) == 400
    except OSError:
        return False


def post(port: int, body: bytes, headers: Mapping[str, str]) -> int:
    """To the address for webhooks; the status."""
    with closing(HTTPConnection(HOST, port, timeout=30)) as connection:
        connection.request("POST", PATH, body, dict(headers))
        return connection.getresponse().status


def deliver_at_once(port: int, events: Iterable[Object], sandbox: Sandbox) -> list[int]:
    """All of them, by sixteen connections; the statuses."""
    endpoint = sandbox.find("webhook_endpoint")[0]
    messages = [message(event, endpoint, {}, time.time()) for event in events]
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda one: post(port, one[1], one[0]), messages))
