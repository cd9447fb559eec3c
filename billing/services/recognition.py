"""Revenue becomes earned month by month, by the days of service; what a later run finds missing it makes up for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing import clock
from billing.bookkeeping import Account, Posting, earned, month_of, months, next_month
from billing.models import Deferral
from billing.services.entries import Draft, end_of_month, lock_recognition, write


def last_finished_month() -> date:
    """The month before this one, in UTC."""
    today = clock.now().astimezone(UTC).date()
    return month_of(month_of(today) - timedelta(days=1))


def recognize(*, through: date | None = None) -> int:
    """Book what was earned until the end of the month ``through``, of all that did not have it yet; how many entries.

    Only finished months count: revenue of a month is known when it is over.
    """
    last = min(through or last_finished_month(), last_finished_month())
    written = 0
    with transaction.atomic():
        lock_recognition()
        for parts in _parts(last).values():
            written += write(_draft(parts)) is not None
    return written


Part = tuple[Deferral, date, int]


def _parts(last: date) -> dict[tuple[str, date], list[Part]]:
    """By invoice and month: which deferral earns how much in it, the oldest month first."""
    found: dict[tuple[str, date], list[Part]] = defaultdict(list)
    for deferral in _unfinished(last):
        done: int = deferral.done  # type: ignore[attr-defined]  # annotated by _unfinished
        for month in months(deferral.start, min(last, month_of(deferral.end - timedelta(days=1)))):
            due = earned(deferral.amount, deferral.start, deferral.end, next_month(month))
            # What was booked before belongs to the months before; it never has to be booked the other way round.
            part = due - done if abs(due) > abs(done) else 0
            if part:
                found[deferral.subject, month].append((deferral, month, part))
                done = due
    return dict(sorted(found.items(), key=lambda item: (item[0][1], item[0][0])))


def _unfinished(last: date) -> QuerySet[Deferral]:
    done = Deferral.objects.annotate(done=Coalesce(-Sum("lines__amount"), 0))
    return (
        done.filter(start__lte=end_of_month(last))
        .exclude(done=F("amount"))
        .select_related("entry__organization")
        .order_by("pk")
    )


def _draft(parts: Iterable[Part]) -> Draft:
    """Of one invoice and one month."""
    found = list(parts)
    first, month, _ = found[0]
    currency, entry = first.currency, first.entry
    draft = Draft(
        source=f"recognition:{first.subject}:{month:%Y-%m}:{first.pk}",
        kind=Posting.RECOGNITION,
        happened_at=datetime.combine(end_of_month(month), time(), UTC),
        narration=f"Earned in {month:%Y-%m}, invoice {entry.document}",
        organization=entry.organization,
        subject=first.subject,
        reference=first.subject,
        document=entry.document,
    )
    for deferral, _, amount in found:
        draft.earned.append((deferral, amount))
        draft.debit(Account.DEFERRED, amount, currency)
    return draft
