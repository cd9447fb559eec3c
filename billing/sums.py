"""The rules of quantities, of changes of plan and of the calculator. Pure.

A quantity is known in four ways: what the organization ``wanted``, what it has in use (``used``), what is ``paid``
until the end of the period, and what the next invoice will bill (``quantity``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing.money import Money
from billing.tiers import MONTHS_OF_A_YEAR_PAID, TIERS, Sum, Terms, reckon
from billing.vocabulary import Interval, Item, Tier

MOST_SEATS, MOST_ROOTS = 10_000, 500
"""More than that is for a quote."""
MONTHS_OF_A_YEAR = 12


# --- Quantities -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How many of an item there are: billed next, paid now, and how many are only waiting for their payment."""

    quantity: int
    paid: int
    pending: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What Stripe is told to come to the target: first what moves no money, then what is charged at once. Absolute
    numbers by item; what stays is in neither."""

    free: Mapping[Item, int]
    charged: Mapping[Item, int]

    def __bool__(self) -> bool:
        return bool(self.free or self.charged)


def target(*, wanted: int, used: int, paid: int) -> int:
    """What is to be billed. People count more than what was wanted, as far as they are paid for already: nobody is
    charged for more without being asked, and nobody is removed."""
    return max(wanted, min(used, paid))


def steps(held: Mapping[Item, Held], targets: Mapping[Item, int]) -> Steps:
    """Lowering is free, and so is going back up to what is paid; beyond that it is charged, from there on."""
    free, charged = {}, {}
    for item, wanted in targets.items():
        known = held.get(item, Held(quantity=0, paid=0))
        if wanted in (known.quantity, known.pending):
            continue
        if wanted <= known.paid:
            free[item] = wanted
            continue
        charged[item] = wanted
        if known.quantity < known.paid:
            free[item] = known.paid
    return Steps(free=free, charged=charged)


def further_roots(roots: int, included: int) -> int:
    """Those that are paid for by themselves."""
    return max(0, roots - included)


# --- Plans ------------------------------------------------------------------------------------------------------------


class When(StrEnum):
    """More takes effect at once, for what it costs until the end of the period; less with the next period."""

    NOW = "now"
    LATER = "later"


def when(*, before: tuple[Tier, Interval], after: tuple[Tier, Interval]) -> When:
    """At once where nothing becomes less: neither the tier nor the time that is paid ahead."""
    (tier, interval), (next_tier, next_interval) = before, after
    is_lower = list(Tier).index(next_tier) < list(Tier).index(tier)
    is_shorter = interval == Interval.YEAR and next_interval == Interval.MONTH
    return When.LATER if is_lower or is_shorter else When.NOW


def period_after(end: datetime, interval: Interval, earliest: datetime) -> datetime:
    """The first end of a period that is not before ``earliest``, from the end of the present one on."""
    months, found = (1 if interval == Interval.MONTH else MONTHS_OF_A_YEAR), end
    count = 0
    while found < earliest:
        count += months
        found = _months_on(end, count)
    return found


def _months_on(start: datetime, months: int) -> datetime:
    """The same day so many months on, or the last of that month where it has no such day."""
    year, month = divmod(start.year * MONTHS_OF_A_YEAR + start.month - 1 + months, MONTHS_OF_A_YEAR)
    for day in range(start.day, 27, -1):
        try:
            return start.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return start.replace(year=year, month=month + 1)


# --- The calculator ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one tier costs for the quantities. ``saved`` is what twelve months would cost more, nothing but for a year;
    ``is_best`` is the cheapest."""

    terms: Terms
    sum: Sum
    saved: Money
    is_best: bool = False


def offers(*, seats: int, roots: int, currency: str, interval: Interval) -> list[Offer]:
    """That of each tier that is sold, in their order."""
    sold = [terms for terms in TIERS if terms.is_sold]
    found = [(terms, reckon(terms, seats=seats, roots=roots, currency=currency, interval=interval)) for terms in sold]
    best = min(found, key=lambda one: one[1].total.amount)[0]
    return [Offer(terms=terms, sum=one, saved=_saved(one), is_best=terms is best) for terms, one in found]


def _saved(one: Sum) -> Money:
    if one.interval is not Interval.YEAR:
        return one.total * 0
    return one.total.part(MONTHS_OF_A_YEAR - MONTHS_OF_A_YEAR_PAID, MONTHS_OF_A_YEAR_PAID)
