"""That a test which commits leaves nothing to the next, however it is cleaned up (``tests/flushing.py``)."""

from __future__ import annotations

import threading
from typing import cast

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

from orgs.models import AuditEvent, Organization
from tests import factories, flushing
from tests.concurrency import another_connection

CASE = cast("TransactionTestCase", None)  # asked only where Django's own way is taken
pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> dict[str, int]:
    """How many rows each table has, of those that have some."""
    found = {}
    with connection.cursor() as cursor:
        for table in set(connection.introspection.django_table_names(only_existing=True)) - flushing.KEPT:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            found[table] = int(cursor.fetchone()[0])
    return {table: count for table, count in found.items() if count}


def somebody() -> Organization:
    """With rows in tables that refer to each other, and in one that nothing may be deleted from."""
    acme = factories.organization("acme")
    factories.member(acme, "olga")
    factories.share(factories.grant("acme", acme), factories.organization("guest"))
    AuditEvent.objects.create(actor="x", action="x", target="x", organization="acme", after={})
    return acme


def test_nothing_is_left_but_what_django_fills_in() -> None:
    somebody()
    assert {"orgs_auditevent", "orgs_membership", "namespaces_share"} <= set(rows())
    flushing.empty_database(CASE)
    assert rows() == {}
    assert ContentType.objects.exists()


def test_afterwards_the_guards_stand_again() -> None:
    flushing.empty_database(CASE)
    somebody()
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        AuditEvent.objects.all().delete()


def test_who_is_still_writing_is_waited_for() -> None:
    """A request that outlives its test must not leave its rows to the next one."""
    with another_connection() as other:
        other.execute("INSERT INTO django_session VALUES ('left', '', now())")
        flushed = threading.Thread(target=_flush_apart)
        flushed.start()
        flushed.join(0.3)
        assert flushed.is_alive()
        other.commit()
        flushed.join(10)
    assert rows() == {}


def _flush_apart() -> None:
    flushing.empty_database(CASE)
    connection.close()


def test_a_bloated_table_is_left_to_django(monkeypatch: pytest.MonkeyPatch) -> None:
    somebody()
    asked: list[TransactionTestCase] = []
    monkeypatch.setattr(flushing, "_truncate_all", asked.append)
    monkeypatch.setattr(flushing, "BLOATED", 0)
    flushing.empty_database(CASE)
    assert asked == [CASE]
    assert rows()
