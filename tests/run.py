"""Run the suite as ``make test`` and ``make quick`` do, on two processes, on an embedded PostgreSQL of its own.

With ``DATABASE_URL`` set the suite uses that server instead (PostgreSQL 15 or later; the user must be allowed to
create databases).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from freehold.embedded import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """The client's suite, which needs no database, then the server's; the first that fails ends the run."""
    quick = "--quick" in arguments
    others = [argument for argument in arguments if argument != "--quick"]
    environment = os.environ | {"FREEHOLD_VAR": os.environ.get("FREEHOLD_VAR", str(ROOT / "var" / "test"))}
    return _client(quick=quick) or _server(
        [*_pytest("not slow and not browser" if quick else ""), *others], environment
    )


def _pytest(marks: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "--numprocesses=2", *(["-m", marks] if marks else [])]


def _client(*, quick: bool) -> int:
    return subprocess.call(_pytest("not slow" if quick else ""), cwd=ROOT / "client")


def _server(command: list[str], environment: dict[str, str]) -> int:
    if "DATABASE_URL" in environment:
        return subprocess.call(command, env=environment, cwd=ROOT)
    # A server apart from the demo's, stopped when the suite has run.
    server = EmbeddedPostgres(Path(environment["FREEHOLD_VAR"]) / "postgres")
    try:
        return subprocess.call(command, env=environment | {"DATABASE_URL": server.start()}, cwd=ROOT)
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
