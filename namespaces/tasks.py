"""Scheduled work on namespaces; each task is thin and may run twice."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from namespaces.errors import NotNow
from namespaces.invariants import EVERY_INVARIANT
from namespaces.models import BlockedAttempt, Grant, GrantLock
from namespaces.selectors_disputes import silent
from namespaces.services.blocked_summaries import summarize_blocked
from namespaces.services.disputes import go_on
from namespaces.services.forge_signals import sweep_signals
from namespaces.services.held import sweep_held, sweep_unanswered
from namespaces.services.lifecycle import end_quarantine
from namespaces.services.looks import LOOK_TASK, look_at, sweep_looks
from namespaces.services.overtaken import tell_overtaken
from namespaces.services.popularity import measure_popularity
from namespaces.services.purges import deliver_all
from namespaces.services.renewals import renew_due
from namespaces.states import GrantState, LockCause
from orgs.actors import Actor
from orgs.invariants import violations
from orgs.vocabulary import State

log = structlog.get_logger(__name__)
BATCH = 1000
_LAPSES = GrantLock.objects.filter(grant=OuterRef("pk"), cause=LockCause.STANDING)


@shared_task(name="namespaces.end_quarantines")
def end_quarantines() -> int:
    """Open what has been in quarantine for its whole time: one by one, each locked and judged anew. What a lapse took
    waits for people of the staff."""
    before = timezone.now() - settings.FREEHOLD_QUARANTINE
    due = Grant.objects.filter(state=GrantState.QUARANTINED, root__isnull=True, state_changed_at__lte=before)
    due = due.exclude(~Q(owner__state=State.CLOSED), Exists(_LAPSES))
    return sum(_end(grant) for grant in due.order_by("state_changed_at")[:BATCH])


def _end(grant: Grant) -> bool:
    try:
        end_quarantine(actor=Actor.worker(), grant=grant)
    except NotNow:  # it was taken back in the meantime
        return False
    return True


@shared_task(name="namespaces.go_on_with_reports")
def go_on_with_reports() -> int:
    """Bring back to the desk what was reported of holders who were asked and let the time pass; how many."""
    return sum(go_on(case) for case in list(silent(timezone.now())[:BATCH]))


@shared_task(name="namespaces.prune_blocked_attempts")
def prune_blocked_attempts() -> int:
    """Forget refused uploads that were last tried long ago."""
    before = timezone.now() - settings.FREEHOLD_BLOCKED_RETENTION
    deleted, _ = BlockedAttempt.objects.filter(last_at__lt=before).delete()
    return deleted


@shared_task(name="namespaces.send_purges", ignore_result=True)
def send_purges() -> int:
    """Tell caches what has changed."""
    return deliver_all()


@shared_task(name="namespaces.check_invariants")
def check_invariants() -> int:
    """Look over the whole database for what must never be, and cry out over each; how many there were."""
    found = violations(EVERY_INVARIANT)
    for violation in found:
        log.error("invariant.broken", invariant=violation.invariant, demands=violation.sentence, what=violation.what)
    return len(found)


@shared_task(name="namespaces.measure_popularity", ignore_result=True)
def count_popularity() -> int:
    """Count again what is popular on the index, for the policy on claims."""
    return measure_popularity()


@shared_task(name="namespaces.tell_overtaken", ignore_result=True)
def tell_of_grants() -> int:
    """Mail those who have projects in a namespace that was just granted to somebody else, each once."""
    return tell_overtaken()


@shared_task(name="namespaces.summarize_blocked", ignore_result=True)
def mail_blocked() -> int:
    """Once a week, mail the owners of namespaces what was refused there."""
    return summarize_blocked()


@shared_task(name="namespaces.ask_forges")
def ask_forges() -> int:
    """Ask code forges anew about community projects, those first that were not asked about for longest."""
    return sweep_signals()


@shared_task(name="namespaces.renew_communities")
def renew_communities() -> int:
    """Look at the community projects whose year is soon over."""
    return renew_due()


@shared_task(name="namespaces.expire_held", ignore_result=True)
def expire_held() -> int:
    """Remind of what is held until it is paid for, and end what was held for its whole time."""
    return sweep_held()


@shared_task(name="namespaces.expire_unanswered", ignore_result=True)
def expire_unanswered() -> int:
    """Remind of what waits for an answer, and end what was not answered for its whole time."""
    return sweep_unanswered()


@shared_task(name=LOOK_TASK, ignore_result=True)
def look_again(organization: int) -> int:
    """Look again at what waits of an organization that has proved something."""
    return look_at(organization)


@shared_task(name="namespaces.look_again_at_all", ignore_result=True)
def look_again_at_all() -> int:
    """Look again at what waits, should nobody have said that something has changed."""
    return sweep_looks()
