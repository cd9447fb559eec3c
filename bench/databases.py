"""Django's connection on one database or another, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from freehold import env


def wrapper(url: str) -> Any:
    """A connection as Freehold's settings make it, to another database."""
    usual = connections[DEFAULT_DB_ALIAS]
    return type(usual)({**usual.settings_dict, "NAME": env.database(url)["NAME"]}, DEFAULT_DB_ALIAS)


def use(database: Any) -> None:
    """From here on, in this thread, this is the connection that all code finds."""
    connections[DEFAULT_DB_ALIAS] = database


@contextmanager
def using(url: str) -> Iterator[None]:
    before, database = connections[DEFAULT_DB_ALIAS], wrapper(url)
    use(database)
    try:
        yield
    finally:
        database.close()
        use(before)
