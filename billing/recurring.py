"""Recurring revenue: what customers pay by the month, and how it moves. Pure.

It is reckoned from the lines of invoices, at their prices and after their discounts, before tax: what is billed for the
time at which one looks, for as long as its subscription lives. Currencies are never mixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from billing.money import Money
from billing.vocabulary import Interval, Item

MONTHS = {Interval.MONTH.value: 1, Interval.YEAR.value: 12}
DAYS_OF_A_YEAR = 365
HUNDRED = 100
Standing = Mapping[int, int]
"""What each organization pays by the month, in minor units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a price is: so much each for an interval."""

    item: str
    interval: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Something that is billed for a time, as an exact part of a unit a month; below zero where it takes away."""

    organization: int
    currency: str
    monthly: Fraction
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """How recurring revenue came from what it was before a month to what it is at its end. ``contracted`` and ``lost``
    are what went away, as numbers above zero. ``customers`` are those at the end, ``left`` those who were there
    before."""

    opening: Money
    new: Money
    expanded: Money
    contracted: Money
    lost: Money
    closing: Money
    customers: int
    joined: int
    left: int

    @property
    def gained(self) -> Money:
        return self.new + self.expanded

    @property
    def gone(self) -> Money:
        return self.contracted + self.lost

    @property
    def growth(self) -> Decimal | None:
        """In percent of the opening; None where there was nothing to grow from."""
        return percent(self.closing.amount - self.opening.amount, self.opening.amount)

    @property
    def churn(self) -> Decimal | None:
        """What left with its customers, in percent of the opening."""
        return percent(self.lost.amount, self.opening.amount)


def percent(part: int, whole: int) -> Decimal | None:
    if not whole:
        return None
    return (Decimal(part) * HUNDRED / Decimal(whole)).quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)


def piece_of(
    line: Mapping[str, Any], tariff: Tariff | None, *, organization: int, currency: str, until: datetime | None
) -> Piece | None:
    """That of an invoice's line as the mirror keeps it; None of what does not recur, such as what was served.

    ``until`` is when its subscription ended.
    """
    is_used_up = tariff is not None and tariff.item == Item.SERVED
    if is_used_up or not (line["item"] or line["proration"]):
        return None
    start, end = datetime.fromisoformat(line["period_start"]), datetime.fromisoformat(line["period_end"])
    monthly = _monthly(line, tariff, start, end)
    return Piece(
        organization=organization,
        currency=currency,
        monthly=monthly,
        start=start,
        end=min(end, until) if until else end,
    )


def _monthly(line: Mapping[str, Any], tariff: Tariff | None, start: datetime, end: datetime) -> Fraction:
    """A part of a period counts as what it is a part of: so many at the price, and not what some days of it cost."""
    amount, discount = int(line["amount"]), int(line["discount"])
    if tariff is None:
        days = Fraction(int((end - start).total_seconds()), 86_400)
        return Fraction(amount - discount) * DAYS_OF_A_YEAR / 12 / days if days else Fraction(0)
    months = MONTHS.get(tariff.interval, 1)
    if not line["proration"]:
        return Fraction(amount - discount, months)
    if not amount:
        return Fraction(0)
    whole = tariff.amount * int(line["quantity"] or 0) * (1 if amount > 0 else -1)
    return Fraction(whole, months) * Fraction(amount - discount, amount)


def standing_at(pieces: Iterable[Piece], currency: str, at: datetime) -> dict[int, int]:
    """What each organization pays by the month just before that moment; who pays nothing is not in it."""
    found: dict[int, Fraction] = {}
    for piece in pieces:
        if piece.currency == currency and piece.start < at <= piece.end:
            found[piece.organization] = found.get(piece.organization, Fraction(0)) + piece.monthly
    return {who: amount for who, exact in found.items() if (amount := round(exact)) > 0}


def movement(before: Standing, after: Standing, currency: str) -> Movement:
    joined, left = after.keys() - before.keys(), before.keys() - after.keys()
    changes = [after[who] - before[who] for who in before.keys() & after.keys()]
    return Movement(
        opening=Money(sum(before.values()), currency),
        new=Money(sum(after[who] for who in joined), currency),
        expanded=Money(sum(change for change in changes if change > 0), currency),
        contracted=Money(-sum(change for change in changes if change < 0), currency),
        lost=Money(sum(before[who] for who in left), currency),
        closing=Money(sum(after.values()), currency),
        customers=len(after),
        joined=len(joined),
        left=len(left),
    )


def movements(pieces: Sequence[Piece], currency: str, moments: Sequence[datetime]) -> list[Movement]:
    """From each moment to the next: one less than there are moments."""
    standings = [standing_at(pieces, currency, at) for at in moments]
    return [movement(before, after, currency) for before, after in pairwise(standings)]


def last_months(now: datetime, count: int) -> list[date]:
    """The first days of so many months, the present one last."""
    latest = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month - 1
    return [date((latest - back) // 12, (latest - back) % 12 + 1, 1) for back in reversed(range(count))]


def ends_of(months: Sequence[date], now: datetime) -> list[datetime]:
    """Between which moments these months lie: the first's beginning, each one's end, and now for the last."""
    starts = [datetime(month.year, month.month, 1, tzinfo=UTC) for month in months]
    return [*starts, now]
