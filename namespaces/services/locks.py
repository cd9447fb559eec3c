"""Row locks in one order everywhere: organizations by id, then grants by id. So services wait, and never deadlock."""

from __future__ import annotations

from django.db import connection
from django.db.models import Q

from namespaces import names
from namespaces.errors import NoSuchNamespace
from namespaces.models import Grant
from namespaces.states import HOLDING
from orgs.models import Organization

_NAME_LOCKS = 752  # the class of our advisory locks on names


def lock_organizations(*ids: int) -> dict[int, Organization]:
    # NO KEY: rows that merely point to the organization may still be written by others.
    rows = Organization.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows}


def lock_tree(root_id: int) -> list[Grant]:
    """The root and its holding children, root first, locked and read anew."""
    rows = Grant.objects.filter(Q(pk=root_id) | Q(root_id=root_id, state__in=HOLDING))
    tree = list(rows.select_related("owner").select_for_update(of=("self",), no_key=True).order_by("pk"))
    return sorted(tree, key=lambda grant: grant.pk != root_id)


def lock_name(namespace: str) -> None:
    """Let those who want overlapping namespaces come one after the other: such names share their first part.

    The constraint alone decides who gets it. But two inserts that judge each other at once would deadlock, and one
    would be told so after a second; this way it waits, and is told that the namespace is taken.
    """
    first = names.prefixes(namespace)[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_NAME_LOCKS, first])


def holding_grant(namespace: str) -> Grant:
    """The grant that now holds a normalized namespace; raises ``NoSuchNamespace``."""
    found = Grant.objects.filter(name=namespace, state__in=HOLDING).select_related("owner").first()
    if found is None:
        raise NoSuchNamespace(f"There is no namespace {namespace!r}.")
    return found
