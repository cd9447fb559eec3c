"""How organizations stand with their payments, for staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.models import Health, StandingChange
from billing.standing import Evidence, Step
from namespaces.models import Grant
from namespaces.states import GrantState, LockCause
from orgs.models import Organization
from orgs.vocabulary import Standing, State

REASONS: dict[str, Promise] = {
    Evidence.COMMUNITY.value: _("Community projects pay nothing"),
    Evidence.BY_HAND.value: _("Granted by staff"),
    Evidence.PAID.value: _("Paid"),
    Evidence.NEVER_BOUGHT.value: _("Never bought anything"),
    Evidence.PAYMENT_FAILED.value: _("A payment is missing"),
    Evidence.ENDED.value: _("The plan has ended"),
    Evidence.UNCLEAR.value: _("Not clear: as it was"),
}
NEXT: dict[str, Promise] = {
    Step.NOTHING.value: _("is locked"),
    Step.LOCK.value: _("goes into quarantine"),
    Step.QUARANTINE.value: _("may be released"),
}
NOT_BEGUN = _("may claim nothing more")
"""What comes at ``Health.until``, by the step that was taken last; and for who never began, of whom nothing is in
force."""
TONES = {Standing.GOOD: "good", Standing.GRACE: "warn", Standing.LAPSED: "bad"}
CHANGES = 50


@dataclass(frozen=True, slots=True)
class StandingRow:
    """An organization that owes something; ``next`` comes at ``until``, both are empty where staff is waited for."""

    organization: Organization
    standing: str
    tone: str
    reason: str | Promise
    since: datetime
    until: datetime | None
    next: str | Promise
    waits_for_staff: bool


@dataclass(frozen=True, slots=True)
class ChangeRow:
    change: StandingChange
    reason: str | Promise


def down() -> QuerySet[Health]:
    """Those that owe something, what waits for staff first, then what comes next."""
    found = Health.objects.exclude(standing=Standing.GOOD).exclude(organization__state=State.CLOSED)
    return found.select_related("organization").order_by("until", "pk")


def row_of(health: Health) -> StandingRow:
    comes = _next(health)
    return StandingRow(
        organization=health.organization,
        standing=health.get_standing_display(),
        tone=TONES[Standing(health.standing)],
        reason=REASONS.get(health.evidence, health.evidence),
        since=health.since,
        until=health.until if comes else None,
        next=comes,
        waits_for_staff=health.step == Step.RELEASE and health.organization.state != State.APPLIED,
    )


def _next(health: Health) -> str | Promise:
    if health.until is None:
        return ""
    if health.organization.state == State.APPLIED:
        return NOT_BEGUN if health.step == Step.NOTHING else ""
    return NEXT.get(health.step, "")


def changes_of(organization: Organization) -> list[ChangeRow]:
    """How its standing came to be, the latest first."""
    found = StandingChange.objects.filter(organization=organization).order_by("-at", "-pk")[:CHANGES]
    return [ChangeRow(change, REASONS.get(change.evidence, change.evidence)) for change in found]


def taken_by_lapse(organization: Organization) -> QuerySet[Grant]:
    """Its roots that are in quarantine for nothing but a lapse, oldest first."""
    taken = Grant.objects.filter(owner=organization, root__isnull=True, state=GrantState.QUARANTINED)
    taken = taken.filter(locks__cause=LockCause.STANDING).order_by("created_at", "name")
    return taken.exclude(locks__cause__in=[LockCause.STAFF, LockCause.DISPUTE])
