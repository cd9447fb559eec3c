"""Costs of an index and what plans earned, made directly."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import transaction

from billing.bookkeeping import Account, Posting
from billing.models import IndexCost, LedgerEntry, LedgerLine
from billing.services.costs import Cost, parse_cost
from billing.vocabulary import Means

HEAD = "month,category,means,giver,amount,currency\n"
CSV = f"""{HEAD}\
2026-01,Hosting,paid,,1250.00,USD
2026-01,Bandwidth,in_kind,Edge Ltd,"90000",usd
"""


def first_of(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def parsed(**typed: str) -> Cost:
    fields = {"month": "2026-01", "category": "Hosting", "means": "paid", "giver": "", "amount": "1250.00"}
    return parse_cost(**{**fields, "currency": "usd", **typed})


def entered(month: str, amount: int, giver: str = "", *, category: str = "Hosting", currency: str = "usd") -> IndexCost:
    """With a giver it was given in kind."""
    return IndexCost.objects.create(
        month=first_of(month),
        category=category,
        means=Means.IN_KIND if giver else Means.PAID,
        giver=giver,
        amount=amount,
        currency=currency,
        entered_by="ruth",
    )


@transaction.atomic
def earned(month: str, amount: int, currency: str = "usd") -> None:
    """As the ledger has it when a month of service is over."""
    day = first_of(month).replace(day=28)
    entry = LedgerEntry.objects.create(
        source=f"earned:{month}:{amount}:{currency}",
        kind=Posting.RECOGNITION,
        happened_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
        booked_on=day,
        narration="Earned",
    )
    for account, each in ((Account.DEFERRED, amount), (Account.REVENUE, -amount)):
        LedgerLine.objects.create(entry=entry, account=account, amount=each, currency=currency)
