"""What is lost of an invoice that was given up, and how much less of it when a credit note takes something off it
afterwards. Entries are put together here; ``billing.services.postings`` writes them."""

from __future__ import annotations

from collections import Counter
from datetime import date

from billing.bookkeeping import Account, Posting, earned, shared_out
from billing.models import Deferral
from billing.services.entries import Draft, balance, cut_deferred

_KINDS = (Posting.UNCOLLECTIBLE, Posting.RECOVERED)


def lost(invoice: str) -> int:
    """What its loss stands at, in minor units: nothing, unless it was given up and not paid after all."""
    return -balance(Account.RECEIVABLE, subject=invoice, kind__in=_KINDS)


def give_up(draft: Draft, owed: int, currency: str) -> None:
    """What was not earned yet never will be; the rest is lost. The tax stays owed until an accountant says
    otherwise."""
    cut = cut_deferred(draft, owed, currency)
    draft.debit(Account.BAD_DEBT, owed - cut, currency)
    draft.credit(Account.RECEIVABLE, owed, currency)


def give_less_up(draft: Draft, less: int, net: int, currency: str) -> None:
    """``less`` of the claim is given up, for a note takes it back whose revenue is ``net``: so the claim is there for
    the note to take. As a note takes first what was not earned yet, that is put back for it, and the rest is less bad
    debt. The books are then as if the note had come before the loss."""
    of_subject = {"subject": draft.subject, "kind__in": _KINDS}
    bad, cut = balance(Account.BAD_DEBT, **of_subject), balance(Account.DEFERRED, **of_subject)
    good = max(min(bad, less - min(net, cut)), 0)
    draft.debit(Account.RECEIVABLE, less, currency)
    draft.credit(Account.BAD_DEBT, good, currency)
    _put_back(draft, less - good, currency)


def _put_back(draft: Draft, amount: int, currency: str) -> None:
    """Of what the loss cut, have so much earned after all: for the days that are gone at once."""
    day = draft.happened_at.date()
    left: Counter[tuple[str, date, date]] = Counter()
    for row in Deferral.objects.filter(subject=draft.subject, entry__kind__in=_KINDS):
        done = earned(row.amount, row.start, row.end, day)
        left[row.line, day, day] -= done
        left[row.line, max(row.start, day), row.end] -= row.amount - done
    spans = [(span, cut) for span, cut in sorted(left.items()) if cut > 0]
    if amount and spans:
        parts = shared_out(amount, [cut for _, cut in spans])
        for ((line, start, end), _), part in zip(spans, parts, strict=True):
            draft.defer(part, currency, start, end, line)
        draft.credit(Account.DEFERRED, amount, currency)
