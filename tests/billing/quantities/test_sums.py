"""The rules of quantities and of changes of plan, and the calculator, as tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation

from billing import sums
from billing.money import Money
from billing.sums import Held, When
from billing.vocabulary import Interval, Item, Tier
from billing.words import spelled
from freehold import stripe_settings

SEAT, ROOT = Item.SEAT, Item.ROOT


class TestTarget:
    @pytest.mark.parametrize(
        ("wanted", "used", "paid", "billed"),
        [
            (5, 3, 5, 5),
            (3, 3, 5, 3),
            (3, 4, 5, 4),  # somebody came since, and is paid for
            (3, 6, 5, 5),  # nobody is charged for more than what they agreed to
            (7, 6, 5, 7),
            (2, 2, 0, 2),
        ],
    )
    def test_people_count_as_far_as_they_are_paid_for(self, wanted: int, used: int, paid: int, billed: int) -> None:
        assert sums.target(wanted=wanted, used=used, paid=paid) == billed


class TestSteps:
    @pytest.mark.parametrize(
        ("quantity", "paid", "target", "free", "charged"),
        [
            (5, 5, 5, {}, {}),
            (5, 5, 3, {SEAT: 3}, {}),
            (3, 5, 5, {SEAT: 5}, {}),
            (3, 5, 4, {SEAT: 4}, {}),
            (5, 5, 7, {}, {SEAT: 7}),
            (3, 5, 7, {SEAT: 5}, {SEAT: 7}),
        ],
    )
    def test_only_what_is_beyond_what_is_paid_is_charged(
        self, quantity: int, paid: int, target: int, free: dict[Item, int], charged: dict[Item, int]
    ) -> None:
        found = sums.steps({SEAT: Held(quantity=quantity, paid=paid)}, {SEAT: target})
        assert (dict(found.free), dict(found.charged)) == (free, charged)

    def test_what_waits_for_its_payment_is_not_asked_for_again(self) -> None:
        assert not sums.steps({SEAT: Held(quantity=2, paid=2, pending=5)}, {SEAT: 5})

    def test_what_is_not_there_yet_is_charged(self) -> None:
        assert sums.steps({}, {ROOT: 2}).charged == {ROOT: 2}
        assert not sums.steps({}, {ROOT: 0})

    def test_each_item_goes_its_own_way(self) -> None:
        held = {SEAT: Held(quantity=5, paid=5), ROOT: Held(quantity=1, paid=1)}
        found = sums.steps(held, {SEAT: 3, ROOT: 2})
        assert (found.free, found.charged) == ({SEAT: 3}, {ROOT: 2})


@pytest.mark.parametrize(
    ("before", "after", "when"),
    [
        ("team month", "business month", When.NOW),
        ("team month", "team year", When.NOW),
        ("team month", "business year", When.NOW),
        ("business month", "team month", When.LATER),
        ("team year", "team month", When.LATER),
        ("team year", "business month", When.LATER),
        ("business month", "team year", When.LATER),
    ],
)
def test_more_begins_at_once_and_less_with_the_next_period(before: str, after: str, when: When) -> None:
    (tier, interval), (next_tier, next_interval) = before.split(), after.split()
    assert sums.when(before=(Tier(tier), Interval(interval)), after=(Tier(next_tier), Interval(next_interval))) is when


class TestPeriodAfter:
    """When new prices may be asked for the first time: not before the notice is over."""

    @pytest.mark.parametrize(
        ("end", "interval", "earliest", "found"),
        [
            ("2027-01-31", Interval.MONTH, "2027-01-01", "2027-01-31"),
            ("2027-01-31", Interval.MONTH, "2027-02-01", "2027-02-28"),
            ("2027-01-31", Interval.MONTH, "2027-03-01", "2027-03-31"),
            ("2027-11-15", Interval.MONTH, "2028-01-10", "2028-01-15"),
            ("2028-02-29", Interval.YEAR, "2028-03-01", "2029-02-28"),
            ("2027-05-01", Interval.YEAR, "2027-05-01", "2027-05-01"),
        ],
    )
    def test_it_is_an_end_of_a_period(self, end: str, interval: Interval, earliest: str, found: str) -> None:
        assert sums.period_after(_day(end), interval, _day(earliest)) == _day(found)


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestOffers:
    def test_the_cheapest_is_marked(self) -> None:
        few = sums.offers(seats=2, roots=1, currency="usd", interval=Interval.MONTH)
        assert [(one.terms.tier, one.sum.total.amount, one.is_best) for one in few] == [
            (Tier.TEAM, 1_000, True),
            (Tier.BUSINESS, 1_800, False),
        ]
        many = sums.offers(seats=2, roots=5, currency="usd", interval=Interval.MONTH)
        assert [(one.sum.total.amount, one.is_best) for one in many] == [(17_000, False), (1_800, True)]

    def test_a_year_saves_two_months(self) -> None:
        (team, _) = sums.offers(seats=3, roots=2, currency="jpy", interval=Interval.YEAR)
        month = 3 * 750 + 6_000
        assert (team.sum.total, team.saved) == (Money(10 * month, "jpy"), Money(2 * month, "jpy"))

    def test_a_month_saves_nothing(self) -> None:
        assert not any(one.saved for one in sums.offers(seats=1, roots=1, currency="eur", interval=Interval.MONTH))


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (120_450, "usd", "US$1,204.50"),
        (-300, "eur", "−€3.00"),
        (7_500, "jpy", "¥7,500"),
        (1_234, "kwd", "1.234\N{NO-BREAK SPACE}KWD"),
        (0, "gbp", "£0.00"),
    ],
)
def test_money_is_spelled_for_people(amount: int, currency: str, text: str) -> None:
    with translation.override("en"):
        assert spelled(Money(amount, currency)) == text


@pytest.mark.parametrize(("text", "served"), [("", ()), ("usd=2, EUR=3", (("usd", 2), ("eur", 3)))])
def test_what_a_gigabyte_costs_is_the_operators_to_say(
    text: str, served: tuple[tuple[str, int], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_GIGABYTE_PRICES", text)
    assert stripe_settings.from_environment(production=False).served == served


@pytest.mark.parametrize("text", ["2", "usd", "usd=", "usd=1.5", "dollar=2", "usd=2=3", "usd=-1"])
def test_and_what_can_not_be_read_refuses_to_start(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_GIGABYTE_PRICES", text)
    with pytest.raises(ImproperlyConfigured, match="BILLING_GIGABYTE_PRICES"):
        stripe_settings.from_environment(production=False)
