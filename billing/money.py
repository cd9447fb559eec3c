"""Money: integer minor units with a currency (DESIGN section 9). Pure.

How many decimals a currency has is a table, not a guess: a yen has none, and an Icelandic króna has none although
Stripe writes it with two.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

DECIMALS: dict[str, int] = {
    "aud": 2,
    "brl": 2,
    "cad": 2,
    "chf": 2,
    "czk": 2,
    "dkk": 2,
    "eur": 2,
    "gbp": 2,
    "inr": 2,
    "isk": 0,
    "jpy": 0,
    "krw": 0,
    "kwd": 3,
    "nok": 2,
    "nzd": 2,
    "pln": 2,
    "sek": 2,
    "sgd": 2,
    "ugx": 0,
    "usd": 2,
}
"""The currencies that we know, with the decimals in which their amounts are written (ISO 4217)."""

WRITTEN_BY_STRIPE: dict[str, int] = {"isk": 2, "ugx": 2}
"""Where Stripe's amounts have other decimals than the currency; the additional ones are always zero."""


class UnknownCurrency(ValueError):
    """A currency of which nobody has said how it is written: better refused than charged a hundredfold."""


class UnevenAmount(ValueError):
    """An amount of Stripe's that is no whole number of the currency's smallest unit."""


@dataclass(frozen=True, slots=True)
class Money:
    """``amount`` is in minor units of the ``currency``, which is written in small letters."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError(f"An amount is a whole number of minor units, not {self.amount!r}.")
        decimals(self.currency)

    def __add__(self, other: Money) -> Money:
        self._demand_same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._demand_same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            raise TypeError(f"Money is multiplied by whole numbers, not by {times!r}.")
        return Money(self.amount * times, self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.written()} {self.currency.upper()}"

    def written(self) -> str:
        """The number as it stands in exports: ``1234.50``, ``-0.05``, ``1200`` of yen."""
        return f"{Decimal(self.amount).scaleb(-decimals(self.currency)):f}"

    def as_stripe(self) -> int:
        return self.amount * int(10 ** _shift(self.currency))

    def part(self, numerator: int, denominator: int) -> Money:
        """This fraction of it, rounded half to even, as proration is."""
        if denominator <= 0:
            raise ValueError(f"A part is of something, not of {denominator}.")
        exact = Decimal(self.amount) * numerator / denominator
        return Money(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)), self.currency)

    def split(self, parts: int) -> list[Money]:
        """So many parts that differ by one unit at most and add up to it, the larger ones first."""
        if parts < 1:
            raise ValueError(f"Money is split into one part or more, not into {parts}.")
        sign = -1 if self.amount < 0 else 1
        each, left = divmod(abs(self.amount), parts)
        return [Money(sign * (each + (number < left)), self.currency) for number in range(parts)]

    def _demand_same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency.upper()} and {other.currency.upper()} don't add up.")


def decimals(currency: str) -> int:
    """Raises ``UnknownCurrency``."""
    if not isinstance(currency, str) or currency not in DECIMALS:
        raise UnknownCurrency(f"The currency {currency!r} is not known here.")
    return DECIMALS[currency]


def from_stripe(amount: int, currency: str) -> Money:
    """An amount as Stripe writes it; raises ``UnknownCurrency`` and ``UnevenAmount``."""
    decimals(currency)
    whole, rest = divmod(amount, 10 ** _shift(currency))
    if rest:
        raise UnevenAmount(f"{amount} is no whole number of units of {currency.upper()}.")
    return Money(whole, currency)


def parse(text: str, currency: str) -> Money:
    """What somebody typed, such as ``12.50``; raises ``ValueError`` with what is wrong."""
    places = decimals(currency)
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise ValueError(
            f"{text!r} is no amount; write it like {Decimal(1).scaleb(-places) if places else 1}."
        ) from error
    if not value.is_finite() or abs(value) >= Decimal(10) ** 12:
        raise ValueError(f"{text!r} is no amount that somebody pays.")
    minor = value.scaleb(places)
    if minor != minor.to_integral_value():
        raise ValueError(f"{currency.upper()} has {places} decimals; {text!r} has more.")
    return Money(int(minor), currency)


def total(amounts: list[Money], currency: str) -> Money:
    """Their sum, nothing of the currency for none."""
    return sum(amounts, start=Money(0, currency))


def _shift(currency: str) -> int:
    return WRITTEN_BY_STRIPE.get(currency, decimals(currency)) - decimals(currency)
