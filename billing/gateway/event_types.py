"""What events are about, and which of them we want. Pure.

Of an event only the id of an object is used, which is then fetched: so each type is a reason to look at something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WANTED: Mapping[str, str] = {
    "checkout.session.completed": "checkout.session",
    "checkout.session.async_payment_succeeded": "checkout.session",
    "checkout.session.async_payment_failed": "checkout.session",
    "checkout.session.expired": "checkout.session",
    "customer.created": "customer",
    "customer.updated": "customer",
    "customer.deleted": "customer",
    "customer.tax_id.created": "customer",
    "customer.tax_id.updated": "customer",
    "customer.tax_id.deleted": "customer",
    "customer.subscription.created": "subscription",
    "customer.subscription.updated": "subscription",
    "customer.subscription.deleted": "subscription",
    "customer.subscription.paused": "subscription",
    "customer.subscription.resumed": "subscription",
    "customer.subscription.pending_update_applied": "subscription",
    "customer.subscription.pending_update_expired": "subscription",
    "invoice.created": "invoice",
    "invoice.updated": "invoice",
    "invoice.deleted": "invoice",
    "invoice.finalized": "invoice",
    "invoice.finalization_failed": "invoice",
    "invoice.paid": "invoice",
    "invoice.overpaid": "invoice",
    "invoice.overdue": "invoice",
    "invoice.payment_succeeded": "invoice",
    "invoice.payment_failed": "invoice",
    "invoice.payment_action_required": "invoice",
    "invoice.voided": "invoice",
    "invoice.marked_uncollectible": "invoice",
    "invoice_payment.paid": "invoice",
    "charge.succeeded": "charge",
    "charge.updated": "charge",
    "charge.refunded": "charge",
    "charge.refund.updated": "refund",
    "refund.created": "refund",
    "refund.updated": "refund",
    "refund.failed": "refund",
    "credit_note.created": "credit_note",
    "credit_note.updated": "credit_note",
    "credit_note.voided": "credit_note",
    "charge.dispute.created": "dispute",
    "charge.dispute.updated": "dispute",
    "charge.dispute.closed": "dispute",
    "charge.dispute.funds_withdrawn": "dispute",
    "charge.dispute.funds_reinstated": "dispute",
    "payout.created": "payout",
    "payout.updated": "payout",
    "payout.paid": "payout",
    "payout.failed": "payout",
    "payout.canceled": "payout",
    "payout.reconciliation_completed": "payout",
}
"""By type, the type of the object that is looked at. An endpoint at Stripe is told these."""

_NAMES = """
    account application_fee apps balance balance_settings billing billing_portal capability cash_balance
    charge checkout climate coupon credit_note customer customer_cash_balance_transaction entitlements
    file financial_connections identity invoice invoice_payment invoiceitem issuing_authorization
    issuing_card issuing_cardholder issuing_dispute issuing_personalization_design issuing_token
    issuing_transaction mandate payment_intent payment_link payment_method payout person plan price
    product promotion_code quote radar refund reporting reserve review setup_intent sigma source
    subscription_schedule tax tax_rate terminal test_helpers three_d_secure topup transfer treasury
"""
_FAMILIES = frozenset(_NAMES.split())
"""Families of Stripe's that are no news: another application on the same account may use any of them."""

_OURS = ("checkout.session.", "customer.subscription.", "credit_note.", "refund.", "invoice_payment.")
"""Families of which we want every type: a new one is news."""

_NOT_NEEDED = frozenset({"customer.subscription.trial_will_end"})

FETCHED = frozenset(WANTED.values())
"""The types of objects that are looked at."""

_OF_ITS_PARENT = {"tax_id": "customer", "invoice_payment": "invoice"}
"""Objects that are looked at as a part of another one, which they name under its type."""


def is_known(kind: str) -> bool:
    """Whether nobody has to be told that such an event came."""
    if kind in WANTED or kind in _NOT_NEEDED:
        return True
    return kind.partition(".")[0] in _FAMILIES and not kind.startswith(_OURS)


def subject(kind: str, about: Mapping[str, Any]) -> tuple[str, str]:
    """Type and id of the object to look at; two empty texts where nothing is to be looked at."""
    object_type = str(about.get("object") or "")
    identifier = about.get("id")
    if parent := _OF_ITS_PARENT.get(object_type):
        object_type, identifier = parent, about.get(parent)
    if (kind in WANTED or not is_known(kind)) and object_type in FETCHED and isinstance(identifier, str):
        return object_type, identifier
    return "", ""
