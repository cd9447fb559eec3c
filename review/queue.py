"""The queue as reviewers see it: its tabs and filters, and what a row says. Every read is bounded (bench/review.py)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, models
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from namespaces import names
from namespaces.cases import OPEN, QUEUED, CaseKind, CaseState, DecisionState
from namespaces.models import Case, CaseDecision
from namespaces.pages_cases import KEYS, in_words
from namespaces.policy.evaluation import Stake
from review.models import Assignment
from review.situations import in_hand

PER_PAGE = 30
LATELY = timedelta(days=7)
NAMED_CRITERIA = 3
"""How many criteria a row names; of more it says how many there are."""


class Tab(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SECOND = "second", _("Second reviewer")
    MINE = "mine", _("In my hands")
    ASKED = "asked", _("Asked and answered")
    DECIDED = "decided", _("Decided lately")


class Age(models.TextChoices):
    """How long it has waited, at least; the value is a number of days."""

    DAY = "1", _("More than a day")
    WEEK = "7", _("More than a week")
    MONTH = "30", _("More than a month")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the list is narrowed to; empty for all. ``criterion`` is the key of one that is not met."""

    tab: Tab = Tab.WAITING
    kind: str = ""
    criterion: str = ""
    stake: str = ""
    age: str = ""
    query: str = ""

    @property
    def are_any(self) -> bool:
        return any((self.kind, self.criterion, self.stake, self.age, self.query))


# --- Which cases ------------------------------------------------------------------------------------------------------


def listed(filters: Filters, reviewer: User) -> models.QuerySet[Case]:
    """The cases of the tab that fit, in its order, with what a row shows of them."""
    found = _of_tab(filters.tab, reviewer).filter(_narrowed(filters))
    return found.select_related("organization", "assignment__reviewer")


def _of_tab(tab: Tab, reviewer: User) -> models.QuerySet[Case]:
    queued = Case.objects.queued()
    match tab:
        case Tab.WAITING:
            return queued.filter(state=CaseState.WAITING)
        case Tab.SECOND:
            return queued.filter(state=CaseState.PROPOSED)
        case Tab.MINE:
            return Case.objects.filter(pk__in=in_hand(reviewer).values("case")).order_by("assignment__since", "pk")
        case Tab.ASKED:
            return Case.objects.filter(_asked()).order_by("state", "-changed_at", "-pk").reverse()
        case _:
            lately = timezone.now() - LATELY
            decided = Case.objects.filter(decided_at__gt=lately, state__in=[CaseState.APPROVED, CaseState.REFUSED])
            return decided.order_by("-decided_at", "-pk")


def _asked() -> Q:
    """An answer is awaited, or came and waits to be read."""
    return Q(state=CaseState.ASKED) | Q(state=CaseState.WAITING, asked_at__isnull=False)


def _narrowed(filters: Filters) -> Q:
    found = Q()
    if filters.kind:
        found &= Q(kind=filters.kind)
    if filters.criterion:
        found &= Q(open_criteria__contains=[filters.criterion])
    if filters.stake:
        found &= Q(stake=filters.stake)
    if filters.age:
        found &= Q(waiting_since__lt=timezone.now() - timedelta(days=int(filters.age)))
    if filters.query:
        of_name = Q(name__contains=filters.query.lower().replace("_", "-").replace(".", "-"))
        of_organization = Q(organization__name__contains=filters.query.lower())
        found &= of_name | of_organization | Q(organization__display_name__icontains=filters.query)
    return found


def sizes(reviewer: User) -> dict[Tab, int]:
    """How many cases stand under each tab, without filters."""
    lately = timezone.now() - LATELY
    still_open = (
        Case.objects.open()
        .order_by()
        .aggregate(
            waiting=Count("pk", filter=Q(state=CaseState.WAITING)),
            second=Count("pk", filter=Q(state=CaseState.PROPOSED)),
            asked=Count("pk", filter=_asked()),
        )
    )
    decided = Case.objects.filter(decided_at__gt=lately, state__in=[CaseState.APPROVED, CaseState.REFUSED])
    return {
        Tab.WAITING: still_open["waiting"],
        Tab.SECOND: still_open["second"],
        Tab.MINE: in_hand(reviewer).count(),
        Tab.ASKED: still_open["asked"],
        Tab.DECIDED: decided.count(),
    }


# --- What a row says --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """``rivals`` is how many other organizations have an overlapping claim open, ``missing`` the criteria not met."""

    case: Case
    holder: User | None
    is_mine: bool
    rivals: int
    missing: tuple[str, ...]
    more_missing: int
    decision: CaseDecision | None

    @property
    def is_answered(self) -> bool:
        return self.case.state == CaseState.WAITING and self.case.asked_at is not None

    @property
    def waited(self) -> str:
        return in_words(timezone.now() - self.case.waiting_since)

    @property
    def is_high(self) -> bool:
        return self.case.stake == Stake.HIGH


def rows(cases: Iterable[Case], reviewer: User) -> list[Row]:
    """The cases of one page, with two reads for all of them."""
    shown = list(cases)
    rivals, decided = _rivals(shown), _decisions(shown)
    return [_row(case, reviewer, rivals.get(case.pk, 0), decided.get(case.pk)) for case in shown]


def _row(case: Case, reviewer: User, rivals: int, decision: CaseDecision | None) -> Row:
    assignment: Assignment | None = getattr(case, "assignment", None)
    is_current = assignment is not None and assignment.until > timezone.now() and case.state in OPEN
    holder = assignment.reviewer if assignment is not None and is_current else None
    titles = {key: str(label) for key, label in KEYS[case.kind].choices}
    missing = [titles[key] for key in case.open_criteria if key in titles]
    return Row(
        case=case,
        holder=holder,
        is_mine=holder is not None and holder.pk == reviewer.pk,
        rivals=rivals,
        missing=tuple(missing[:NAMED_CRITERIA]),
        more_missing=len(missing[NAMED_CRITERIA:]),
        decision=decision,
    )


def _decisions(cases: list[Case]) -> dict[int, CaseDecision]:
    """What is proposed or in force."""
    standing = [DecisionState.PROPOSED, DecisionState.EFFECTIVE]
    found = CaseDecision.objects.filter(case__in=cases, state__in=standing).select_related("by", "confirmed_by")
    return {decision.case_id: decision for decision in found.defer("text", "reason")}


# Names above and below lie in an index each; joined by OR they would not. Of a crowd, the first fifty are enough to say
# that it is one.
_RIVALS = """
WITH asked AS (
  SELECT * FROM unnest(%(cases)s::bigint[], %(organizations)s::bigint[], %(names)s::text[]) a(id, organization, name))
SELECT id, count(DISTINCT rival) FROM (
  SELECT asked.id, inside.organization_id AS rival
    FROM asked CROSS JOIN LATERAL (
      SELECT organization_id FROM namespaces_case
       WHERE kind = 'claim' AND state IN ('waiting', 'asked', 'proposed') AND organization_id <> asked.organization
         AND name >= (asked.name || '-') COLLATE "C" AND name < (asked.name || '.') COLLATE "C" LIMIT 50) inside
  UNION ALL
  SELECT asked.id, above.organization_id
    FROM unnest(%(of)s::bigint[], %(prefixes)s::text[]) p(id, prefix)
    JOIN asked USING (id)
    JOIN namespaces_case above ON above.name = p.prefix COLLATE "C" AND above.kind = 'claim'
     AND above.state IN ('waiting', 'asked', 'proposed') AND above.organization_id <> asked.organization) found
 GROUP BY id
"""


def _rivals(cases: list[Case]) -> dict[int, int]:
    """How many other organizations have an overlapping claim open, for each case that has some."""
    claims = [case for case in cases if case.kind == CaseKind.CLAIM and case.state in OPEN]
    if not claims:
        return {}
    above = [(case.pk, prefix) for case in claims for prefix in names.prefixes(case.name)]
    asked: dict[str, Any] = {
        "cases": [case.pk for case in claims],
        "organizations": [case.organization_id for case in claims],
        "names": [case.name for case in claims],
        "of": [pk for pk, _ in above],
        "prefixes": [prefix for _, prefix in above],
    }
    with connection.cursor() as cursor:
        cursor.execute(_RIVALS, asked)
        return dict(cursor.fetchall())


def oldest_waiting() -> Case | None:
    """The one that has waited longest, for the heading."""
    waiting = Case.objects.filter(state__in=QUEUED).order_by("waiting_since")
    return waiting.only("waiting_since").first()
