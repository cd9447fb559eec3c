"""Money as people read it. Exports write it another way (``billing.money.Money.written``). Pure."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format

from billing.money import Money, decimals

_SIGNS = {"usd": "US$", "eur": "€", "gbp": "£", "jpy": "¥"}
"""Signs that stand before the number. All other currencies are named by their letters, behind it."""
_MINUS, _NO_BREAK = "−", "\N{NO-BREAK SPACE}"


def spelled(money: Money) -> str:
    """``US$1,204.50``, ``¥750``, ``−€3.00``, ``12.00 CHF``; as the reader's language writes numbers."""
    places = decimals(money.currency)
    number = number_format(Decimal(abs(money.amount)).scaleb(-places), places, use_l10n=True, force_grouping=True)
    minus, sign = _MINUS if money.amount < 0 else "", _SIGNS.get(money.currency)
    return f"{minus}{sign}{number}" if sign else f"{minus}{number}{_NO_BREAK}{money.currency.upper()}"


def rounded(money: Money) -> str:
    """``US$1,205`` without what is less than one, where many sums are compared at a glance."""
    unit = 10 ** decimals(money.currency)
    sign, minus = _SIGNS.get(money.currency), _MINUS if money.amount < 0 else ""
    number = number_format((abs(money.amount) + unit // 2) // unit, 0, use_l10n=True, force_grouping=True)
    return f"{minus}{sign}{number}" if sign else f"{minus}{number}{_NO_BREAK}{money.currency.upper()}"
