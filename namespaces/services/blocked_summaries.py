"""Once a week, what others tried in vain in an organization's namespaces, to its owners."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from accounts.preferences import mail_people
from accounts.topics import Topic
from namespaces.models import BlockedAttempt, Grant
from namespaces.states import ENFORCED
from orgs.models import Organization
from orgs.services.notices import people, site_url
from orgs.vocabulary import Role

WEEK = timedelta(days=7)
FIRST_HOUR = 7
LISTED = 20


class Tried(NamedTuple):
    """A name that was tried: in which namespace, how often since ``since``, by how many."""

    project: str
    times: int
    publishers: int
    since: datetime


def summarize_blocked() -> int:
    """Mail the owners of organizations in whose namespaces something was refused within a week; how many organizations.

    On Mondays, from the morning on: whatever the number of runs and of workers, a week's mail has one key.
    """
    now = timezone.now()
    if now.weekday() != 0 or now.hour < FIRST_HOUR:
        return 0
    tried = BlockedAttempt.objects.filter(last_at__gte=now - WEEK).values("namespace")
    holders = Organization.objects.filter(grants__name__in=tried, grants__state__in=ENFORCED).distinct().order_by("pk")
    for holder in holders:
        _tell(holder, now)
    return len(holders)


def _tell(holder: Organization, now: datetime) -> None:
    names = Grant.objects.filter(owner=holder, state__in=ENFORCED).values("name")
    attempts = BlockedAttempt.objects.filter(namespace__in=names, last_at__gte=now - WEEK)
    rows = attempts.values("project").annotate(
        times=Sum("count"), publishers=Count("publisher", distinct=True), since=Min("first_at"), last=Max("last_at")
    )
    found = [Tried(row["project"], row["times"], row["publishers"], row["since"]) for row in rows.order_by("-last")]
    year, week, _ = now.isocalendar()
    mail_people(
        people(holder, role=Role.OWNER),
        topic=Topic.BLOCKED,
        template="blocked",
        context={
            "organization": holder,
            "count": len(found),
            "tried": found[:LISTED],
            "more": max(0, len(found) - LISTED),
            "url": site_url("organization-namespaces", holder.name),
        },
        key=f"blocked:{holder.pk}:{year}-{week:02}",
    )
