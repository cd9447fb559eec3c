"""A Freehold that runs: its own database, the demo's people and namespaces, one web process.

From the demo: ``alice`` owns the company ``acme``, which holds the namespace ``acme``. ``bob`` is in a team of acme's
that may publish in ``acme-labs`` only. ``mallory`` belongs nowhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.e2e.processes import HOST, Server, free_port

ROOT = Path(__file__).resolve().parents[2]
HOLDER, STRANGER = "alice", "mallory"
NAMESPACE = "acme"


class Freehold:
    """``token``: of an index, with every scope."""

    def __init__(self, var: Path, database_url: str) -> None:
        port = free_port()
        self.environment = {
            **os.environ,
            "FREEHOLD_ENV": "demo",
            "BILLING_ENABLED": "false",
            "FREEHOLD_VAR": str(var),
            "FREEHOLD_URL": f"http://{HOST}:{port}",
            "DATABASE_URL": database_url,
        }
        granian = [sys.executable, "-m", "granian", "--interface=wsgi", "--no-ws", f"--host={HOST}", f"--port={port}"]
        command = [*granian, "--workers=1", "--blocking-threads=2", "freehold.wsgi:application"]
        self.server = Server(command, self.environment, var / "web.log", port, "/readyz", ROOT)
        self.manage("prepare")
        self.token = str(json.loads((var / "demo.json").read_text())["tokens"]["index"])

    @property
    def url(self) -> str:
        return self.server.url

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def reason(self, project: str, user: str) -> str:
        """What it says of a new project of the user's."""
        question = {"project": project, "publisher": {"user": user}, "first_uploaded": None}
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        answer = self.server.request("POST", "/api/v1/uploads/check", json.dumps(question).encode(), headers)
        return str(json.loads(answer.body)["reason"])

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody listens on its port in the meantime."""
        self.server.stop()
        try:
            yield
        finally:
            self.server.start()


@contextmanager
def fresh_database(url: str, name: str) -> Iterator[str]:
    """A database of its own on the server at ``url``, dropped afterwards."""
    with psycopg.connect(url, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(drop)
