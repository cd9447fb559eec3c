"""The web server under load: granian as ``make run`` starts it, with the benches' addresses besides Freehold's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0
WORKERS = 2
THREADS = 2


@contextmanager
def serving(database_url: str, log: Path) -> Iterator[int]:
    """The port on which it answers."""
    port = _free_port()
    environment = os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "bench.settings"}
    with log.open("wb") as output:
        process = subprocess.Popen(_command(port), cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _await(port, process, log)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def megabytes(port: int) -> int:
    """Resident memory of the server's processes on this port."""
    pages = 0
    for process in psutil.process_iter(["cmdline"]):
        if f"--port={port}" in (process.info["cmdline"] or []):
            pages += sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])
    return pages // 1_000_000


def _command(port: int) -> list[str]:
    listening = ["--host=127.0.0.1", f"--port={port}", "--interface=wsgi", "--http=1", "--no-ws"]
    threads = [f"--workers={WORKERS}", f"--blocking-threads={THREADS}", "--blocking-threads-idle-timeout=600"]
    return [sys.executable, "-m", "granian", *listening, *threads, "freehold.wsgi:application"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The server did not start; its log: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
    time.sleep(2.0)  # until all its workers have loaded Django


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
