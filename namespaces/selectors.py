"""Reads of namespaces: PEP 752's answers, and what the public page shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Min

from namespaces import names
from namespaces.decision import NamespaceMark, marks
from namespaces.models import Grant, Project, Share


@dataclass(frozen=True)
class NamespaceEntry:
    """A reserved namespace as PEP 752 shows it; ``parent`` is the nearest reserved one around it."""

    name: str
    owner: str
    parent: str | None
    children: tuple[str, ...] = ()


def all_namespaces() -> list[NamespaceEntry]:
    """Every reserved namespace, by name (PEP 752, "Namespace List")."""
    rows = dict(Grant.objects.enforceable().order_by("name").values_list("name", "owner__name"))
    return [NamespaceEntry(name, owner, _parent(name, rows)) for name, owner in rows.items()]


def namespace_entry(namespace: str) -> NamespaceEntry | None:
    """One reserved namespace, normalized, or None when it is not reserved (PEP 752, "Namespace Detail")."""
    grant = Grant.objects.enforceable().filter(name=namespace).select_related("owner").first()
    if grant is None:
        return None
    around = set(Grant.objects.enforceable().covering(namespace).values_list("name", flat=True))
    children = Grant.objects.enforceable().within(namespace).values_list("name", flat=True)
    return NamespaceEntry(namespace, grant.owner.name, _parent(namespace, around), tuple(children))


def _parent(namespace: str, reserved: Iterable[str]) -> str | None:
    found = set(reserved)
    return next((name for name in reversed(names.prefixes(namespace)[:-1]) if name in found), None)


@dataclass(frozen=True)
class ProjectNamespaces:
    """PEP 752's ``namespaces`` of a project; ``until`` is when a share expires, which is a change that nobody makes."""

    marks: tuple[NamespaceMark, ...]
    until: datetime | None


def project_namespaces(name: str) -> ProjectNamespaces | None:
    """By the project's normalized name: None outside every namespace."""
    grants = list(Grant.objects.enforceable().covering(name).select_related("owner"))
    if not grants:
        return None
    owner = Project.objects.filter(name=name).values_list("owner", flat=True).first()
    until = Share.objects.current().filter(grant__in=grants).aggregate(first=Min("expires_at"))["first"]
    return ProjectNamespaces(marks([grant.name for grant in grants], holders(grants), owner), until)


def holders(grants: Iterable[Grant]) -> list[tuple[str, str]]:
    """Pairs of a namespace and the name of an organization that holds it, as owner or by a share."""
    known = list(grants)
    owners = [(grant.name, grant.owner.name) for grant in known]
    shares = Share.objects.current().filter(grant__in=known)
    return owners + list(shares.values_list("grant__name", "organization__name"))


class Traffic(NamedTuple):
    """What projects cost the index, as it reported it."""

    bytes: int
    downloads: int


_TRAFFIC = """
SELECT p.owner, sum(u.bytes)::numeric, sum(u.downloads)::numeric
  FROM namespaces_usage u JOIN namespaces_project p ON p.name = u.project
 WHERE u.day >= %(month)s AND u.day < %(month)s + interval '1 month'
   AND p.owner <> '' AND p.owner NOT LIKE 'user:%%'
   AND (%(organization)s::text IS NULL OR p.owner = %(organization)s)
 GROUP BY p.owner
"""


def traffic_by_organization(*, month: date, organization: str | None = None) -> dict[str, Traffic]:
    """What the projects of each organization, or of one, cost the index in the month of that day.

    By who owns them now, as the mirror has it. Organizations of which nothing was reported are not in it, and names
    that are no organization's here may be: the mirror has the owners that the index told.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TRAFFIC, {"month": month.replace(day=1), "organization": organization})
        return {owner: Traffic(int(size), int(downloads)) for owner, size, downloads in cursor.fetchall()}
