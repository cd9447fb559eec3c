"""Recurring revenue by currency and month, from the invoices in the mirror, and what was earned, from the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, Sum
from django.db.models.functions import TruncMonth

from billing.bookkeeping import Account
from billing.models import Invoice, LedgerLine, Price
from billing.money import Money
from billing.recurring import Movement, Piece, Tariff, ends_of, last_months, movements, piece_of

MONTHS = 12
LONGEST_PERIOD = timedelta(days=400)
"""An invoice that is older than this bills nothing that is used now."""
COUNTED = ("draft", "open", "paid")
"""What is billed and not given up: a renewal that is just being made too, and one that waits for its payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRow:
    """``earned`` is what the ledger recognized in the month."""

    month: date
    movement: Movement
    earned: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Revenue:
    """That of one currency, the oldest month first, the present one last and as it is now."""

    currency: str
    months: tuple[MonthRow, ...]

    @property
    def now(self) -> Movement:
        return self.months[-1].movement


def revenue(now: datetime) -> list[Revenue]:
    """Of each currency in which anything was billed or earned in these months."""
    months = last_months(now, MONTHS)
    moments = ends_of(months, now)
    pieces = list(pieces_since(moments[0] - LONGEST_PERIOD))
    earned = earned_since(months[0])
    currencies = sorted({piece.currency for piece in pieces} | {currency for currency, _month in earned})
    return [
        Revenue(
            currency=currency,
            months=tuple(
                MonthRow(month=month, movement=moved, earned=Money(earned.get((currency, month), 0), currency))
                for month, moved in zip(months, movements(pieces, currency, moments), strict=True)
            ),
        )
        for currency in currencies
    ]


def pieces_since(since: datetime) -> Iterator[Piece]:
    tariffs = {
        price.stripe_id: Tariff(item=price.item, interval=price.interval, amount=price.amount)
        for price in Price.objects.exclude(stripe_id="")
    }
    found = Invoice.objects.filter(status__in=COUNTED, created__gte=since, subscription__isnull=False)
    rows = found.values_list("organization_id", "currency", "lines", "subscription__ended_at")
    for organization, currency, lines, ended_at in rows.iterator():
        for line in lines:
            tariff = tariffs.get(line["price"])
            piece = piece_of(line, tariff, organization=organization, currency=currency, until=ended_at)
            if piece is not None:
                yield piece


def earned_since(month: date) -> dict[tuple[str, date], int]:
    """By currency and month, in minor units."""
    lines = LedgerLine.objects.filter(Q(account=Account.REVENUE), entry__booked_on__gte=month)
    sums = lines.annotate(month=TruncMonth("entry__booked_on")).values("currency", "month").annotate(sum=Sum("amount"))
    return {(row["currency"], row["month"]): -row["sum"] for row in sums}
