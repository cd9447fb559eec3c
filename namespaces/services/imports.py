"""The mirror of the index's projects, by the hundred thousand: COPY to a stage, then a merge of what differs.

All of the input is staged and sorted before anything is changed. So a name may come again anywhere in it, a file that
turns out to be broken changes nothing, and names are merged in their order. The merge goes chunk by chunk, each in its
own transaction: an import that is killed keeps the chunks that it has merged, and the next one finds them unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from freehold.errors import DomainError, NotPermitted
from namespaces.readers import Row
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict

CHUNK = 100_000
"""Names merged in one transaction: about a second, for which a write of one of them by others may have to wait."""

VACUUM_FROM = 10_000
"""From how many written rows on the table is vacuumed at once, so that checks are answered by the index alone."""

_READING_STEP = 5_000
_ONE_AT_A_TIME = 75200753  # our session lock: two imports would overtake each other

# Both tables are the session's own and die with it, whatever happens.
_CREATE_STAGE = """
CREATE TEMPORARY TABLE import_stage (
  line bigint GENERATED ALWAYS AS IDENTITY,
  name text COLLATE "C" NOT NULL,
  owner text COLLATE "C" NOT NULL,
  first_uploaded timestamptz
)
"""
# Binary, since writing times as text costs more than all the rest of it.
_COPY = "COPY import_stage (name, owner, first_uploaded) FROM STDIN (FORMAT BINARY)"
_COPY_TYPES = ("text", "text", "timestamptz")

# Each name once, with the last owner and the earliest time given; numbered in order, to be taken in chunks.
_SORT = """
CREATE TEMPORARY TABLE import_sorted AS
SELECT row_number() OVER (ORDER BY name) AS number, name,
       coalesce((array_agg(owner ORDER BY line DESC) FILTER (WHERE owner <> ''))[1], '') AS owner,
       min(first_uploaded) AS first_uploaded
  FROM import_stage GROUP BY name
"""
_AFTER_SORT = "DROP TABLE import_stage; ALTER TABLE import_sorted ADD PRIMARY KEY (number); ANALYZE import_sorted"
_DROP = "DROP TABLE IF EXISTS import_stage, import_sorted"

# The chunk's interval of names, which looks superfluous, has only that part of the mirror read.
_BOUNDS = "SELECT min(name), max(name) FROM import_sorted WHERE number > %(after)s AND number <= %(upto)s"

# Organizations by their present names. Held until the chunk is committed, or one that is renamed in this instant would
# leave projects behind under the name that it had.
_HOLD_OWNERS = """
SELECT o.id FROM orgs_organization o JOIN orgs_organizationname n ON n.organization_id = o.id
 WHERE n.name IN (SELECT owner FROM import_sorted WHERE number > %(after)s AND number <= %(upto)s)
 ORDER BY o.id FOR KEY SHARE OF o
"""
_PRESENT_OWNERS = """
UPDATE import_sorted s SET owner = o.name
  FROM orgs_organizationname n JOIN orgs_organization o ON o.id = n.organization_id
 WHERE s.number > %(after)s AND s.number <= %(upto)s AND n.name = s.owner AND o.name <> n.name
"""

# ON CONFLICT is for a name that somebody else inserts meanwhile: this waits for them, and the update that follows
# sees their row.
_INSERT = """
INSERT INTO namespaces_project (name, owner, first_uploaded)
SELECT s.name, s.owner, coalesce(s.first_uploaded, %(began)s)
  FROM import_sorted s
 WHERE s.number > %(after)s AND s.number <= %(upto)s
   AND NOT EXISTS (
     SELECT FROM namespaces_project p WHERE p.name = s.name AND p.name BETWEEN %(first)s AND %(last)s)
 ORDER BY s.number
ON CONFLICT (name) DO NOTHING
"""
_UPDATE = """
UPDATE namespaces_project p
   SET owner = coalesce(nullif(s.owner, ''), p.owner), first_uploaded = coalesce(s.first_uploaded, p.first_uploaded)
  FROM import_sorted s
 WHERE s.number > %(after)s AND s.number <= %(upto)s AND p.name = s.name
   AND p.name BETWEEN %(first)s AND %(last)s
   AND (nullif(s.owner, '') <> p.owner OR s.first_uploaded <> p.first_uploaded)
"""


class ImportRunning(DomainError):
    code = "import-running"


class Phase(StrEnum):
    READING = "reading"
    MERGING = "merging"


class Step(NamedTuple):
    """How far an import is: rows read, whose total is not known; then names merged, which are committed."""

    phase: Phase
    done: int
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """``read`` rows were ``new``, ``changed`` or ``unchanged`` projects, or gave a name ``again``."""

    read: int
    new: int = 0
    changed: int = 0
    unchanged: int
    again: int

    @property
    def written(self) -> int:
        return self.new + self.changed

    def with_written(self, new: int, changed: int) -> ImportResult:
        """After some that were taken for unchanged have been written."""
        return replace(
            self, new=self.new + new, changed=self.changed + changed, unchanged=self.unchanged - new - changed
        )


def can_import(actor: Actor) -> Verdict:
    return ALLOWED if actor.is_operator else Verdict(False, "Only the operator may import projects.")


def import_projects(
    *, actor: Actor, rows: Iterable[Row], progress: Callable[[Step], None] | None = None, chunk: int = CHUNK
) -> ImportResult:
    """Make the mirror agree with the rows; write only what is new or different.

    What a row does not say leaves what is known; a new project without a time was first uploaded when the import
    began, at the latest. Projects that are in no row stay. Of rows with one name, the last owner and the earliest time
    hold. What ``rows`` raises is raised before anything is changed; what comes later leaves the chunks that are merged.
    Not to be called inside a transaction. Raises ``NotPermitted`` and ``ImportRunning``.
    """
    if not (verdict := can_import(actor)):
        raise NotPermitted(verdict.reason)
    report = progress or _ignore
    began = timezone.now()
    with _stage():
        read = _copy(rows, report)
        total = _sort()
        result = _merge(actor, ImportResult(read=read, again=read - total, unchanged=total), began, chunk, report)
    if result.written >= VACUUM_FROM:
        # Skipped when somebody else is at it: they do it for us.
        _execute("VACUUM (ANALYZE, SKIP_LOCKED) namespaces_project")
    return result


def _ignore(step: Step) -> None:
    """For callers who do not care how far it is."""


@contextmanager
def _stage() -> Iterator[None]:
    """An empty stage, and the right to be the only import."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ONE_AT_A_TIME])
        if cursor.fetchone() != (True,):
            raise ImportRunning("Another import is running; try again when it has ended.")
    try:
        _execute(_DROP + ";" + _CREATE_STAGE)
        yield
    finally:
        # A connection that is gone has taken both with it.
        if connection.is_usable():
            _execute(_DROP)
            _execute("SELECT pg_advisory_unlock(%s)", [_ONE_AT_A_TIME])


def _copy(rows: Iterable[Row], report: Callable[[Step], None]) -> int:
    count = 0
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(_COPY) as copy:
        copy.set_types(_COPY_TYPES)
        for count, row in enumerate(rows, 1):
            copy.write_row(row)
            if count % _READING_STEP == 0:
                report(Step(Phase.READING, count))
    report(Step(Phase.READING, count, count))
    return count


def _sort() -> int:
    """How many different names there are."""
    total = _execute(_SORT)
    _execute(_AFTER_SORT)
    return total


def _merge(
    actor: Actor, result: ImportResult, began: datetime, chunk: int, report: Callable[[Step], None]
) -> ImportResult:
    total = result.unchanged
    for after in range(0, total, chunk):
        upto = min(after + chunk, total)
        with transaction.atomic(durable=True):
            result = result.with_written(*_merge_chunk(after, upto, began))
            if upto == total and result.written:
                audit.record(actor, "projects.import", "projects", after=asdict(result))
        report(Step(Phase.MERGING, upto, total))
    return result


def _merge_chunk(after: int, upto: int, began: datetime) -> tuple[int, int]:
    """How many are new, and how many changed."""
    bounds: dict[str, Any] = {"after": after, "upto": upto}
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS, bounds)
        bounds["first"], bounds["last"] = cursor.fetchone()
    _execute(_HOLD_OWNERS, bounds)
    _execute(_PRESENT_OWNERS, bounds)
    new = _execute(_INSERT, bounds | {"began": began})
    return new, _execute(_UPDATE, bounds) if new < upto - after else 0


def _execute(statement: str, parameters: Any = None) -> int:
    """How many rows it made or changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
