"""The tiers, as data: what is included, what each further seat and namespace costs (DESIGN section 9). Pure.

Every tier has every feature. They differ in quantities, in terms of payment and in how soon people answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.money import Money
from billing.vocabulary import Interval, Tier

CURRENCIES = ("usd", "eur", "gbp", "jpy")
MONTHS_OF_A_YEAR_PAID = 10
"""A year costs as much as ten months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a tier is. ``seat`` and ``root`` are prices of a month in minor units by currency, empty where nothing is
    to be paid or a quote says how much; ``roots_included`` root namespaces cost nothing more."""

    tier: Tier
    label: Promise
    pitch: Promise
    answers: Promise
    seat: Mapping[str, int] = field(default_factory=dict)
    root: Mapping[str, int] = field(default_factory=dict)
    roots_included: int = 0

    @property
    def is_sold(self) -> bool:
        """Whether it can be bought without a person: it has prices."""
        return bool(self.seat)


TIERS: tuple[Terms, ...] = (
    Terms(
        tier=Tier.COMMUNITY,
        label=_("Community"),
        pitch=_("For verified community projects. Everything, for nothing, for any number of people and namespaces."),
        answers=_("As soon as somebody can"),
    ),
    Terms(
        tier=Tier.TEAM,
        label=_("Team"),
        pitch=_("For a company with a name to keep."),
        answers=_("Within three working days"),
        seat=MappingProxyType({"usd": 500, "eur": 500, "gbp": 450, "jpy": 750}),
        root=MappingProxyType({"usd": 4_000, "eur": 4_000, "gbp": 3_500, "jpy": 6_000}),
        roots_included=1,
    ),
    Terms(
        tier=Tier.BUSINESS,
        label=_("Business"),
        pitch=_("For a company with several names, and questions that can't wait."),
        answers=_("Within a working day"),
        seat=MappingProxyType({"usd": 900, "eur": 900, "gbp": 800, "jpy": 1_350}),
        root=MappingProxyType({"usd": 4_000, "eur": 4_000, "gbp": 3_500, "jpy": 6_000}),
        roots_included=5,
    ),
    Terms(
        tier=Tier.ENTERPRISE,
        label=_("Enterprise"),
        pitch=_("By quote: purchase orders, your own terms, a person to call."),
        answers=_("As agreed"),
    ),
)


def terms_of(tier: Tier) -> Terms:
    return next(terms for terms in TIERS if terms.tier is tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a sum: so many of something at a price each, for the whole interval."""

    item: str
    quantity: int
    each: Money

    @property
    def sum(self) -> Money:
        return self.each * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What a plan costs for one interval, before tax."""

    interval: Interval
    lines: tuple[Line, ...]
    total: Money


def price(amount: int, currency: str, interval: Interval) -> Money:
    """That of an interval, from that of a month."""
    return Money(amount, currency) * (MONTHS_OF_A_YEAR_PAID if interval is Interval.YEAR else 1)


def reckon(terms: Terms, *, seats: int, roots: int, currency: str, interval: Interval) -> Sum:
    """What so many seats and root namespaces cost; raises ``ValueError`` for what is not sold so."""
    if not terms.is_sold or currency not in terms.seat:
        raise ValueError(f"{terms.tier} is not sold in {currency.upper()}.")
    if seats < 1 or roots < 0:
        raise ValueError("A plan has one seat or more.")
    found = (
        Line(item="seat", quantity=seats, each=price(terms.seat[currency], currency, interval)),
        Line(
            item="root",
            quantity=max(0, roots - terms.roots_included),
            each=price(terms.root[currency], currency, interval),
        ),
    )
    total = sum((line.sum for line in found), start=Money(0, currency))
    return Sum(interval=interval, lines=tuple(line for line in found if line.quantity), total=total)
