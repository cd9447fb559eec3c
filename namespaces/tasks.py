"""Scheduled work on namespaces; each task is thin and may run twice."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from namespaces.errors import NotNow
from namespaces.models import BlockedAttempt, Grant
from namespaces.services.lifecycle import end_quarantine
from namespaces.services.purges import deliver_all
from namespaces.states import GrantState
from orgs.actors import Actor

BATCH = 1000


@shared_task(name="namespaces.end_quarantines")
def end_quarantines() -> int:
    """Open what has been in quarantine for its whole time: one by one, each locked and judged anew."""
    before = timezone.now() - settings.FREEHOLD_QUARANTINE
    due = Grant.objects.filter(state=GrantState.QUARANTINED, root__isnull=True, state_changed_at__lte=before)
    return sum(_end(grant) for grant in due.order_by("state_changed_at")[:BATCH])


def _end(grant: Grant) -> bool:
    try:
        end_quarantine(actor=Actor.worker(), grant=grant)
    except NotNow:  # it was taken back in the meantime
        return False
    return True


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
