"""Run the suite as ``make test`` and ``make quick`` do, on two processes, on an embedded PostgreSQL of its own.

With ``DATABASE_URL`` set the suite uses that server instead (PostgreSQL 15 or later; the user must be allowed to
create databases).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from freehold.embedded import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")
FEW = 5
LONG = [f"--ignore=tests/{folder}" for folder in ("e2e", "matrix")]
"""Of their tests none is quick, so that they need not even be collected."""
FAILED = 1
"""Pytest's exit status when tests failed, and nothing else did."""


def main(arguments: list[str]) -> int:
    """The client's suite, which needs no database, then the server's; the first that fails ends the run."""
    quick = "--quick" in arguments
    others = [argument for argument in arguments if argument != "--quick"]
    environment = os.environ | {"FREEHOLD_VAR": os.environ.get("FREEHOLD_VAR", str(ROOT / "var" / "test"))}
    command = [*_pytest("not slow and not browser"), *LONG] if quick else _pytest("")
    return _client(quick=quick) or _server([*command, *others], environment, again=not quick)


def _pytest(marks: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "--numprocesses=2", "--dist=worksteal", *(["-m", marks] if marks else [])]


def _client(*, quick: bool) -> int:
    return subprocess.call(_pytest("not slow" if quick else ""), cwd=ROOT / "client")


def _server(command: list[str], environment: dict[str, str], *, again: bool) -> int:
    if "DATABASE_URL" in environment:
        return _run(command, environment, again=again)
    # A server apart from the demo's, stopped when the suite has run.
    server = EmbeddedPostgres(Path(environment["FREEHOLD_VAR"]) / "postgres")
    try:
        return _run(command, environment | {"DATABASE_URL": server.start()}, again=again)
    finally:
        server.stop()


def _run(command: list[str], environment: dict[str, str], *, again: bool) -> int:
    """Tests with real browsers, brokers and killed processes share two processors with all others. A few that failed
    are run once more, alone, and told of: what fails twice is a fault, what fails once a race of the test to be mended.
    """
    (ROOT / LAST_FAILED).unlink(missing_ok=True)
    status = subprocess.call(command, env=environment, cwd=ROOT)
    failed = _last_failed() if status == FAILED and again else []
    if not 1 <= len(failed) <= FEW:
        return status
    print("Failed, and run once more alone:", *failed, sep="\n  ", flush=True)
    status = subprocess.call([sys.executable, "-m", "pytest", "--last-failed"], env=environment, cwd=ROOT)
    if status == 0:
        print("Passed the second time, so look for a race:", *failed, sep="\n  ", flush=True)
    return status


def _last_failed() -> list[str]:
    path = ROOT / LAST_FAILED
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return sorted(name for name in known if "::" in name)  # not those of the workers, when these could not begin


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
