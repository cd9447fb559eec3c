"""Rows that one worker at a time has in hand: taken for a while, and settled unless the while was over before.

Nothing is locked while Stripe is asked. Whoever dies meanwhile had the row for that while, and then another takes it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils import timezone

from billing.models import Job
from billing.vocabulary import JobState
from freehold.backoff import retry_delay

LEASE = timedelta(minutes=5)
ONE_WRITE = timedelta(seconds=90)
"""Longer than all attempts of the gateway at one write. So long before its lease ends a job begins no more of them."""
_ERROR_LENGTH = 1000

_dice = secrets.SystemRandom()
SomeJob = TypeVar("SomeJob", bound=Job)


def is_leased(now: datetime) -> Q:
    return Q(state=JobState.PENDING, leased_until__gt=now)


def is_free(now: datetime) -> Q:
    """Waiting, and in nobody's hand; whether it is due is another question."""
    return Q(state=JobState.PENDING) & (Q(leased_until__isnull=True) | Q(leased_until__lte=now))


def take(job: Job, now: datetime) -> None:
    """Under the lock that the caller has on the row."""
    job.attempts += 1
    job.leased_until = now + LEASE
    job.save(update_fields=["attempts", "leased_until"])


def taken(rows: QuerySet[SomeJob], job: SomeJob) -> SomeJob | None:
    """The row, locked and read anew, if it is still in our hand."""
    ours = rows.filter(pk=job.pk, state=JobState.PENDING, leased_until=job.leased_until)
    return ours.select_for_update(no_key=True, of=("self",)).first()


def end(job: Job, state: JobState, error: str = "") -> None:
    """For good; the caller saves what else there is to save."""
    job.state, job.error, job.leased_until, job.ended_at = state, error, None, timezone.now()
    job.save()


def put_off(job: Job, error: str, failing_since: datetime) -> None:
    job.error, job.leased_until, job.due_at = error, None, next_try(failing_since)
    job.save()


def next_try(failing_since: datetime) -> datetime:
    now = timezone.now()
    return now + retry_delay(now - failing_since, _dice.random())


def said(error: Exception) -> str:
    """What an error says, for staff: one line, not too long."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_ERROR_LENGTH]
