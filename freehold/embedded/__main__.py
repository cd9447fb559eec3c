"""``python -m freehold.embedded start|stop|status|url``: the embedded database by hand."""

import argparse
import logging
import sys
from pathlib import Path

from . import EmbeddedPostgres, EmbeddedPostgresError

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "var" / "postgres"


def main(arguments: list[str] | None = None) -> int:
    """Do one command; the exit status is 1 for a refusal and for ``status`` when the server does not run."""
    logging.basicConfig(format="%(message)s")
    options = _parser().parse_args(arguments)
    try:
        return _obey(options.command, EmbeddedPostgres(options.data))
    except EmbeddedPostgresError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    summary = "Freehold's embedded PostgreSQL."
    parser = argparse.ArgumentParser(prog="python -m freehold.embedded", description=summary)
    parser.add_argument("command", choices=["start", "stop", "status", "url"])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="data directory (%(default)s)")
    return parser


def _obey(command: str, server: EmbeddedPostgres) -> int:
    match command:
        case "start":
            print(server.start())
        case "stop":
            server.stop()
        case "url":
            print(server.url)
        case _:
            running = server.is_running()
            print("running" if running else "not running")
            return 0 if running else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
