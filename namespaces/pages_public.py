"""Reads for the page of a namespace beyond what it is now: how it came to be granted, and whom it left alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection

from namespaces import names
from namespaces.cases import CaseKind, DecisionOutcome, DecisionState
from namespaces.models import CaseDecision, Grant
from namespaces.pages import NamespaceSheet

COUNTED_UP_TO = 5_000
"""Projects under a namespace above which those of others are not counted: a page must not read them all."""


class Decider(StrEnum):
    """Who said that a namespace may be held. ``HOLDER``: it was divided off one that was held already. ``OPERATOR``:
    by hand, without a claim."""

    MACHINE = "machine"
    REVIEWER = "reviewer"
    TWO_REVIEWERS = "two reviewers"
    HOLDER = "holder"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Origin:
    by: Decider
    at: datetime


def origin(grant: Grant) -> Origin:
    """By whom it was decided and when, never by which person."""
    decisions = CaseDecision.objects.filter(case__grant=grant, case__kind=CaseKind.CLAIM, state=DecisionState.EFFECTIVE)
    decision = decisions.filter(outcome=DecisionOutcome.APPROVE).order_by("-effective_at").first()
    if decision is None or decision.effective_at is None:
        return Origin(Decider.OPERATOR if grant.is_root else Decider.HOLDER, grant.created_at)
    by_one = Decider.MACHINE if decision.by_machine else Decider.REVIEWER
    return Origin(Decider.TWO_REVIEWERS if decision.confirmed_by_id else by_one, decision.effective_at)


_OLDER = """
WITH around AS MATERIALIZED (
  SELECT name, effective_at FROM namespaces_grant
   WHERE state IN ('active', 'locked', 'quarantined')
     AND (name = ANY(%(prefixes)s) OR (name >= %(low)s AND name < %(high)s))
)
SELECT count(*) FROM namespaces_project p
 WHERE p.name >= %(name)s AND p.name < %(high)s AND p.owner <> ALL(%(holders)s)
   AND NOT EXISTS (SELECT FROM around g WHERE g.effective_at <= p.first_uploaded
                      AND (p.name = g.name OR starts_with(p.name, g.name || '-')))
"""


def older_projects(sheet: NamespaceSheet, projects: int) -> int | None:
    """How many of the projects under it are others' and go on releasing; None where there are too many to count."""
    if projects > COUNTED_UP_TO:
        return None
    if not projects:
        return 0
    namespace = sheet.grant.name
    low, high = names.interval(namespace)
    asked: dict[str, Any] = {
        "name": namespace,
        "prefixes": names.prefixes(namespace),
        "low": low,
        "high": high,
        "holders": [sheet.grant.owner.name, *(guest.name for guest in sheet.shared_with)],
    }
    with connection.cursor() as cursor:
        cursor.execute(_OLDER, asked)
        return int(cursor.fetchone()[0])
