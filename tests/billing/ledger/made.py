"""Objects of Stripe's, made directly: an invoice of a year, and what may become of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from billing.gateway.objects import (
    BalanceTransactionObject,
    CreditNoteObject,
    DisputeObject,
    InvoiceLineObject,
    InvoiceObject,
    TaxLine,
)
from billing.models import Deferral, LedgerEntry, LedgerLine

YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
TAX = TaxLine(jurisdiction="DE", rate="19", taxable=36_500, amount=6_935, reason="standard_rated")


def day(month: int, number: int, year: int = 2026) -> datetime:
    return datetime(year, month, number, 10, tzinfo=UTC)


def line(
    amount: int, span: tuple[datetime, datetime] = YEAR, *, discount: int = 0, name: str = "il_1"
) -> InvoiceLineObject:
    return InvoiceLineObject(
        id=name,
        description="Seats",
        amount=amount,
        discount=discount,
        quantity=1,
        price="price_1",
        item="si_1",
        proration=False,
        period_start=span[0],
        period_end=span[1],
    )


def invoice(lines: Iterable[InvoiceLineObject] = (), taxes: Iterable[TaxLine] = (TAX,), **fields: Any) -> InvoiceObject:
    """365.00 for the days of 2026, and 69.35 tax, final on the first of January; nothing of it paid."""
    lines, taxes = tuple(lines) or (line(36_500),), tuple(taxes)
    tax = sum(each.amount for each in taxes)
    net = sum(each.amount - each.discount for each in lines)
    values: dict[str, Any] = {
        "id": "in_1",
        "number": "FH-0001",
        "customer": "cus_1",
        "subscription": "sub_1",
        "status": "open",
        "livemode": False,
        "currency": "eur",
        "collection_method": "charge_automatically",
        "billing_reason": "subscription_cycle",
        "subtotal": net,
        "discount": 0,
        "tax": tax,
        "total": net + tax,
        "amount_due": net + tax,
        "amount_paid": 0,
        "amount_remaining": net + tax,
        "starting_balance": 0,
        "created": day(1, 1),
        "due_date": None,
        "finalized_at": day(1, 1),
        "paid_at": None,
        "period_start": YEAR[0],
        "period_end": YEAR[1],
        "attempt_count": 1,
        "next_payment_attempt": None,
        "hosted_url": "",
        "pdf_url": "",
        "last_error": "",
        "paid_out_of_band": False,
        "payments": (),
        "lines": lines,
        "taxes": taxes,
        "metadata": {},
        "raw": {"ending_balance": 0, "customer_address": {"country": "DE"}},
    }
    return InvoiceObject(**values | fields)


def note(total: int, tax: int = 0, **fields: Any) -> CreditNoteObject:
    taxes = (TaxLine(jurisdiction="DE", rate="19", taxable=total - tax, amount=tax, reason="standard_rated"),)
    values: dict[str, Any] = {
        "id": "cn_1",
        "number": "FH-0001-CN-01",
        "invoice": "in_1",
        "customer": "cus_1",
        "status": "issued",
        "currency": "eur",
        "subtotal": total - tax,
        "tax": tax,
        "total": total,
        "pre_payment": 0,
        "to_balance": 0,
        "out_of_band": 0,
        "refunds": (),
        "reason": "",
        "created": day(7, 2),
        "voided_at": None,
        "taxes": taxes if tax else (),
        "metadata": {},
    }
    return CreditNoteObject(**values | fields)


def movement(category: str, amount: int, fee: int = 0, **fields: Any) -> BalanceTransactionObject:
    values: dict[str, Any] = {
        "id": f"txn_{category}_{amount}",
        "type": category,
        "reporting_category": category,
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": "eur",
        "source": "ch_1",
        "created": day(1, 2),
        "available_on": day(1, 4),
        "description": "",
    }
    return BalanceTransactionObject(**values | fields)


def dispute(status: str, *movements: str) -> DisputeObject:
    return DisputeObject(
        id="dp_1",
        status=status,
        amount=43_435,
        currency="eur",
        charge="ch_1",
        payment_intent="pi_1",
        reason="fraudulent",
        balance_transactions=movements,
        due_by=None,
        created=day(2, 1),
    )


def books(currency: str = "eur") -> dict[str, int]:
    """Every account that is not at nothing, in minor units: debits positive. What is deferred is what the deferrals
    have not earned yet."""
    sums: dict[str, int] = {}
    recognized = 0
    for each in LedgerLine.objects.filter(currency=currency):
        sums[each.account] = sums.get(each.account, 0) + each.amount
        recognized -= each.amount if each.deferral_id else 0
    assert sum(sums.values()) == 0
    deferred = sum(Deferral.objects.filter(currency=currency).values_list("amount", flat=True))
    assert sums.get("deferred", 0) == recognized - deferred
    return {account: amount for account, amount in sorted(sums.items()) if amount}


def kinds() -> list[str]:
    return list(LedgerEntry.objects.order_by("pk").values_list("kind", flat=True))
