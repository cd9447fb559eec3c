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
    quick = "--quick" in arguments
    others = [argument for argument in arguments if argument != "--quick"]
    command = [sys.executable, "-m", "pytest", "--numprocesses=2", "--dist=loadgroup"]
    command += ["-m", "not slow and not browser"] if quick else []
    environment = os.environ | {"FREEHOLD_VAR": os.environ.get("FREEHOLD_VAR", str(ROOT / "var" / "test"))}
    if "DATABASE_URL" in environment:
        return subprocess.call(command + others, env=environment, cwd=ROOT)
    return _with_embedded(command + others, environment)


def _with_embedded(command: list[str], environment: dict[str, str]) -> int:
    """A server apart from the demo's, stopped when the suite has run; what fsync protects is thrown away here."""
    server = EmbeddedPostgres(Path(environment["FREEHOLD_VAR"]) / "postgres")
    try:
        return subprocess.call(command, env=environment | {"DATABASE_URL": server.start()}, cwd=ROOT)
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
