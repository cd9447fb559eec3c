"""What the index costs, month by month, and what of it is covered by income and by gifts in kind.

Everything is in one currency; what was paid or earned in others is said apart, for nobody here knows a rate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Sum
from django.db.models.functions import TruncMonth

from billing.bookkeeping import Account, month_of, months
from billing.models import IndexCost, LedgerLine, Openness
from billing.money import Money
from billing.vocabulary import Means

SHOWN = 24
"""Months, at most."""
YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfIndex:
    """``paid`` was paid with money, ``in_kind`` given; ``income`` is what customers' plans earned."""

    month: date
    paid: Money
    in_kind: Money
    income: Money

    @property
    def cost(self) -> Money:
        return self.paid + self.in_kind

    @property
    def earned(self) -> Money:
        """Income that can cover something: where more was given back than earned, none."""
        return Money(max(self.income.amount, 0), self.income.currency)

    @property
    def counted(self) -> Money:
        """Income as far as it covers what was paid: what is left over covers no cost."""
        return Money(min(self.earned.amount, self.paid.amount), self.paid.currency)

    @property
    def gap(self) -> Money:
        """What nobody has covered; nothing where income is enough."""
        return self.paid - self.counted

    @property
    def covered(self) -> int | None:
        """Percent of the whole cost that gifts and income cover, rounded down; None without a cost."""
        given = self.in_kind + self.earned
        return given.amount * 100 // self.cost.amount if self.cost else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Percent against a year before, rounded; None where there was nothing then."""

    cost: int | None
    income: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustainability:
    """The months from the oldest on. ``categories`` and ``givers`` are sums of the last twelve; ``elsewhere`` is what
    is known in other currencies, of these too."""

    currency: str
    months: tuple[MonthOfIndex, ...]
    growth: Growth
    categories: tuple[tuple[str, Money], ...]
    givers: tuple[tuple[str, Money], ...]
    elsewhere: tuple[tuple[Money, Money], ...]

    @property
    def last(self) -> MonthOfIndex | None:
        """The newest month that is over and whose costs are known."""
        return next((each for each in reversed(self.months) if each.cost), None)


def openness() -> Openness:
    return Openness.objects.filter(pk=1).first() or Openness(pk=1)


def sustainability(today: date, currency: str) -> Sustainability:
    """Up to the last month whose costs are known; without any, up to the last that is over."""
    costs = list(IndexCost.objects.filter(month__lt=month_of(today)).order_by("month", "category"))
    earned = _earned(month_of(today))
    known = [cost.month for cost in costs] + [month for month, _ in earned]
    # Costs are entered some time after their month: until then it would look as if it had cost nothing.
    last = max((cost.month for cost in costs), default=_before(month_of(today)))
    listed = months(min(known), last)[-SHOWN:] if known else []
    found = tuple(_month(month, costs, earned, currency) for month in listed)
    lately = {each.month for each in found[-YEAR:]}
    recent = [cost for cost in costs if cost.month in lately]
    mine = [cost for cost in recent if cost.currency == currency]
    return Sustainability(
        currency=currency,
        months=found,
        growth=growth_of(found),
        categories=_sums(((cost.category, cost.amount) for cost in mine), currency),
        givers=_sums(((cost.giver, cost.amount) for cost in mine if cost.means == Means.IN_KIND), currency),
        elsewhere=_elsewhere(recent, earned, currency, lately),
    )


def _before(month: date) -> date:
    return month_of(date.fromordinal(month.toordinal() - 1))


def _earned(before: date) -> dict[tuple[date, str], int]:
    """By month and currency: a credit of revenue is below zero in the ledger, and above it here."""
    lines = LedgerLine.objects.filter(account=Account.REVENUE, entry__booked_on__lt=before)
    by_month = lines.annotate(month=TruncMonth("entry__booked_on")).values("month", "currency")
    return {(row["month"], row["currency"]): -row["sum"] for row in by_month.annotate(sum=Sum("amount"))}


def _month(month: date, costs: Sequence[IndexCost], earned: dict[tuple[date, str], int], currency: str) -> MonthOfIndex:
    mine = [cost for cost in costs if cost.month == month and cost.currency == currency]
    sums = {means: sum(cost.amount for cost in mine if cost.means == means) for means in Means}
    return MonthOfIndex(
        month=month,
        paid=Money(sums[Means.PAID], currency),
        in_kind=Money(sums[Means.IN_KIND], currency),
        income=Money(earned.get((month, currency), 0), currency),
    )


def growth_of(found: Sequence[MonthOfIndex]) -> Growth:
    """Of the newest month with costs against the same month a year before."""
    by_month = {each.month: each for each in found}
    last = next((each for each in reversed(found) if each.cost), None)
    before = by_month.get(last.month.replace(year=last.month.year - 1)) if last else None
    if last is None or before is None:
        return Growth(cost=None, income=None)
    return Growth(cost=_percent(before.cost, last.cost), income=_percent(before.income, last.income))


def _percent(before: Money, after: Money) -> int | None:
    return round((after.amount - before.amount) * 100 / before.amount) if before.amount > 0 else None


def _sums(pairs: Iterable[tuple[str, int]], currency: str) -> tuple[tuple[str, Money], ...]:
    """The largest first."""
    found: dict[str, int] = defaultdict(int)
    for name, amount in pairs:
        found[name] += amount
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple((name, Money(amount, currency)) for name, amount in ordered)


def _elsewhere(
    costs: Iterable[IndexCost], earned: dict[tuple[date, str], int], currency: str, lately: set[date]
) -> tuple[tuple[Money, Money], ...]:
    """Costs and income of each other currency."""
    spent: dict[str, int] = defaultdict(int)
    gained: dict[str, int] = defaultdict(int)
    for cost in costs:
        spent[cost.currency] += cost.amount
    for (month, other), amount in earned.items():
        gained[other] += amount if month in lately else 0
    others = sorted(({*spent} | {name for name, amount in gained.items() if amount}) - {currency})
    return tuple((Money(spent[other], other), Money(gained[other], other)) for other in others)
