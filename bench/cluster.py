"""A PostgreSQL of the benches' own, with databases of known sizes.

The server is the embedded one with its usual settings and durability, on ``var/bench``. Filling five million projects
takes minutes, so each database is kept with a note of what it was made from, and made anew when that has changed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench import filling
from freehold.embedded import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent
EMPTY = "bench_empty"
FILLED_APPS = ("accounts", "orgs", "namespaces")  # what the check reads


@dataclass(frozen=True, slots=True)
class Size:
    """How much is in a database."""

    grants: int
    projects: int

    @property
    def database(self) -> str:
        return f"bench_{self.projects}_{self.grants}"

    def __str__(self) -> str:
        return f"{self.grants:,} grants"


class Cluster:
    """The running server. Made by ``running``."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server

    def url(self, database: str) -> str:
        """The address of a database, as ``DATABASE_URL`` takes it."""
        head, _, tail = self._server.url.partition("?")
        return f"{head.rpartition('/')[0]}/{database}?{tail}"

    def of_size(self, size: Size) -> str:
        """The address of a database of this size; it is kept for the next run."""
        to_projects = filling.projects(size.projects)
        projects = self._made(f"bench_{size.projects}", self._empty(), to_projects, to_projects)
        to_grants = filling.grants(size.grants)
        return self.url(self._made(size.database, projects, to_grants, to_projects + to_grants))

    @contextmanager
    def empty(self, name: str) -> Iterator[str]:
        """The address of a database with the tables alone, dropped at the end."""
        self._drop(name)
        self._copy(self._empty(), name)
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    def megabytes(self, size: Size) -> int:
        """How big a database is on disk."""
        row = self._admin("SELECT pg_database_size(%s)", [size.database])
        return int(row[0]) // 1_000_000

    def _empty(self) -> str:
        state = _migrations(["*"])
        if self._note(EMPTY) != state:
            self._drop(EMPTY)
            self._admin(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(EMPTY)))
            _migrate(self.url(EMPTY))
            self._write_note(EMPTY, state)
        return EMPTY

    def _made(self, name: str, template: str, statements: list[str], history: list[str]) -> str:
        """The database, made by the statements from the template unless it is there with this history."""
        state = hashlib.sha256("".join([_migrations(FILLED_APPS), *history]).encode()).hexdigest()
        if self._note(name) != state:
            print(f"Filling {name} (once; it is kept under var/bench)…", file=sys.stderr, flush=True)
            self._drop(name)
            self._copy(template, name)
            _fill(self.url(name), statements)
            self._write_note(name, state)
        return name

    def _copy(self, template: str, name: str) -> None:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self._admin(copy.format(sql.Identifier(name), sql.Identifier(template)))

    def _drop(self, name: str) -> None:
        self._admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _note(self, name: str) -> str:
        found = "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = %s"
        return str((self._admin(found, [name]) or ("",))[0])

    def _write_note(self, name: str, note: str) -> None:
        self._admin(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(note)))

    def _admin(self, statement: Any, parameters: Any = None) -> Any:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchone() if cursor.description else None


@contextmanager
def running(directory: Path) -> Iterator[Cluster]:
    """The server on ``directory``, stopped at the end if it did not run before."""
    directory.mkdir(parents=True, exist_ok=True)
    server = EmbeddedPostgres(directory / "postgres")
    was_running = server.is_running()
    server.start()
    try:
        yield Cluster(server)
    finally:
        if not was_running:
            server.stop()


def _migrations(apps: Iterable[str]) -> str:
    """A digest of their migrations: whatever these make is made anew when one of them changes."""
    digest = hashlib.sha256()
    for app in apps:
        for path in sorted(ROOT.glob(f"{app}/migrations/*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _migrate(url: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, check=True)


def _fill(url: str, statements: list[str]) -> None:
    # Triggers and foreign keys would cost ten times the rows; what is filled in keeps their rules.
    options = "-c session_replication_role=replica -c synchronous_commit=off -c maintenance_work_mem=512MB"
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        for statement in statements:
            connection.execute(statement)
