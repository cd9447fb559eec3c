"""Months of the ledger: once closed, what comes late is booked in the first month that is open."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from billing.bookkeeping import month_of, next_month
from billing.models import ClosedMonth
from billing.services.entries import lock_closing, lock_recognition
from billing.services.recognition import last_finished_month, recognize
from freehold.errors import DomainError, NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict


class NotClosable(DomainError):
    code = "not-closable"


def last_closed() -> date | None:
    return ClosedMonth.objects.order_by("-month").values_list("month", flat=True).first()


def can_close_month(month: date, actor: Actor) -> Verdict:
    """Whether the actor may close the month now, with the reason when not."""
    if not actor.is_operator:
        return Verdict(False, _("Only staff closes a month."))
    if month_of(month) > last_finished_month():
        return Verdict(False, _("%(month)s is not over yet.") % {"month": f"{month:%Y-%m}"})
    last = last_closed()
    if last is not None and month_of(month) != next_month(last):
        return Verdict(
            False,
            _("Months are closed in order: the next one is %(month)s.") % {"month": f"{next_month(last):%Y-%m}"},
        )
    return ALLOWED


@transaction.atomic
def close_month(*, actor: Actor, month: date) -> ClosedMonth:
    """Book what the month earned, and let nothing more into it. It can't be opened again."""
    lock_recognition()
    lock_closing()
    if not actor.is_operator:
        raise NotPermitted(_("Only staff closes a month."))
    if not (verdict := can_close_month(month, actor)):
        raise NotClosable(verdict.reason)
    recognize(through=month_of(month))
    closed = ClosedMonth.objects.create(month=month_of(month), closed_by=actor.label)
    audit.record(actor, "ledger.month_closed", f"month {closed}", after={"month": str(closed)})
    return closed
