"""Where the server's Unix socket lies: nobody else can enter there, since the server trusts who connects."""

import hashlib
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from .account import Account
from .errors import EmbeddedPostgresError

PORT = 5432  # not a TCP port: only a part of the socket's file name
SOCKET = f".s.PGSQL.{PORT}"
MAX_SOCKET_PATH = 107 if sys.platform == "linux" else 103


def socket_directory(data: Path) -> Path:
    """The data directory, or when a socket cannot be reached there, a directory named after it in ``/tmp``.

    The kernel limits the length, and libpq takes a comma for the end of the path. Not
    ``tempfile.gettempdir()``: two processes with different ``TMPDIR`` must find the same server.
    """
    if len(os.fsencode(data / SOCKET)) <= MAX_SOCKET_PATH and "," not in str(data):
        return data
    return Path("/tmp", "freehold-" + hashlib.sha256(os.fsencode(data)).hexdigest()[:24])  # noqa: S108 - see ensure_private


def ensure_private(directory: Path, account: Account) -> None:
    """Make ``directory`` for the account alone; refuse one that somebody else has put there."""
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        account.own(directory)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or status.st_mode & 0o077:
        raise EmbeddedPostgresError(
            f"{directory} is not a private directory of the database's user {account.uid}: remove it and start again."
        )


def remove_socket(directory: Path) -> None:
    """Remove what a server that is gone has left; PostgreSQL stumbles over it when the pid was reused."""
    for name in (SOCKET, f"{SOCKET}.lock"):
        (directory / name).unlink(missing_ok=True)


def remove_directory(directory: Path) -> None:
    """Remove a socket directory of its own once it is empty."""
    with suppress(OSError):  # missing, or a killed server's socket is still in it
        directory.rmdir()
