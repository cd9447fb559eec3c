"""Reads of namespaces: PEP 752's answers, and what the public page shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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


def project_namespaces(name: str) -> tuple[NamespaceMark, ...] | None:
    """PEP 752's ``namespaces`` of a project, by its normalized name: None outside every namespace."""
    grants = list(Grant.objects.enforceable().covering(name).select_related("owner"))
    if not grants:
        return None
    owner = Project.objects.filter(name=name).values_list("owner", flat=True).first()
    return marks([grant.name for grant in grants], holders(grants), owner)


def holders(grants: Iterable[Grant]) -> list[tuple[str, str]]:
    """Pairs of a namespace and the name of an organization that holds it, as owner or by a share."""
    known = list(grants)
    owners = [(grant.name, grant.owner.name) for grant in known]
    shares = Share.objects.current().filter(grant__in=known)
    return owners + list(shares.values_list("grant__name", "organization__name"))
