"""Statements that are prepared once for each connection and then run past the cursors of Django and psycopg.

For a statement that somebody waits for and the database answers in microseconds: there a cursor costs more than the
answer. No transaction is opened; parameters go as bytes, and rows come in the binary format.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import Connection, OperationalError, adapt
from psycopg.abc import Transformer
from psycopg.errors import Error, InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

Row = TypeVar("Row")


class Prepared(Generic[Row]):
    """A statement with so many ``parameters``, ``$1`` and so on; ``row`` makes a row from the sequence of its values.

    The statement casts its parameters, and takes text and bytea only: their binary format is their bytes.
    """

    def __init__(self, name: str, text: str, parameters: int, row: Callable[[Sequence[Any]], Row]) -> None:
        self.text = text
        self._name = name.encode()
        self._formats = [Format.BINARY] * parameters
        self._row = row
        # What turns values into objects keeps state, and is not to be shared by threads; connections are not either.
        self._ready: WeakKeyDictionary[Connection[Any], Transformer] = WeakKeyDictionary()

    def fetch(self, parameters: Sequence[bytes]) -> list[Row]:
        """All rows. A connection that the server has closed in the meantime is opened anew, once."""
        database = connections[DEFAULT_DB_ALIAS]
        with database.wrap_database_errors:
            try:
                return self._run(database, parameters)
            except (OperationalError, InvalidSqlStatementName):
                if database.in_atomic_block:
                    raise
                database.close()
                return self._run(database, parameters)

    def _run(self, database: Any, parameters: Sequence[bytes]) -> list[Row]:
        database.ensure_connection()
        driver: Connection[Any] = database.connection
        transformer = self._ready.get(driver) or self._prepare(driver)
        result = driver.pgconn.exec_prepared(self._name, parameters, self._formats, Format.BINARY)
        if result.status != ExecStatus.TUPLES_OK:
            raise _error(driver, result)
        transformer.set_pgresult(result, set_loaders=True, format=Format.BINARY)
        return transformer.load_rows(0, result.ntuples, self._row)

    def _prepare(self, driver: Connection[Any]) -> Transformer:
        result = driver.pgconn.prepare(self._name, self.text.encode())
        if result.status != ExecStatus.COMMAND_OK:
            raise _error(driver, result)
        # It must not know the connection: the dictionary would keep that alive by its own value.
        return self._ready.setdefault(driver, adapt.Transformer())


def _error(driver: Connection[Any], result: PGresult) -> Error:
    if driver.pgconn.status != ConnStatus.OK:
        return OperationalError(result.get_error_message())
    return error_from_result(result)
