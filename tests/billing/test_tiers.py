"""The tiers and what they cost."""

from __future__ import annotations

import pytest

from billing.money import Money
from billing.tiers import CURRENCIES, TIERS, reckon, terms_of
from billing.vocabulary import Interval, Tier

SOLD = [terms for terms in TIERS if terms.is_sold]


@pytest.mark.parametrize(
    ("tier", "seats", "roots", "interval", "cents"),
    [
        (Tier.TEAM, 2, 1, Interval.MONTH, 1_000),
        (Tier.TEAM, 2, 3, Interval.MONTH, 1_000 + 8_000),
        (Tier.TEAM, 2, 1, Interval.YEAR, 10_000),
        (Tier.TEAM, 1, 0, Interval.MONTH, 500),
        (Tier.BUSINESS, 40, 5, Interval.MONTH, 36_000),
        (Tier.BUSINESS, 40, 6, Interval.YEAR, 10 * (36_000 + 4_000)),
    ],
)
def test_what_it_costs(tier: Tier, seats: int, roots: int, interval: Interval, cents: int) -> None:
    found = reckon(terms_of(tier), seats=seats, roots=roots, currency="usd", interval=interval)
    assert found.total == Money(cents, "usd")
    assert sum(line.sum.amount for line in found.lines) == cents


@pytest.mark.parametrize("terms", SOLD, ids=lambda terms: terms.tier.value)
def test_every_tier_that_is_sold_has_every_price(terms) -> None:
    assert set(terms.seat) == set(terms.root) == set(CURRENCIES)
    assert all(amount > 0 for amount in (*terms.seat.values(), *terms.root.values()))


@pytest.mark.parametrize(
    ("tier", "seats", "currency"),
    [(Tier.COMMUNITY, 1, "usd"), (Tier.ENTERPRISE, 1, "usd"), (Tier.TEAM, 0, "usd"), (Tier.TEAM, 1, "chf")],
)
def test_what_is_not_sold(tier: Tier, seats: int, currency: str) -> None:
    with pytest.raises(ValueError):
        reckon(terms_of(tier), seats=seats, roots=1, currency=currency, interval=Interval.MONTH)


def test_there_is_every_tier_once() -> None:
    assert [terms.tier for terms in TIERS] == list(Tier)
