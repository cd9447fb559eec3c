"""Revenue by the days of service: every month its days, and all of it in the end."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bookkeeping import (
    CODES,
    NAMES,
    Account,
    days_of_service,
    earned,
    month_of,
    months,
    next_month,
    rounded,
    shared_out,
)

DAYS = st.dates(date(2027, 1, 1), date(2028, 12, 31))


def by_month(amount: int, start: date, end: date) -> list[int]:
    cumulated = [earned(amount, start, end, next_month(month)) for month in months(start, end)]
    return [now - before for now, before in zip(cumulated, [0, *cumulated], strict=False)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2026, 1, 1), date(2026, 2, 1), [3100, 0]),
        (date(2026, 1, 31), date(2026, 2, 28), [100, 2700]),  # a month that began on a 31st ends on the last day
        (date(2028, 2, 29), date(2028, 3, 29), [100, 2800]),  # 29 February is a day of service
        (date(2026, 3, 15), date(2026, 4, 15), [1700, 1400]),  # no clock is put forward in it: days are UTC's
    ],
)
def test_a_month_has_as_much_as_it_has_days(start: date, end: date, expected: list[int]) -> None:
    assert by_month((end - start).days * 100, start, end) == expected


@settings(max_examples=50)
@given(st.integers(-10_000_000, 10_000_000), DAYS, DAYS)
def test_the_months_add_up_to_the_whole(amount: int, one: date, other: date) -> None:
    start, end = days_of_service(min(one, other), max(one, other))
    assert sum(by_month(amount, start, end)) == amount
    assert earned(amount, start, end, start) == 0
    assert earned(-amount, start, end, next_month(start)) == -earned(amount, start, end, next_month(start))


@settings(max_examples=50)
@given(st.integers(-(10**9), 10**9), st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=8))
def test_what_is_shared_out_adds_up(amount: int, weights: list[int]) -> None:
    assert sum(shared_out(amount, weights)) == amount


def test_it_is_shared_out_as_the_weights_are() -> None:
    assert shared_out(100, [1, 1, 2]) == [25, 25, 50]
    assert shared_out(-100, [-300, 100]) == [-150, 50]
    assert shared_out(7, [0, 0]) == [4, 3]
    assert shared_out(0, []) == []


def test_half_a_unit_goes_to_the_even_one() -> None:
    assert [rounded(n, 2) for n in (-3, -1, 1, 3, 5)] == [-2, 0, 0, 2, 2]


def test_every_account_has_a_name_and_a_code_of_its_own() -> None:
    assert set(CODES) == set(NAMES) == set(Account)
    assert len(set(CODES.values())) == len(set(NAMES.values())) == len(Account)


def test_the_month_after_december_is_january() -> None:
    assert next_month(date(2026, 12, 31)) == date(2027, 1, 1)
    assert month_of(date(2026, 12, 31)) == date(2026, 12, 1)
