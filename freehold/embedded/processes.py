"""Which processes are this server's. A pid file proves nothing: after a crash its number may be anybody's."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

PID_FILE = "postmaster.pid"
PROCESS_NAME = "postgres"


def cluster_name(data: Path) -> str:
    """A name for the cluster, unique to its path; PostgreSQL shows it in the titles of its processes."""
    return "freehold-" + hashlib.sha256(os.fsencode(data)).hexdigest()[:12]


def postmaster(data: Path) -> psutil.Process | None:
    """The server's main process when the pid file names it truly, else None."""
    try:
        pid = int((data / PID_FILE).read_text().split()[0])
    except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
        return None
    try:
        process = psutil.Process(pid)
        return process if _serves(process, data) else None
    except (psutil.Error, ValueError):
        return None


def is_marked_ready(data: Path) -> bool:
    """Whether the pid file says that the server had finished starting."""
    try:
        return (data / PID_FILE).read_text().split()[-1] == "ready"
    except (FileNotFoundError, IndexError):
        return False


def processes_of(data: Path) -> Iterator[psutil.Process]:
    """All processes that serve this directory, also those that outlived their postmaster."""
    for process in psutil.process_iter():
        try:
            if _serves(process, data):
                yield process
        except psutil.Error:
            continue  # it ended while we looked


def _serves(process: psutil.Process, data: Path) -> bool:
    """Whether the process is a living PostgreSQL on this very directory.

    PostgreSQL works in its data directory, so the working directory tells, even when that has been renamed.
    Root in a container may not be allowed to see it, and a deleted directory has none: then the command line
    tells.
    """
    if process.name() != PROCESS_NAME or process.status() == psutil.STATUS_ZOMBIE:
        return False
    try:
        return Path(process.cwd()).samefile(data)
    except (psutil.AccessDenied, OSError):
        title = " ".join(process.cmdline()[:1])  # of a child: "postgres: <cluster>: checkpointer"
        return str(data) in process.cmdline() or title.startswith(f"postgres: {cluster_name(data)}:")
