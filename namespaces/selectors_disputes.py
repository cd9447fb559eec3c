"""Reads about reports: what they are about, whether new projects are stopped, whether the holder has been heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from namespaces.cases import CaseKind, CaseState, EntryKind, Party
from namespaces.models import Case, CaseEntry, Grant, GrantLock
from namespaces.states import LockCause


def root_of(case: Case) -> Grant:
    """What the report is about: the root, which may have come to stand over what was one when it was reported."""
    assert case.grant_id is not None, "the database has no dispute without one"
    grant = Grant.objects.select_related("owner", "root__owner").get(pk=case.grant_id)
    return grant.root or grant


def open_reports(root: Grant) -> QuerySet[Case]:
    """Of the namespace and of what was a root of its own when it was reported."""
    return Case.objects.open().filter(Q(grant=root) | Q(grant__root=root), kind=CaseKind.DISPUTE).order_by("pk")


def is_frozen(case: Case) -> bool:
    """Whether new projects are stopped for this very report."""
    return GrantLock.objects.filter(case=case).exists()


def frozen_since(grant: Grant) -> datetime | None:
    """Since when new projects are stopped in the namespace for a report that is looked into."""
    freezes = GrantLock.objects.filter(grant=grant.root_id or grant.pk, cause=LockCause.DISPUTE)
    return freezes.filter(case__in=Case.objects.open()).order_by("since").values_list("since", flat=True).first()


def silent(now: datetime) -> QuerySet[Case]:
    """The reports for which a holder was asked so long ago that they may be due to go on."""
    waiting = Case.objects.filter(kind=CaseKind.DISPUTE, state=CaseState.ASKED, asked=Party.HOLDER)
    return waiting.filter(asked_at__lte=now - settings.FREEHOLD_HEARING).order_by("asked_at", "pk")


@dataclass(frozen=True)
class Hearing:
    """Whether the present holder was asked, since when, until when they have time, and whether they answered."""

    asked_at: datetime | None = None
    answered_at: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        return self.asked_at + settings.FREEHOLD_HEARING if self.asked_at else None

    @property
    def is_over(self) -> bool:
        return self.answered_at is not None or (self.due_at is not None and self.due_at <= timezone.now())


def hearing(case: Case) -> Hearing:
    since = case.dispute.holder_since
    asked = _first(case, since, kind=EntryKind.ASKED, audience=Party.HOLDER)
    return Hearing(asked, _first(case, asked, kind=EntryKind.ANSWERED, party=Party.HOLDER)) if asked else Hearing()


def _first(case: Case, since: datetime, **wanted: str) -> datetime | None:
    found = CaseEntry.objects.filter(case=case, at__gte=since, **wanted).order_by("at", "pk").first()
    return found.at if found else None
