"""Locks on what is no row yet: advisory ones, until the transaction ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection


class Lock(IntEnum):
    """The classes of billing's advisory locks; ``namespaces`` has 752."""

    CALL = 7521
    EVENT = 7522
    RECONCILIATION = 7523
    OBJECT = 7524
    LEDGER = 7525


def lock(kind: Lock, name: str = "") -> None:
    """Wait until nobody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [kind.value, name])


@contextmanager
def alone(kind: Lock) -> Iterator[bool]:
    """For work of many transactions: whether nobody else is at it. Nobody waits; who dies gives it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [kind.value])
        is_alone = cursor.fetchone() == (True,)
    try:
        yield is_alone
    finally:
        if is_alone and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [kind.value])
