"""Stripe's objects as far as we read them: frozen, plain, typed. Pure.

Amounts are integers as Stripe writes them, with ``currency`` beside; ``billing.money.from_stripe`` makes money of
them. Times are aware and in UTC. What may be missing is None; what nobody knows stays the text that it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Metadata = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductObject:
    id: str
    name: str
    active: bool
    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceObject:
    """``interval`` is ``month`` or ``year``; ``metered`` prices have no quantity."""

    id: str
    product: str
    currency: str
    unit_amount: int | None
    interval: str
    metered: bool
    lookup_key: str
    active: bool
    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxIdObject:
    """``status`` is ``pending``, ``verified``, ``unverified`` or ``unavailable``, empty where it is not checked."""

    id: str
    kind: str
    value: str
    country: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerObject:
    """``balance`` below zero is what we owe the customer. ``country`` is of the billing address."""

    id: str
    deleted: bool = False
    livemode: bool = False
    email: str = ""
    name: str = ""
    currency: str = ""
    balance: int = 0
    country: str = ""
    state: str = ""
    tax_ids: tuple[TaxIdObject, ...] = ()
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionObject:
    """Of Checkout. ``status`` is ``open``, ``complete`` or ``expired``; ``payment_status`` ``paid``, ``unpaid`` or
    ``no_payment_required``."""

    id: str
    status: str
    payment_status: str
    url: str
    customer: str
    subscription: str
    livemode: bool
    expires_at: datetime
    client_reference_id: str
    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemObject:
    """A line of a subscription; ``lookup_key`` is of its price."""

    id: str
    price: str
    lookup_key: str
    currency: str
    unit_amount: int | None
    interval: str
    quantity: int | None
    period_start: datetime | None
    period_end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionObject:
    """``latest_invoice`` is its id; ``pending_items`` are quantities by item id that wait for a payment."""

    id: str
    customer: str
    status: str
    livemode: bool
    created: datetime
    currency: str
    collection_method: str
    cancel_at_period_end: bool
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    trial_end: datetime | None
    days_until_due: int | None
    latest_invoice: str
    items: tuple[ItemObject, ...]
    pending_items: Mapping[str, int]
    pending_until: datetime | None
    paused: bool
    metadata: Metadata
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """Tax on an invoice: to whom (``DE``, ``US-NY``), at which rate in percent as text, on how much, and why none."""

    jurisdiction: str
    rate: str
    taxable: int
    amount: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLineObject:
    """``item`` is the subscription item that it bills, empty for others. ``amount`` is before tax and discounts."""

    id: str
    description: str
    amount: int
    discount: int
    quantity: int | None
    price: str
    item: str
    proration: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceObject:
    """``status`` is ``draft``, ``open``, ``paid``, ``uncollectible`` or ``void``. ``charges`` and ``out_of_band`` are
    of its payments. ``last_error`` is why it could not be finalized, empty where it could. A preview has no ``id``."""

    id: str
    number: str
    customer: str
    subscription: str
    status: str
    livemode: bool
    currency: str
    collection_method: str
    billing_reason: str
    subtotal: int
    discount: int
    tax: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    starting_balance: int
    created: datetime
    due_date: datetime | None
    finalized_at: datetime | None
    paid_at: datetime | None
    period_start: datetime
    period_end: datetime
    attempt_count: int
    next_payment_attempt: datetime | None
    hosted_url: str
    pdf_url: str
    last_error: str
    paid_out_of_band: bool
    payments: tuple[InvoicePaymentObject, ...]
    lines: tuple[InvoiceLineObject, ...]
    taxes: tuple[TaxLine, ...]
    metadata: Metadata
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaymentObject:
    """One payment of an invoice; ``payment_intent`` and ``charge`` are empty for what came out of band."""

    id: str
    status: str
    amount_paid: int
    payment_intent: str
    charge: str
    paid_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeObject:
    """``balance_transaction`` is the id of what it moved, empty while nothing moved."""

    id: str
    status: str
    amount: int
    amount_refunded: int
    currency: str
    customer: str
    payment_intent: str
    balance_transaction: str
    disputed: bool
    created: datetime
    failure_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceTransactionObject:
    """A movement of Stripe's balance: ``net`` is ``amount`` less ``fee``. ``source`` is what caused it."""

    id: str
    type: str
    reporting_category: str
    amount: int
    fee: int
    net: int
    currency: str
    source: str
    created: datetime
    available_on: datetime
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundObject:
    """``status`` is ``pending``, ``requires_action``, ``succeeded``, ``failed`` or ``canceled``. A failed one moves
    the money back: ``failure_balance_transaction``."""

    id: str
    status: str
    amount: int
    currency: str
    charge: str
    payment_intent: str
    balance_transaction: str
    failure_balance_transaction: str
    reason: str
    created: datetime
    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteObject:
    """``status`` is ``issued`` or ``void``. ``subtotal`` plus ``tax`` is ``total``; where it went: ``refunds`` (ids),
    ``to_balance`` (the customer's) or out of band."""

    id: str
    number: str
    invoice: str
    customer: str
    status: str
    currency: str
    subtotal: int
    tax: int
    total: int
    pre_payment: int
    to_balance: int
    out_of_band: int
    refunds: tuple[str, ...]
    reason: str
    created: datetime
    voided_at: datetime | None
    taxes: tuple[TaxLine, ...]
    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditMoveObject:
    """A movement of a customer's credit, Stripe's ``customer_balance_transaction``: an ``amount`` below zero gives
    credit, one above takes it. ``invoice`` and ``credit_note`` are what caused it, empty where it was somebody."""

    id: str
    kind: str
    amount: int
    currency: str
    customer: str
    invoice: str
    credit_note: str
    description: str
    created: datetime
    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeObject:
    """``balance_transactions`` are the ids of what it has moved so far: taken, given back, fees."""

    id: str
    status: str
    amount: int
    currency: str
    charge: str
    payment_intent: str
    reason: str
    balance_transactions: tuple[str, ...]
    due_by: datetime | None
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutObject:
    id: str
    status: str
    amount: int
    currency: str
    balance_transaction: str
    arrival: datetime
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceObject:
    """By currency: what can be paid out, and what is on its way."""

    available: Mapping[str, int]
    pending: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventObject:
    """``object`` is the id of what it is about, ``object_type`` Stripe's word for that."""

    id: str
    type: str
    created: datetime
    livemode: bool
    account: str
    api_version: str
    object: str
    object_type: str
    customer: str
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointObject:
    id: str
    url: str
    status: str
    api_version: str
    enabled_events: tuple[str, ...]
    livemode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountObject:
    id: str
    country: str
    default_currency: str
    charges_enabled: bool
