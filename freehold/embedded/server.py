"""Start, stop and find the server."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil

from .account import Account, server_account
from .cluster import SUPERUSER, ensure_cluster
from .errors import EmbeddedPostgresError
from .locks import exclusive, is_held, try_lock
from .processes import PID_FILE, cluster_name, is_marked_ready, postmaster, processes_of
from .programs import environment, installation, program, run
from .sockets import PORT, SOCKET, ensure_private, remove_directory, remove_socket, socket_directory

DATABASE = "freehold"
START_SECONDS = 60.0  # recovery after a crash can take its time
STOP_SECONDS = 30.0
POLL_SECONDS = 0.02
LOG_LIMIT_BYTES = 10_000_000

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "jit": "off",
    "io_method": "sync",  # no I/O worker processes
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "2",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """One PostgreSQL server on one data directory.

    Two locks keep processes out of each other's way. ``<data>.lock`` is held while somebody starts or stops
    the server. ``<data>/freehold.alive`` is inherited by the server and all its children: it is held as long
    as one of them lives, and no pid file is needed to know.
    """

    def __init__(self, data: Path) -> None:
        self.data = data.absolute().resolve()
        self.log = self.data.parent / "log" / f"{self.data.name}.log"
        self._change_lock = self.data.with_name(f"{self.data.name}.lock")
        self._alive_lock = self.data / "freehold.alive"

    @property
    def socket_dir(self) -> Path:
        """The directory of the server's Unix socket."""
        return socket_directory(self.data)

    @property
    def url(self) -> str:
        """The address of the database; it is the same whether or not the server runs."""
        return f"postgresql://{SUPERUSER}@:{PORT}/{DATABASE}?host={quote(str(self.socket_dir))}"

    def is_running(self) -> bool:
        """Whether the server accepts connections."""
        if not (self.data / PID_FILE).exists() or not (self.socket_dir / SOCKET).exists():
            return False
        probe = [program("pg_isready"), "--quiet", "--timeout=5", *self._connection(), "--dbname=postgres"]
        return run(probe).returncode == 0

    def start(self) -> str:
        """Make sure that the server runs and has the database; return its address. Safe at any time."""
        account = server_account(self.data)
        if not self._has_database():
            with exclusive(self._change_lock) as lock:
                if not self.is_running():
                    self._launch(account, lock)
                self._create_database()
        return self.url

    def stop(self) -> None:
        """Stop the server, its children and whatever a crash left of them; return when all are gone."""
        if not self.data.exists():
            return
        server_account(self.data)
        with exclusive(self._change_lock):
            self._shut_down()
            if self.socket_dir != self.data:
                remove_directory(self.socket_dir)

    # Starting

    def _launch(self, account: Account, lock: int) -> None:
        account.open_way_to(self.data)
        account.open_way_to(installation())
        account.let_read(installation())
        ensure_cluster(self.data, account, lock)
        if self._takes_over():
            return
        self._clear_remains()
        self._spawn(account)
        self._await_ready()

    def _takes_over(self) -> bool:
        """Wait for a server that is just starting or stopping; True when it is one to use."""
        if is_marked_ready(self.data) and not (self.socket_dir / SOCKET).exists():
            self._shut_down()  # somebody removed its socket: nobody will ever reach it again
        if _wait(lambda: postmaster(self.data) is None or self.is_running(), START_SECONDS):
            return postmaster(self.data) is not None
        raise EmbeddedPostgresError(
            f"A PostgreSQL runs on {self.data} but does not answer: see {self.log}, or stop it with "
            f"kill {shlex.quote((self.data / PID_FILE).read_text().split()[0])}."
        )

    def _clear_remains(self) -> None:
        """Remove what a dead server left. PostgreSQL balks at a pid file whose number was given out again."""
        self._kill_all()
        (self.data / PID_FILE).unlink(missing_ok=True)
        remove_socket(self.socket_dir)

    def _spawn(self, account: Account) -> None:
        """Start the server on its own: no terminal, no pipe of ours, not our child, so never our zombie."""
        if self.socket_dir != self.data:
            ensure_private(self.socket_dir, account)
        alive = try_lock(self._alive_lock)
        if alive is None:
            raise EmbeddedPostgresError(f"A former PostgreSQL still uses {self.data}: stop it first.")
        account.own(self._alive_lock)
        try:
            with self._open_log() as log:
                subprocess.run(
                    ["/bin/sh", "-c", '"$@" &', "sh", *self._command()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[alive],
                    cwd=self.data,  # from its first moment on it can be told by this, see processes.py
                    env=environment(),
                    umask=0o077,
                    start_new_session=True,
                    check=True,
                    **account.process_identity(),
                )
        finally:
            os.close(alive)

    def _command(self) -> list[str]:
        socket_dir = str(self.socket_dir).replace('"', '""')
        settings = SETTINGS | {
            "unix_socket_directories": f'"{socket_dir}"',
            "cluster_name": cluster_name(self.data),
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [program("postgres"), "-D", str(self.data), *options]

    def _await_ready(self) -> None:
        _wait(lambda: self.is_running() or not is_held(self._alive_lock), START_SECONDS)
        if not self.is_running():
            raise EmbeddedPostgresError(f"PostgreSQL did not start; {self.log} ends with: {self._log_tail()}")

    def _open_log(self) -> IO[bytes]:
        """The server's log, begun anew when the former one has become big."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        return self.log.open("ab")

    def _log_tail(self) -> str:
        try:
            return " | ".join(self.log.read_text(errors="replace").splitlines()[-5:])
        except FileNotFoundError:
            return "nothing"

    # The database

    def _connection(self) -> list[str]:
        return [f"--host={self.socket_dir}", f"--port={PORT}", f"--username={SUPERUSER}"]

    def _has_database(self) -> bool:
        """Whether the database can be connected to: the quick way of a process that finds all in order."""
        return self.is_running() and self._query(DATABASE, "").returncode == 0

    def _create_database(self) -> None:
        absent = f"NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}')"
        done = self._query("postgres", rf"SELECT 'CREATE DATABASE {DATABASE}' WHERE {absent} \gexec")
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"PostgreSQL did not create {DATABASE}: {done.stdout.strip()}")

    def _query(self, database: str, sql: str) -> subprocess.CompletedProcess[str]:
        options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", *self._connection()]
        return run([program("psql"), *options, f"--dbname={database}"], script=sql)

    # Stopping

    def _shut_down(self) -> None:
        """First in good order, then without waiting for checkpoints, then by force."""
        for request, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS / 3)):
            process = postmaster(self.data)
            if process is None:
                break
            _send(process, request)
            if _wait(self._is_gone, patience):
                return
        self._kill_all()

    def _is_gone(self) -> bool:
        return postmaster(self.data) is None and not is_held(self._alive_lock)

    def _kill_all(self) -> None:
        """Kill what is left of this server; after a crash it recovers from its log in any case."""

        def all_gone() -> bool:
            for process in processes_of(self.data):
                _send(process, signal.SIGKILL)
            return not is_held(self._alive_lock)

        _wait(all_gone, STOP_SECONDS)


def _send(process: psutil.Process, request: signal.Signals) -> None:
    try:
        process.send_signal(request)
    except psutil.NoSuchProcess:
        return


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
