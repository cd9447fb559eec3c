"""The chart of accounts, and how revenue is spread over the days of service. Pure.

An amount in the ledger is in minor units: a debit is positive, a credit negative, and those of an entry add up to
nothing in each currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _


class Account(models.TextChoices):
    """``CLEARING`` is the balance at Stripe, moved by its balance transactions alone, so that it equals it.

    ``REFUNDS`` is what is owed back: a credit note puts it there, a refund takes it. ``EXCHANGE`` holds both sides of a
    conversion, each in its currency, for nobody here knows the rate. ``BY_HAND`` are payments that somebody marked as
    received whose arrival at the bank nobody recorded yet.
    """

    BANK = "bank", _("Bank")
    CLEARING = "clearing", _("Stripe balance")
    RECEIVABLE = "receivable", _("Accounts receivable")
    DISPUTED = "disputed", _("Disputed payments")
    BY_HAND = "by_hand", _("Payments marked by hand")
    EXCHANGE = "exchange", _("Currency exchange")
    SUSPENSE = "suspense", _("To be clarified")
    CUSTOMER_BALANCE = "customer_balance", _("Customers’ credit")
    REFUNDS = "refunds", _("Refunds owed")
    TAX = "tax", _("Sales tax payable")
    DEFERRED = "deferred", _("Deferred revenue")
    REVENUE = "revenue", _("Subscription revenue")
    FEES = "fees", _("Payment fees")
    BAD_DEBT = "bad_debt", _("Bad debt")
    DISPUTE_LOSSES = "dispute_losses", _("Lost disputes")
    SHORTFALLS = "shortfalls", _("Bank charges on wires")


CODES: dict[Account, str] = {
    Account.BANK: "090",
    Account.CLEARING: "091",
    Account.RECEIVABLE: "610",
    Account.DISPUTED: "615",
    Account.BY_HAND: "616",
    Account.EXCHANGE: "617",
    Account.SUSPENSE: "850",
    Account.CUSTOMER_BALANCE: "810",
    Account.REFUNDS: "811",
    Account.TAX: "820",
    Account.DEFERRED: "830",
    Account.REVENUE: "200",
    Account.FEES: "404",
    Account.BAD_DEBT: "405",
    Account.DISPUTE_LOSSES: "406",
    Account.SHORTFALLS: "407",
}
"""How Xero calls them, unless the operator says otherwise."""

NAMES: dict[Account, str] = {
    Account.BANK: "Bank",
    Account.CLEARING: "Stripe Clearing",
    Account.RECEIVABLE: "Accounts Receivable",
    Account.DISPUTED: "Disputed Payments",
    Account.BY_HAND: "Payments Marked by Hand",
    Account.EXCHANGE: "Currency Exchange",
    Account.SUSPENSE: "Suspense",
    Account.CUSTOMER_BALANCE: "Customer Credit",
    Account.REFUNDS: "Refunds Owed",
    Account.TAX: "Sales Tax Payable",
    Account.DEFERRED: "Deferred Revenue",
    Account.REVENUE: "Subscription Revenue",
    Account.FEES: "Payment Fees",
    Account.BAD_DEBT: "Bad Debt",
    Account.DISPUTE_LOSSES: "Lost Disputes",
    Account.SHORTFALLS: "Bank Charges on Wires",
}
"""How QuickBooks calls them: never translated, for an export must not depend on who asks for it."""


class Posting(models.TextChoices):
    """What an entry of the ledger is about."""

    INVOICE = "invoice", _("Invoice")
    VOID = "void", _("Invoice declared void")
    UNCOLLECTIBLE = "uncollectible", _("Invoice given up")
    RECOVERED = "recovered", _("Paid after all")
    CREDIT_NOTE = "credit_note", _("Credit note")
    CREDIT_NOTE_VOID = "credit_note_void", _("Credit note declared void")
    CHARGE = "charge", _("Payment")
    REFUND = "refund", _("Refund")
    DISPUTE = "dispute", _("Dispute")
    DISPUTE_END = "dispute_end", _("End of a dispute")
    PAYOUT = "payout", _("Payout")
    FEE = "fee", _("Fees")
    OTHER = "other", _("Other movement at Stripe")
    WIRE = "wire", _("Wire")
    BY_HAND = "by_hand", _("Marked as paid")
    RECOGNITION = "recognition", _("Revenue earned")


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def months(first: date, last: date) -> list[date]:
    """From the month of the one day to that of the other, both among them."""
    found, month = [], month_of(first)
    while month <= last:
        found.append(month)
        month = next_month(month)
    return found


def days_of_service(start: date, end: date) -> tuple[date, date]:
    """First day, and the day after the last: what begins and ends on one day lasts that day."""
    return start, max(end, start + timedelta(days=1))


def earned(amount: int, start: date, end: date, before: date) -> int:
    """Of an amount for the days from ``start`` until before ``end``, what is earned when ``before`` begins.

    Rounded half to even on the sum, not day by day, so that the months of it add up to the whole.
    """
    days, done = (end - start).days, (before - start).days
    return rounded(amount * min(max(done, 0), days), days)


def rounded(numerator: int, denominator: int) -> int:
    """A fraction as a whole number, half to even; the denominator is positive."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def shared_out(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in parts as the weights are, adding up to it. Weights that add up to nothing count alike."""
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    if whole < 0:
        weights, whole = [-weight for weight in weights], -whole
    parts, given, seen = [], 0, 0
    for weight in weights:
        seen += weight
        parts.append(rounded(amount * seen, whole) - given)
        given += parts[-1]
    return parts
