"""What the report on sustainability adds up, and what it leaves apart."""

from __future__ import annotations

from datetime import date

import pytest

from billing.money import Money
from billing.reports.sustainability import Growth, MonthOfIndex, Sustainability, sustainability
from tests.billing.sustainability.rows import earned, entered, first_of

TODAY = date(2026, 3, 15)


def usd(amount: int) -> Money:
    return Money(amount, "usd")


def month(paid: int, in_kind: int, income: int) -> MonthOfIndex:
    return MonthOfIndex(month=first_of("2026-01"), paid=usd(paid), in_kind=usd(in_kind), income=usd(income))


def report() -> Sustainability:
    return sustainability(TODAY, "usd")


@pytest.mark.parametrize(
    ("paid", "in_kind", "income", "gap", "covered"),
    [
        (100, 0, 0, 100, 0),
        (100, 900, 0, 100, 90),
        (100, 0, 60, 40, 60),
        (100, 200, 99, 1, 99),
        (100, 0, 250, 0, 250),
        (100, 0, -50, 100, 0),
        (0, 100, -50, 0, 100),
        (0, 0, 70, 0, None),
    ],
)
def test_what_is_covered(paid: int, in_kind: int, income: int, gap: int, covered: int | None) -> None:
    found = month(paid, in_kind, income)
    assert (found.gap.amount, found.covered) == (gap, covered)
    assert found.in_kind + found.counted + found.gap == found.cost


@pytest.mark.django_db
class TestReport:
    def test_of_an_index_of_which_nothing_is_known(self) -> None:
        found = report()
        assert (found.months, found.last, found.categories, found.elsewhere) == ((), None, (), ())

    def test_months_from_the_first_that_is_known_to_the_last_that_is_over(self) -> None:
        entered("2025-12", 1_000)
        entered("2025-12", 9_000, "Edge Ltd", category="Bandwidth")
        entered("2026-02", 2_000)
        entered("2026-03", 7_000)
        earned("2026-01", 300)
        earned("2026-02", 500)
        earned("2026-03", 700)
        found = report()
        assert [(f"{each.month:%Y-%m}", each.paid, each.in_kind, each.income) for each in found.months] == [
            ("2025-12", usd(1_000), usd(9_000), usd(0)),
            ("2026-01", usd(0), usd(0), usd(300)),
            ("2026-02", usd(2_000), usd(0), usd(500)),
        ]
        assert found.last == found.months[-1]
        assert found.categories == (("Bandwidth", usd(9_000)), ("Hosting", usd(3_000)))
        assert found.givers == (("Edge Ltd", usd(9_000)),)

    def test_the_last_is_the_newest_with_costs(self) -> None:
        entered("2025-11", 10)
        earned("2026-02", 5)
        last = report().last
        assert last is not None and last.month == first_of("2025-11")

    def test_two_years_are_shown_and_one_is_added_up(self) -> None:
        for year in (2023, 2024, 2025):
            for number in range(1, 13):
                entered(f"{year}-{number:02}", 100)
        found = report()
        assert (len(found.months), found.months[0].month) == (24, first_of("2024-01"))
        assert found.categories == (("Hosting", usd(1_200)),)

    def test_growth_is_against_the_same_month_a_year_before(self) -> None:
        entered("2025-02", 1_000)
        entered("2026-02", 1_251)
        entered("2026-01", 9_000)
        earned("2025-02", 400)
        earned("2026-02", 300)
        assert report().growth == Growth(cost=25, income=-25)

    def test_there_is_none_without_a_year_before(self) -> None:
        entered("2026-02", 1_000)
        earned("2026-02", 100)
        assert report().growth == Growth(cost=None, income=None)

    def test_other_currencies_stand_apart(self) -> None:
        entered("2026-02", 1_000)
        entered("2026-02", 2_000, currency="eur")
        earned("2026-02", 50)
        earned("2026-02", 60, "eur")
        earned("2026-02", 70, "jpy")
        found = report()
        assert (found.months[-1].cost, found.months[-1].income) == (usd(1_000), usd(50))
        assert found.categories == (("Hosting", usd(1_000)),)
        assert found.elsewhere == (
            (Money(2_000, "eur"), Money(60, "eur")),
            (Money(0, "jpy"), Money(70, "jpy")),
        )
