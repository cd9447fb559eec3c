"""Reads for the public pages. What the pages say stands in the templates; here stands what they know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db import connection, models
from django.db.models import Count, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Concat
from django.utils import timezone

from namespaces import names
from namespaces.models import Grant, GrantQuerySet, Project
from namespaces.owners import USER_PREFIX
from namespaces.selectors import holders
from namespaces.selectors_disputes import frozen_since
from namespaces.states import ENFORCED, GrantState
from orgs.models import Organization
from orgs.vocabulary import Standing, State

EXAMPLES = 6
"""How many names are shown where all would be too many."""
CHILDREN = 24
PROJECTS_PER_PAGE = 25
NAMESPACES_PER_PAGE = 50
EXACT_UP_TO = 100_000
"""Projects that are counted one by one; above it the statistics of the database are good enough for the front page."""
"""How the owner of a project begins when it is a person (``models.Project``)."""


# --- The front page -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Size:
    """How many there are; ``is_exact`` is false for an estimate, which is rounded to thousands."""

    number: int
    is_exact: bool = True


def reserved_count() -> int:
    return Grant.objects.enforceable().count()


def mirror_size() -> Size:
    """How many projects the mirror has. To count a million takes a tenth of a second, and this is the front page."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'namespaces_project'::regclass")
        estimate = int(cursor.fetchone()[0])
    if estimate > EXACT_UP_TO:
        return Size(round(estimate, -3), is_exact=False)
    return Size(Project.objects.count())


# --- What a namespace covers ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Coverage:
    """The projects of the mirror that a namespace covers. ``owners`` counts those that are known and differ."""

    projects: int
    owners: int
    examples: tuple[str, ...]

    @property
    def more(self) -> int:
        return self.projects - len(self.examples)


def coverage(namespace: str) -> Coverage:
    projects = Project.objects.under(namespace)
    known = Count("owner", distinct=True, filter=~Q(owner=""))
    counts = projects.order_by().aggregate(projects=Count("*"), owners=known)
    return Coverage(**counts, examples=tuple(projects.values_list("name", flat=True)[:EXAMPLES]))


# --- Whether a prefix can be had ------------------------------------------------------------------------------------


class Availability(StrEnum):
    """``HELD``: set aside for somebody and not enforced yet. ``INSIDE``: below a reserved namespace; ``AROUND``: over
    one or several, which would then have a stranger above them (PEP 752, "Semantics")."""

    FREE = "free"
    RESERVED = "reserved"
    HELD = "held"
    INSIDE = "inside"
    AROUND = "around"
    TOO_DEEP = "too-deep"
    TOO_LONG = "too-long"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The held namespaces that have names in common with a prefix. Who waits for one that is ``held`` stays private."""

    outer: tuple[Grant, ...] = ()
    inner: tuple[Grant, ...] = ()
    inner_count: int = 0
    inner_owners: int = 0

    @property
    def nearest(self) -> Grant | None:
        """The innermost one that covers the prefix."""
        return self.outer[-1] if self.outer else None

    @property
    def inner_public(self) -> tuple[Grant, ...]:
        return tuple(grant for grant in self.inner if grant.state in ENFORCED)

    @property
    def inner_hidden(self) -> int:
        """How many of the inner ones are not named: those that wait, and those that are too many."""
        return self.inner_count - len(self.inner_public)


@dataclass(frozen=True)
class Prospect:
    """What can be said of a prefix that somebody typed. ``name`` is empty where that is no valid name."""

    typed: str
    name: str
    availability: Availability
    overlaps: Overlaps = Overlaps()
    coverage: Coverage | None = None
    max_hyphens: int = 0
    max_length: int = names.MAX_LENGTH

    @property
    def is_free(self) -> bool:
        return self.availability is Availability.FREE

    @property
    def is_respelled(self) -> bool:
        return self.typed != self.name


def look_up(typed: str) -> Prospect:
    """Whether the prefix can be had, and what it covers today."""
    try:
        name = names.normalize(typed)
    except names.InvalidName:
        too_long = len(typed) > names.MAX_LENGTH
        return Prospect(typed, "", Availability.TOO_LONG if too_long else Availability.INVALID)
    found = overlaps(name)
    limit = settings.FREEHOLD_MAX_HYPHENS
    return Prospect(typed, name, availability(name, found), found, coverage(name), max_hyphens=limit)


def overlaps(name: str) -> Overlaps:
    holding: GrantQuerySet = Grant.objects.holding().select_related("owner")
    within = holding.within(name)
    counts = within.order_by().aggregate(count=Count("pk"), owners=Count("owner", distinct=True))
    return Overlaps(
        outer=tuple(holding.covering(name)),
        inner=tuple(within[:EXAMPLES]) if counts["count"] else (),
        inner_count=counts["count"],
        inner_owners=counts["owners"],
    )


def availability(name: str, found: Overlaps) -> Availability:
    if found.nearest is not None:
        if found.nearest.state == GrantState.HELD:
            return Availability.HELD
        return Availability.RESERVED if found.nearest.name == name else Availability.INSIDE
    if found.inner_count:
        return Availability.AROUND
    return Availability.TOO_DEEP if names.depth(name) > settings.FREEHOLD_MAX_HYPHENS else Availability.FREE


# --- The register ---------------------------------------------------------------------------------------------------


def register(query: str = "", state: str = "") -> models.QuerySet[Grant]:
    """The reserved namespaces by name, with ``inside_count``; ``query`` is part of a name or of its holder's.

    In C collation "-" precedes letters and digits, so that children follow their parent.
    """
    grants = Grant.objects.enforceable().select_related("owner").order_by("name")
    if state in ENFORCED:
        grants = grants.filter(state=state)
    if query:
        of_holder = Q(owner__name__icontains=query) | Q(owner__display_name__icontains=query)
        grants = grants.filter(Q(name__icontains=query) | of_holder)
    return grants.annotate(inside_count=_inside_count())


def _inside_count() -> Coalesce:
    """How many reserved namespaces stand inside each one, by the interval of the names (``names.interval``)."""
    inside = Grant.objects.enforceable().filter(
        name__gte=Concat(OuterRef("name"), Value("-")), name__lt=Concat(OuterRef("name"), Value("."))
    )
    counted = inside.order_by().annotate(all=Value(1)).values("all").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0)


# --- A namespace ----------------------------------------------------------------------------------------------------


class ProjectStatus(StrEnum):
    """``HOLDER``: its owner holds a namespace that covers it. ``GRANDFATHERED``: older than those, it goes on whoever
    owns it. ``CLOSED``: neither is known of it, so only the holders may release it."""

    HOLDER = "holder"
    GRANDFATHERED = "grandfathered"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """``owner`` is an organization's display name where it is known here, else what the index calls it, or empty."""

    name: str
    owner: str
    owner_is_person: bool
    first_uploaded: datetime
    status: ProjectStatus


@dataclass(frozen=True)
class NamespaceSheet:
    """All that the page of a namespace shows but its projects, which are paged."""

    grant: Grant
    parents: tuple[str, ...]
    children: tuple[str, ...]
    children_count: int
    shared_with: tuple[Organization, ...]

    @property
    def is_enforced(self) -> bool:
        return self.grant.effective_at is not None and self.grant.effective_at <= timezone.now()

    @property
    def takes_new_projects(self) -> bool:
        """Whether its holder may publish new ones; the same condition as ``decision.Holding.may_publish_new``."""
        owner = self.grant.owner
        in_order = owner.state == State.ACTIVE and owner.standing != Standing.LAPSED
        return self.grant.state == GrantState.ACTIVE and in_order

    @property
    def quarantined_until(self) -> datetime | None:
        if self.grant.state != GrantState.QUARANTINED:
            return None
        until: datetime = self.grant.state_changed_at + settings.FREEHOLD_QUARANTINE
        return until

    @cached_property
    def frozen_since(self) -> datetime | None:
        """Since when new projects are stopped for a report that is looked into."""
        return frozen_since(self.grant) if self.grant.state == GrantState.LOCKED else None

    @property
    def outermost(self) -> str:
        """What a name must lie outside of to be free of this namespace and of all around it."""
        return self.parents[0] if self.parents else self.grant.name

    @property
    def more_children(self) -> int:
        return self.children_count - len(self.children)


def namespace_sheet(namespace: str) -> NamespaceSheet | None:
    """The reserved namespace of this normalized name, or None when it is not reserved."""
    around = list(Grant.objects.enforceable().covering(namespace).select_related("owner"))
    if not around or around[-1].name != namespace:
        return None
    within = Grant.objects.enforceable().within(namespace).values_list("name", flat=True)
    return NamespaceSheet(
        grant=around[-1],
        parents=tuple(grant.name for grant in around[:-1]),
        children=tuple(within[:CHILDREN]),
        children_count=within.count(),
        shared_with=_shared_with(around[-1]),
    )


def _shared_with(grant: Grant) -> tuple[Organization, ...]:
    current = Q(shares__expires_at__isnull=True) | Q(shares__expires_at__gt=timezone.now())
    return tuple(Organization.objects.filter(current, shares__grant=grant).order_by("name"))


def project_page(namespace: str, number: str) -> Page[Project]:
    """One page of the projects under a namespace; a number that is none, or too large, gives the first or the last."""
    return Paginator(Project.objects.under(namespace), PROJECTS_PER_PAGE).get_page(number)


def project_rows(projects: Iterable[Project]) -> list[ProjectRow]:
    """The projects with what their owners are to the namespaces that cover them, in three queries for all of them."""
    known = list(projects)
    wanted = {prefix for project in known for prefix in names.prefixes(project.name)}
    grants = list(Grant.objects.enforceable().filter(name__in=wanted).select_related("owner"))
    held = holders(grants)
    display = _display_names(project.owner for project in known)
    return [
        ProjectRow(
            name=project.name,
            owner=display.get(project.owner, project.owner.removeprefix(USER_PREFIX)),
            owner_is_person=project.owner.startswith(USER_PREFIX),
            first_uploaded=project.first_uploaded,
            status=status(project, grants, held),
        )
        for project in known
    ]


def status(project: Project, grants: Iterable[Grant], held: Iterable[tuple[str, str]]) -> ProjectStatus:
    """By the rules of the check (``decision.decide``) for the project's owner as the mirror has it."""
    covering = {g.name: g.effective_at for g in grants if names.covers(g.name, project.name)}
    if any(holder == project.owner for namespace, holder in held if namespace in covering):
        return ProjectStatus.HOLDER
    earliest = min((at for at in covering.values() if at is not None), default=None)
    if earliest is None or project.first_uploaded < earliest:
        return ProjectStatus.GRANDFATHERED
    return ProjectStatus.CLOSED


def _display_names(owners: Iterable[str]) -> dict[str, str]:
    wanted = {owner for owner in owners if owner and not owner.startswith(USER_PREFIX)}
    return dict(Organization.objects.filter(name__in=wanted).values_list("name", F("display_name")))
