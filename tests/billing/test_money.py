"""Money: whole numbers of minor units, and a table of how currencies are written (BILLING, scenario 49)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import DECIMALS, Money, UnevenAmount, UnknownCurrency, from_stripe, parse, total

amounts = st.integers(-(10**12), 10**12)
currencies = st.sampled_from(sorted(DECIMALS))
money = st.builds(Money, amounts, currencies)


@pytest.mark.parametrize(
    ("at_stripe", "currency", "minor", "written"),
    [
        (1050, "usd", 1050, "10.50"),
        (-5, "eur", -5, "-0.05"),
        (0, "gbp", 0, "0.00"),
        (1200, "jpy", 1200, "1200"),
        (1500, "kwd", 1500, "1.500"),
        (150000, "isk", 1500, "1500"),
        (50000, "ugx", 500, "500"),
    ],
)
def test_scenario_49_minor_units(at_stripe: int, currency: str, minor: int, written: str) -> None:
    found = from_stripe(at_stripe, currency)
    assert (found.amount, found.written(), found.as_stripe()) == (minor, written, at_stripe)


@pytest.mark.parametrize("currency", ["xxx", "", "USD", "us", "btc", None])
def test_scenario_49_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(UnknownCurrency):
        from_stripe(100, currency)


def test_what_is_no_whole_unit_is_refused() -> None:
    with pytest.raises(UnevenAmount):
        from_stripe(150_050, "isk")


@pytest.mark.parametrize("amount", [1.5, "1", True, None])
def test_amounts_are_whole_numbers(amount: int) -> None:
    with pytest.raises(TypeError):
        Money(amount, "usd")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="USD and EUR don't add up"):
        Money(1, "usd") + Money(1, "eur")


@given(money, st.integers(1, 50))
def test_nothing_is_lost_by_splitting(whole: Money, parts: int) -> None:
    found = whole.split(parts)
    assert len(found) == parts and total(found, whole.currency) == whole
    assert max(found, key=lambda one: one.amount).amount - min(found, key=lambda one: one.amount).amount <= 1


@given(money)
def test_stripe_and_back(whole: Money) -> None:
    assert from_stripe(whole.as_stripe(), whole.currency) == whole


@given(money)
def test_written_and_read_again(whole: Money) -> None:
    if abs(whole.amount) < 10 ** (12 + DECIMALS[whole.currency]):
        assert parse(whole.written(), whole.currency) == whole


@given(money, st.integers(0, 400), st.integers(1, 400))
def test_a_part_is_off_by_half_a_unit_at_most(whole: Money, numerator: int, denominator: int) -> None:
    exact = whole.amount * numerator
    assert abs(whole.part(numerator, denominator).amount * denominator - exact) * 2 <= denominator


@pytest.mark.parametrize("text", ["", "x", "1,5", "1.505", "nan", "inf", "1e30", "٣x"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text, "usd")
