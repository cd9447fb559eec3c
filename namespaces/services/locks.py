"""Locks in one order everywhere: organizations by id, the name, grants by id. So services wait, and never deadlock."""

from __future__ import annotations

from django.db import connection
from django.db.models import Q

from namespaces import names
from namespaces.errors import NoSuchNamespace, NotNow
from namespaces.models import Grant
from namespaces.states import HOLDING
from orgs.models import Organization

_NAME_LOCKS = 752  # the class of our advisory locks on names


def lock_organizations(*ids: int) -> dict[int, Organization]:
    # NO KEY: rows that merely point to the organization may still be written by others.
    rows = Organization.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows}


def lock_tree(grant: Grant, *others: int) -> tuple[list[Grant], dict[int, Organization]]:
    """The grant with its holding children, itself first, and its owner and the others: locked and read anew."""
    owner_id = Grant.objects.values_list("owner_id", flat=True).get(pk=grant.pk)
    organizations = lock_organizations(owner_id, *others)
    lock_name(grant.name)
    rows = Grant.objects.filter(Q(pk=grant.pk) | Q(root=grant.pk, state__in=HOLDING))
    # Without a join: a row whose owner changed while it was waited for would fit the join no more, and be left out.
    tree = sorted(rows.select_for_update(no_key=True).order_by("pk"), key=lambda row: row.pk != grant.pk)
    if tree[0].owner_id not in organizations:
        raise NotNow(f"The namespace {grant.name!r} has changed hands in this instant; look again.")
    for row in tree:
        row.owner = organizations[row.owner_id]
    return tree, organizations


def lock_names(*namespaces: str) -> None:
    """The names, for whoever needs several at once: all before anything else, in an order that is everybody's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, key) FROM (SELECT DISTINCT hashtext(first) AS key"
            "  FROM unnest(%s::text[]) AS given(first) ORDER BY key OFFSET 0) AS keys",
            [_NAME_LOCKS, [names.prefixes(namespace)[0] for namespace in namespaces]],
        )


def lock_name(namespace: str) -> None:
    """Let those who want overlapping namespaces come one after the other: such names share their first part.

    The constraint alone decides who gets it. But two writers that judge each other at once would deadlock, and one
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
