"""Everything the database holds of us, to show that a refusal changed nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db import connection

OURS = ("accounts", "orgs", "namespaces", "billing", "review")
Dump = dict[str, list[str]]
"""Of each table its rows, as PostgreSQL writes them."""


def dump() -> Dump:
    """Every row of every table of ours, the audit trail and the feed of changes among them, in one question."""
    tables = sorted({model._meta.db_table for label in OURS for model in apps.get_app_config(label).get_models()})
    each = (f"SELECT '{table}', ARRAY(SELECT one::text FROM {table} one ORDER BY 1)" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each))
        return dict(cursor.fetchall())


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = dump()
    yield
    after = dump()
    changed = {table: after[table] for table in after if after[table] != before[table]}
    assert not changed, f"It was to change nothing, and these are not as they were: {changed}"
