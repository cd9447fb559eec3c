"""On weekday mornings, what waits at the desk, to those who decide there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import User
from accounts.preferences import mail_people
from accounts.topics import Topic
from namespaces.cases import CaseKind, CaseState
from namespaces.models import Case
from namespaces.pages_cases import in_words
from namespaces.policy.evaluation import Stake
from orgs.services.notices import site_url

MORNING = range(6, 12)
"""The hours, UTC, in which the digest goes out: at the first run at which something waits."""
SATURDAY = 5


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How much a reviewer could decide now: by kind, those that need two, and those that one has proposed already."""

    kinds: dict[str, int]
    high: int
    proposed: int
    oldest: Case | None

    @property
    def total(self) -> int:
        return sum(self.kinds.values())


def mail_digest() -> int:
    """Mail every reviewer who wants it once a day, if anything waits; how many cases do, 0 if it was not sent.

    However often it runs, and by however many workers: the day is in the mail's key.
    """
    now = timezone.now()
    if now.weekday() >= SATURDAY or now.hour not in MORNING:
        return 0
    if (found := waiting()).total:
        _tell(found, now)
    return found.total


def waiting() -> Waiting:
    queued = Case.objects.queued().order_by()
    kinds = dict(queued.values_list("kind").annotate(Count("pk")))
    counted = queued.aggregate(
        high=Count("pk", filter=Q(stake=Stake.HIGH)), proposed=Count("pk", filter=Q(state=CaseState.PROPOSED))
    )
    oldest = queued.select_related("organization").order_by("waiting_since", "pk").first()
    return Waiting(kinds={kind: kinds[kind] for kind in CaseKind.values if kind in kinds}, oldest=oldest, **counted)


def _tell(found: Waiting, now: datetime) -> None:
    oldest = found.oldest
    context = {
        "waiting": found,
        "claims": found.kinds.get(CaseKind.CLAIM, 0),
        "applications": found.kinds.get(CaseKind.APPLICATION, 0),
        "disputes": found.kinds.get(CaseKind.DISPUTE, 0),
        "age": in_words(now - oldest.waiting_since) if oldest else "",
        "oldest_name": (oldest.name or oldest.organization.name) if oldest else "",
        "oldest_url": site_url("review-case", oldest.pk) if oldest else "",
        "url": site_url("review-queue"),
    }
    mail_people(reviewers(), topic=Topic.DIGEST, template="digest", context=context, key=f"digest:{now:%Y-%m-%d}")


def reviewers() -> list[User]:
    return list(User.objects.filter(is_staff=True, is_active=True).order_by("pk"))
