"""``make run``: everything that Freehold needs on one machine, started in order and stopped together.

The database first, then one process that prepares it (migrations, demo data, static files), then the web
server, the worker and the clock. This process only watches; it does not import Django.
"""

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import psutil

from freehold.embedded import EmbeddedPostgres, EmbeddedPostgresError
from freehold.embedded.locks import try_lock
from freehold.programs import (
    HOST,
    ROOT,
    STOP_SECONDS,
    Plan,
    Program,
    Refusal,
    first_of_all,
    preparation,
    require_free_port,
    services,
)

MARK = "FREEHOLD_SUPERVISED"  # in the environment of all that we start: by this a later run finds survivors
READY_SECONDS = 60.0
POLL_SECONDS = 0.1
DATABASE_CHECK_SECONDS = 5.0
TAIL_LINES = 15
LOG_LIMIT_BYTES = 10_000_000
PR_SET_PDEATHSIG = 1


class Stopped(Exception):
    """Somebody asked us to stop."""


@dataclass(slots=True)
class Family:
    """The running processes, each the head of its own process group."""

    var: Path
    environment: Mapping[str, str]
    members: list[tuple[Program, subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(self, program: Program) -> subprocess.Popen[bytes]:
        """Start a program with its log as output; it is told to stop should we die without a word."""
        with _open_log(self.log_of(program)) as log:
            process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**self.environment, MARK: str(self.var)},
                start_new_session=True,  # Ctrl-C must reach us alone
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - there are no threads here
            )
        self.members.append((program, process))
        return process

    def log_of(self, program: Program) -> Path:
        """Where the output of a program goes."""
        return self.var / "log" / f"{program.log}.log"

    def run(self, program: Program) -> None:
        """Start a program and wait for its end; anything but success is a refusal."""
        process = self.start(program)
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
        if process.returncode != 0:
            self.report(program, process.returncode)
        self.members.remove((program, process))

    def check(self) -> None:
        """Refuse to go on when a member has ended."""
        for program, process in self.members:
            if process.poll() is not None:
                self.report(program, process.returncode)

    def report(self, program: Program, status: int) -> NoReturn:
        """Say which program ended, how, and what it said last."""
        log = self.log_of(program)
        lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        raise Refusal("\n  ".join([f"{program.title} {describe_exit(status)}. The end of {log}:", *lines]))

    def stop(self) -> None:
        """Ask all members to stop, and after a time limit make them."""
        for _, process in reversed(self.members):
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for _, process in self.members:
            _wait(process, deadline)
            _kill_group(process.pid)  # the head itself, or what it left behind
            process.wait()
        self.members.clear()


def describe_exit(status: int) -> str:
    """How a process ended, in words; negative numbers are signals."""
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _wait(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        return


def _die_with_parent() -> Callable[[], None] | None:
    """A hook for new children: Linux ends them when this process is killed. Elsewhere the next run does."""
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def hook() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return hook


def _open_log(path: Path) -> IO[bytes]:
    """A log to append to, begun anew when it has become big."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


@contextmanager
def single_run(var: Path) -> Iterator[None]:
    """Be the only supervisor of this directory. The kernel takes the lock back however we end."""
    var.mkdir(parents=True, exist_ok=True)
    lock = var / "run.lock"
    descriptor = try_lock(lock)
    if descriptor is None:
        raise Refusal(f"Freehold is already running from {var.parent} (process {lock.read_text().strip()}).")
    try:
        lock.write_text(f"{os.getpid()}\n")
        yield
    finally:
        os.close(descriptor)


def end_survivors(var: Path) -> None:
    """Kill what a former run left. Call it under the lock: then whoever bears our mark is an orphan."""
    survivors = [process for process in psutil.process_iter() if _bears_mark(process, var)]
    for process in survivors:
        process.kill()
    psutil.wait_procs(survivors, timeout=STOP_SECONDS)


def _bears_mark(process: psutil.Process, var: Path) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get(MARK) == str(var)
    except (psutil.Error, OSError):
        return False


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with closing(socket.socket()) as probe:
        return bool(probe.connect_ex((HOST, port)) == 0)


def answers_ready(port: int) -> bool:
    """Whether ``/readyz`` says 200."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _await_sandbox(family: Family, plan: Plan) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while plan.stripe_port and not listens(plan.stripe_port):
        family.check()
        if time.monotonic() > deadline:
            raise Refusal(f"The Stripe sandbox is not there after {READY_SECONDS:.0f} s: see {plan.var / 'log'}.")
        time.sleep(POLL_SECONDS)


def _await_ready(family: Family, plan: Plan) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not answers_ready(plan.port):
        family.check()
        if time.monotonic() > deadline:
            raise Refusal(f"{plan.url}/readyz is not 200 after {READY_SECONDS:.0f} s: see {plan.var / 'log'}.")
        time.sleep(POLL_SECONDS)


def _watch(family: Family, database: EmbeddedPostgres | None) -> NoReturn:
    """Wait for a signal or a death; bring the embedded database back should it be killed."""
    next_look = time.monotonic() + DATABASE_CHECK_SECONDS
    while True:
        family.check()
        if database and time.monotonic() > next_look:
            if not database.is_running():
                say("The database has gone; starting it again…")
                database.start()
                say("The database is back.")
            next_look = time.monotonic() + DATABASE_CHECK_SECONDS
        time.sleep(POLL_SECONDS)


def supervise(plan: Plan, environ: Mapping[str, str]) -> NoReturn:
    """Run everything until a signal (``Stopped``) or a failure (``Refusal``); leave nothing running."""
    with ExitStack() as stack:
        stack.enter_context(single_run(plan.var))
        end_survivors(plan.var)
        require_free_port(plan.port)
        plan = plan.with_free_ports()
        database = None if plan.database_url else EmbeddedPostgres(plan.var / "postgres")
        if database:
            say("Starting the database…")
            stack.callback(database.stop)
            database.start()
        address = database.url if database else plan.database_url
        family = Family(plan.var, {"FREEHOLD_URL": plan.url, **environ, **plan.demo, "DATABASE_URL": address})
        stack.callback(family.stop)
        stack.callback(_ignore_signals)  # from here on nothing interrupts the stopping
        for program in first_of_all(plan):
            family.start(program)
        _await_sandbox(family, plan)
        say("Migrations, demo data and static files…")
        family.run(preparation(plan))
        say("Starting the web server and the worker…")
        for program in services(plan):
            family.start(program)
        _await_ready(family, plan)
        say(f"Freehold is ready: {plan.url}/")
        _watch(family, database)


def say(line: str) -> None:
    """Tell the console; a console that is gone is no reason to fail."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        return


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _ignore_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _on_signal(_number: int, _frame: FrameType | None) -> NoReturn:
    _ignore_signals()
    raise Stopped


def main() -> int:
    """Run until told to stop; the exit status is 1 when something refused or failed."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, _on_signal)
    try:
        supervise(Plan.from_environment(os.environ), os.environ)
    except Stopped:
        say("Freehold has stopped.")
        return 0
    except (Refusal, EmbeddedPostgresError) as error:
        message = str(error)
    except PermissionError as error:
        message = f"Freehold may not use {error.filename}: start it as the owner of that file."
    print(message, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
