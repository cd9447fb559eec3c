"""What Stripe is asked for, where it is more than an id: small frozen records. Pure.

Amounts are as Stripe writes them (``billing.money.Money.as_stripe``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from billing.gateway.objects import Metadata


class Mode(StrEnum):
    """How a change of a subscription is charged for. ``increase``: an invoice at once, and the change takes effect when
    it is paid. ``decrease``: no money moves, the next period costs less. ``invoiced``: as an increase, by an invoice
    that is due later; the change takes effect at once, since nothing else can be done without a card."""

    INCREASE = "increase"
    DECREASE = "decrease"
    INVOICED = "invoiced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many of a price. With a ``maximum`` the buyer may change the number at the checkout, from ``minimum``."""

    price: str
    quantity: int | None
    minimum: int = 1
    maximum: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One item of a subscription: ``item`` is changed, or without it one of ``price`` is added; ``quantity`` None
    leaves the number. ``remove`` takes the item away."""

    item: str = ""
    price: str = ""
    quantity: int | None = None
    remove: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOrder:
    name: str
    metadata: Metadata
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOrder:
    """``meter`` is the id of the meter of a metered price. ``lookup_key`` is taken over from the price that has it."""

    product: str
    currency: str
    unit_amount: int
    interval: str
    lookup_key: str
    nickname: str = ""
    meter: str = ""
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerOrder:
    """``address`` has Stripe's words: ``line1``, ``line2``, ``city``, ``postal_code``, ``state``, ``country``; without
    it the address stays as it is."""

    name: str
    email: str
    metadata: Metadata
    address: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOrder:
    """A checkout. The ``metadata`` stands on the session and on the subscription that comes of it: Stripe does not copy
    it. ``success_url`` may have ``{CHECKOUT_SESSION_ID}`` in it."""

    customer: str
    lines: tuple[Line, ...]
    success_url: str
    cancel_url: str
    client_reference_id: str
    metadata: Metadata
    expires_at: datetime | None = None
    automatic_tax: bool = True
    promotion_codes: bool = True
    locale: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicedOrder:
    """A subscription that is paid by invoice. ``fields`` are printed on each, such as the number of the order."""

    customer: str
    lines: tuple[Line, ...]
    days_until_due: int
    metadata: Metadata
    fields: tuple[tuple[str, str], ...] = ()
    description: str = ""
    automatic_tax: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOrder:
    """What would be charged: for ``changes`` of a subscription in this ``mode``, at the moment ``at`` which the change
    itself is then made with; or for ``lines`` that a customer, or nobody yet, would subscribe to. Without ``changes``
    it is the next invoice of the subscription. ``address`` and ``tax_id``, its kind and number, are of somebody who is
    no customer yet."""

    subscription: str = ""
    changes: tuple[Change, ...] = ()
    mode: Mode = Mode.INCREASE
    at: datetime | None = None
    customer: str = ""
    currency: str = ""
    lines: tuple[Line, ...] = ()
    automatic_tax: bool = True
    address: Mapping[str, str] = field(default_factory=dict)
    tax_id: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditOrder:
    """Money back by a credit note, so that its tax goes back too. ``amount`` is with tax. Of an invoice that is paid
    the amount goes where ``refund``, ``to_balance`` and ``out_of_band`` say, which add up to it."""

    invoice: str
    amount: int
    reason: str = ""
    memo: str = ""
    refund: int = 0
    to_balance: int = 0
    out_of_band: int = 0
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceOrder:
    """Credit for a customer; ``amount`` is above zero."""

    customer: str
    amount: int
    currency: str
    description: str
    metadata: Metadata
