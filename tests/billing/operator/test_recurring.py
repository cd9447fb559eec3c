"""Recurring revenue: what counts, as how much, and how it moves from month to month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import gateway
from billing.gateway.orders import Change, Mode
from billing.models import Plan, Subscription
from billing.money import Money
from billing.recurring import Piece, Tariff, ends_of, last_months, movement, movements, percent, piece_of, standing_at
from billing.reports.recurring import revenue
from billing.services.syncing import sync_subscription
from billing.vocabulary import Item
from orgs.models import Organization
from tests.billing.operator.rows import billed
from tests.billing.standing.rows import company, subscription

SEATS = Tariff(item="seat", interval="month", amount=500)
YEARLY = Tariff(item="seat", interval="year", amount=5_000)
SERVED = Tariff(item="served", interval="month", amount=2)
START, END = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC)


def line(amount: int, **fields: Any) -> dict[str, Any]:
    known = {"amount": amount, "discount": 0, "quantity": 2, "item": "si_1", "proration": False}
    return known | {"period_start": START.isoformat(), "period_end": END.isoformat()} | fields


def monthly(told: dict[str, Any], tariff: Tariff | None = SEATS) -> Fraction | None:
    piece = piece_of(told, tariff, organization=1, currency="usd", until=None)
    return piece.monthly if piece else None


class TestWhatCounts:
    def test_a_month_counts_as_it_is_billed(self) -> None:
        assert monthly(line(1_000)) == 1_000

    def test_a_year_counts_as_a_twelfth_exactly(self) -> None:
        assert monthly(line(10_000), YEARLY) == Fraction(10_000, 12)

    def test_a_discount_is_not_revenue(self) -> None:
        assert monthly(line(1_000, discount=250)) == 750

    def test_some_days_of_two_more_seats_are_two_more_seats(self) -> None:
        assert monthly(line(333, proration=True, item="")) == 1_000
        assert monthly(line(-333, proration=True, item="")) == -1_000
        assert monthly(line(400, discount=100, proration=True)) == 750

    def test_what_cost_nothing_is_nothing(self) -> None:
        assert monthly(line(0, proration=True)) == 0

    @pytest.mark.parametrize("told", [line(1_000, item=""), line(1_000, item="", price="")])
    def test_what_was_billed_by_hand_does_not_recur(self, told: dict[str, Any]) -> None:
        assert monthly(told) is None

    def test_what_was_served_does_not_recur(self) -> None:
        assert monthly(line(1_000), SERVED) is None

    def test_a_price_that_nobody_knows_is_spread_over_its_days(self) -> None:
        told = line(36_500, period_end=(START + timedelta(days=365)).isoformat())
        assert monthly(told, None) == Fraction(36_500, 12)


def piece(who: int, amount: int, start: datetime = START, end: datetime = END, currency: str = "usd") -> Piece:
    return Piece(organization=who, currency=currency, monthly=Fraction(amount), start=start, end=end)


class TestAMoment:
    def test_what_ends_with_a_month_counts_at_its_end_and_what_begins_then_does_not(self) -> None:
        old, new = piece(1, 100, START, END), piece(1, 700, END, END + timedelta(days=30))
        assert standing_at([old, new], "usd", END) == {1: 100}
        assert standing_at([old, new], "usd", END + timedelta(seconds=1)) == {1: 700}

    def test_parts_of_one_customer_are_added_before_they_are_rounded(self) -> None:
        thirds = [Piece(organization=1, currency="usd", monthly=Fraction(1, 3), start=START, end=END)] * 3
        assert standing_at(thirds, "usd", END) == {1: 1}

    def test_currencies_are_not_mixed_and_who_pays_nothing_is_no_customer(self) -> None:
        pieces = [piece(1, 100), piece(2, 100, currency="eur"), piece(3, 50), piece(3, -50)]
        assert standing_at(pieces, "usd", END) == {1: 100}

    def test_the_end_of_its_subscription_ends_it(self) -> None:
        left = START + timedelta(days=3)
        found = piece_of(line(1_000), SEATS, organization=1, currency="usd", until=left)
        assert found is not None and found.end == left


class TestMoving:
    def test_every_change_is_of_one_kind_and_they_add_up(self) -> None:
        found = movement({1: 100, 2: 200, 3: 300, 4: 50}, {1: 150, 2: 120, 4: 50, 5: 70}, "usd")
        amounts = (found.new, found.expanded, found.contracted, found.lost)
        assert [amount.amount for amount in amounts] == [70, 50, 80, 300]
        assert found.opening + found.gained - found.gone == found.closing == Money(390, "usd")
        assert (found.customers, found.joined, found.left) == (4, 1, 1)
        assert (found.growth, found.churn) == (Decimal("-40.0"), Decimal("46.2"))

    def test_nothing_grows_from_nothing(self) -> None:
        found = movement({}, {1: 100}, "usd")
        assert (found.growth, found.churn) == (None, None)
        assert percent(1, 0) is None

    def test_one_month_ends_where_the_next_begins(self) -> None:
        moments = [START, END, END + timedelta(days=1), END + timedelta(days=60)]
        found = movements([piece(1, 100), piece(1, 40, END, END + timedelta(days=30))], "usd", moments)
        assert [one.closing.amount for one in found] == [100, 40, 0]
        assert all(after.opening == before.closing for before, after in pairwise(found))

    def test_months_go_back_over_the_turn_of_a_year_and_the_last_one_ends_now(self) -> None:
        now = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
        months = last_months(now, 3)
        assert months == [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
        assert ends_of(months, now)[-2:] == [datetime(2026, 2, 1, tzinfo=UTC), now]


@pytest.mark.django_db
class TestFromTheDatabase:
    def test_what_was_given_up_or_declared_void_does_not_count(self) -> None:
        of = subscription(company())
        for status in ("void", "uncollectible", "deleted"):
            row = billed(of, 700)
            type(row).objects.filter(pk=row.pk).update(status=status)
        billed(of, 1_200)
        found = revenue(timezone.now())
        assert [(one.currency, one.now.customers) for one in found] == [("usd", 1)]
        assert found[0].now.closing.amount == pytest.approx(1_200, rel=0.03)

    def test_who_left_is_lost(self) -> None:
        of = subscription(company(), "canceled", ended_at=timezone.now() - timedelta(minutes=1))
        billed(of)
        (found,) = revenue(timezone.now())
        assert found.now.customers == 0

    def test_an_upgrade_at_stripe_counts_as_what_it_is_worth_by_the_month(
        self, acme: Organization, plans: dict[str, Plan], bought: Callable[..., Subscription], ahead: Callable[..., Any]
    ) -> None:
        """Two seats, then five for a part of the month: five times 5.00, to the cent."""
        row = bought(acme, seats=2)
        assert revenue(timezone.now())[0].now.closing == Money(1_000, "usd")
        ahead(days=11, hours=5)
        seats = row.items.get(item=Item.SEAT)
        change = Change(item=seats.stripe_id, quantity=5)
        gateway().change_items("a-key", row.stripe_id, [change], Mode.INCREASE)
        sync_subscription(row.stripe_id)
        (found,) = revenue(timezone.now())
        assert found.now.closing == Money(2_500, "usd")
