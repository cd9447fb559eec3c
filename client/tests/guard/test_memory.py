"""Memory stays flat, whatever the size of the upload. Measured in a process of its own, over a real connection."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from guard.made import PLAIN_FILE, field, file, form_type, http, multipart
from guard.servers import read_all, status_of

MIB = 1024 * 1024
TESTS = Path(__file__).parents[1]
PIECE = bytes(range(256)) * 256


def upload_of(port: int, name: str, size: int, *, name_last: bool) -> int:
    """Send a file of this size, made on the way; the status of the answer."""
    fields, content = field("name", name), file(f"{name}-1.0.tar.gz" if name != "plain" else PLAIN_FILE, b"%")
    parts = [content, fields] if name_last else [fields, content]
    before, after = multipart(parts).split(b"%")
    head = http(b"", form_type(), length=str(len(before) + size + len(after)))
    with socket.create_connection(("127.0.0.1", port), 120) as connection:
        connection.sendall(head + before)
        for _ in range(size // len(PIECE)):
            connection.sendall(PIECE)
        connection.sendall(after)
        return status_of(read_all(connection))


def measured(directory: Path, *uploads: tuple[str, int, bool]) -> tuple[list[int], dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])}
    command = [sys.executable, "-m", "guard.memory_server", str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True) as server:
        assert server.stdin and server.stdout
        port = int(server.stdout.readline())
        statuses = [upload_of(port, name, size, name_last=last) for name, size, last in uploads]
        server.stdin.write("\n")
        server.stdin.flush()
        return statuses, json.loads(server.stdout.readline())


def test_150_mib(tmp_path: Path):
    statuses, usage = measured(tmp_path, ("plain", 150 * MIB, True), ("acme", 150 * MIB, False))
    assert statuses == [200, 409]
    assert usage["total"] > 150 * MIB
    assert usage["after"] - usage["before"] < 8 * 1024, usage
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_1_gib(tmp_path: Path):
    started = time.monotonic()
    statuses, usage = measured(tmp_path, ("plain", 1024 * MIB, True), ("acme", 1024 * MIB, True))
    print(f"2 GiB in {time.monotonic() - started:.1f} s, peak {usage['before']} -> {usage['after']} KiB")
    assert statuses == [200, 409]
    assert usage["total"] > 1024 * MIB
    assert usage["after"] - usage["before"] < 8 * 1024, usage
    assert list(tmp_path.iterdir()) == []
