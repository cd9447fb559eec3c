"""The data directory: made once, complete or not at all, and checked before every start."""

import os
import shutil
import tempfile
from pathlib import Path

from .account import Account
from .errors import EmbeddedPostgresError
from .programs import major_version, program, run

SUPERUSER = "postgres"
LOCALES = ("C.UTF-8", "C")  # the first is missing on some systems


def ensure_cluster(data: Path, account: Account, lock: int) -> None:
    """Make the data directory when there is none; refuse one that this server cannot open.

    ``lock`` is the descriptor of the lock that the caller holds. What makes the directory inherits it,
    so that the next caller waits for it even when this one is killed.
    """
    if _is_vacant(data):
        _create(data, account, lock)
    _check_version(data)
    _hand_over(data, account)


def _is_vacant(data: Path) -> bool:
    return not data.exists() or not any(data.iterdir())


def _create(data: Path, account: Account, lock: int) -> None:
    """Initialize beside the final place and rename, so that nothing half made can be left there."""
    prefix = f"{data.name}.new-"
    for remains in data.parent.glob(f"{prefix}*"):
        shutil.rmtree(remains)
    attempt = Path(tempfile.mkdtemp(prefix=prefix, dir=data.parent))
    try:
        account.own(attempt)
        _initdb(attempt, account, lock)
        attempt.rename(data)
    except BaseException:
        shutil.rmtree(attempt, ignore_errors=True)
        raise


def _initdb(directory: Path, account: Account, lock: int) -> None:
    options = ["--encoding=UTF8", "--auth=trust", f"--username={SUPERUSER}", "--no-instructions"]
    output = ""
    for locale in LOCALES:
        command = [program("initdb"), f"--pgdata={directory}", f"--locale={locale}", *options]
        done = run(command, account, keep=[lock])
        if done.returncode == 0:
            return
        output = done.stdout
    raise EmbeddedPostgresError(f"PostgreSQL's initdb failed in {directory.parent}: {output.strip()}")


def _check_version(data: Path) -> None:
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedPostgresError(
            f"{data} is not a PostgreSQL data directory: move it away, or set DATABASE_URL to another server."
        ) from None
    ours = major_version()
    if found != ours:
        raise EmbeddedPostgresError(
            f"The database in {data} was made by PostgreSQL {found} and this is PostgreSQL {ours}: dump it "
            f"with the old version or move the directory away, or set DATABASE_URL to another server."
        )


def _hand_over(data: Path, account: Account) -> None:
    """Give a directory that root restored or copied to the account that will serve it."""
    if data.stat().st_uid == account.uid:
        return
    for directory, _, files in os.walk(data):
        account.own(Path(directory))
        for name in files:
            account.own(Path(directory, name))
