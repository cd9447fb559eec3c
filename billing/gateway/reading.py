"""From Stripe's objects, as plain dicts, to ours. Pure: what may be missing is asked for carefully, and only here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from billing.gateway import objects

Tree = Mapping[str, Any]
Rate = Callable[[str], Tree]
"""Gives a tax rate by its id."""


def when(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def identifier(value: str | Tree | None) -> str:
    """Of what may be expanded, or not, or missing."""
    if value is None or isinstance(value, str):
        return value or ""
    return str(value["id"])


def text(tree: Tree | None, name: str) -> str:
    return str((tree or {}).get(name) or "")


def number(tree: Tree, name: str) -> int:
    return int(tree.get(name) or 0)


def metadata(tree: Tree) -> dict[str, str]:
    return dict(tree.get("metadata") or {})


def rows(tree: Tree | None) -> list[Tree]:
    """Of a list inside an object."""
    return list((tree or {}).get("data") or [])


def product(tree: Tree) -> objects.ProductObject:
    return objects.ProductObject(
        id=tree["id"], name=text(tree, "name"), active=bool(tree["active"]), metadata=metadata(tree)
    )


def price(tree: Tree) -> objects.PriceObject:
    recurring = tree.get("recurring") or {}
    return objects.PriceObject(
        id=tree["id"],
        product=identifier(tree.get("product")),
        currency=tree["currency"],
        unit_amount=tree.get("unit_amount"),
        interval=text(recurring, "interval"),
        metered=recurring.get("usage_type") == "metered",
        lookup_key=text(tree, "lookup_key"),
        active=bool(tree["active"]),
        metadata=metadata(tree),
    )


def tax_id(tree: Tree) -> objects.TaxIdObject:
    return objects.TaxIdObject(
        id=tree["id"],
        kind=text(tree, "type"),
        value=text(tree, "value"),
        country=text(tree, "country"),
        status=text(tree.get("verification"), "status"),
    )


def customer(tree: Tree) -> objects.CustomerObject:
    """Of a deleted one Stripe says no more than that."""
    if tree.get("deleted"):
        return objects.CustomerObject(id=tree["id"], deleted=True)
    address = tree.get("address") or {}
    return objects.CustomerObject(
        id=tree["id"],
        livemode=bool(tree["livemode"]),
        email=text(tree, "email"),
        name=text(tree, "name"),
        currency=text(tree, "currency"),
        balance=number(tree, "balance"),
        country=text(address, "country"),
        state=text(address, "state"),
        tax_ids=tuple(tax_id(row) for row in rows(tree.get("tax_ids"))),
        metadata=metadata(tree),
    )


def session(tree: Tree) -> objects.SessionObject:
    return objects.SessionObject(
        id=tree["id"],
        status=text(tree, "status"),
        payment_status=text(tree, "payment_status"),
        url=text(tree, "url"),
        customer=identifier(tree.get("customer")),
        subscription=identifier(tree.get("subscription")),
        livemode=bool(tree["livemode"]),
        expires_at=moment(tree["expires_at"]),
        client_reference_id=text(tree, "client_reference_id"),
        metadata=metadata(tree),
    )


def item(tree: Tree) -> objects.ItemObject:
    found = price(tree["price"])
    return objects.ItemObject(
        id=tree["id"],
        price=found.id,
        lookup_key=found.lookup_key,
        currency=found.currency,
        unit_amount=found.unit_amount,
        interval=found.interval,
        quantity=tree.get("quantity"),
        period_start=when(tree.get("current_period_start")),
        period_end=when(tree.get("current_period_end")),
    )


def subscription(tree: Tree) -> objects.SubscriptionObject:
    pending = tree.get("pending_update") or {}
    return objects.SubscriptionObject(
        id=tree["id"],
        customer=identifier(tree["customer"]),
        status=tree["status"],
        livemode=bool(tree["livemode"]),
        created=moment(tree["created"]),
        currency=text(tree, "currency"),
        collection_method=text(tree, "collection_method"),
        cancel_at_period_end=bool(tree.get("cancel_at_period_end")),
        cancel_at=when(tree.get("cancel_at")),
        canceled_at=when(tree.get("canceled_at")),
        ended_at=when(tree.get("ended_at")),
        trial_end=when(tree.get("trial_end")),
        days_until_due=tree.get("days_until_due"),
        latest_invoice=identifier(tree.get("latest_invoice")),
        items=tuple(item(row) for row in rows(tree.get("items"))),
        pending_items={text(row, "id"): number(row, "quantity") for row in pending.get("subscription_items") or []},
        pending_until=when(pending.get("expires_at")),
        paused=bool(tree.get("pause_collection")) or tree["status"] == "paused",
        metadata=metadata(tree),
        raw=tree,
    )


def taxes(tree: Tree, rate: Rate) -> tuple[objects.TaxLine, ...]:
    return tuple(_tax(row, rate) for row in tree.get("total_taxes") or [])


def _tax(tree: Tree, rate: Rate) -> objects.TaxLine:
    named = (tree.get("tax_rate_details") or {}).get("tax_rate")
    found = named if isinstance(named, Mapping) else rate(named) if named else {}
    percentage = found.get("effective_percentage")
    percentage = found.get("percentage") if percentage is None else percentage
    return objects.TaxLine(
        jurisdiction="-".join(filter(None, (text(found, "country"), text(found, "state")))),
        rate="" if percentage is None else f"{percentage:g}" if isinstance(percentage, float) else str(percentage),
        taxable=number(tree, "taxable_amount"),
        amount=number(tree, "amount"),
        reason=text(tree, "taxability_reason"),
    )


def invoice_line(tree: Tree) -> objects.InvoiceLineObject:
    parent = tree.get("parent") or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    pricing = (tree.get("pricing") or {}).get("price_details") or {}
    return objects.InvoiceLineObject(
        id=tree["id"],
        description=text(tree, "description"),
        amount=tree["amount"],
        discount=sum(row["amount"] for row in tree.get("discount_amounts") or []),
        quantity=tree.get("quantity"),
        price=identifier(pricing.get("price")),
        item=text(details, "subscription_item"),
        proration=bool(details.get("proration")),
        period_start=moment(tree["period"]["start"]),
        period_end=moment(tree["period"]["end"]),
    )


def invoice_payment(tree: Tree) -> objects.InvoicePaymentObject:
    payment = tree.get("payment") or {}
    intent = payment.get("payment_intent")
    latest = intent.get("latest_charge") if isinstance(intent, Mapping) else None
    return objects.InvoicePaymentObject(
        id=tree["id"],
        status=text(tree, "status"),
        amount_paid=number(tree, "amount_paid"),
        payment_intent=identifier(intent),
        charge=identifier(payment.get("charge") or latest),
        paid_at=when((tree.get("status_transitions") or {}).get("paid_at")),
    )


def subscription_of(tree: Tree) -> str:
    """The subscription that an invoice, a plain dict, belongs to; empty for none."""
    details = (tree.get("parent") or {}).get("subscription_details") or {}
    return identifier(details.get("subscription"))


def invoice(tree: Tree, rate: Rate) -> objects.InvoiceObject:
    turns = tree.get("status_transitions") or {}
    levied = taxes(tree, rate)
    error = tree.get("last_finalization_error") or {}
    return objects.InvoiceObject(
        id=text(tree, "id"),
        number=text(tree, "number"),
        customer=identifier(tree.get("customer")),
        subscription=subscription_of(tree),
        status=text(tree, "status"),
        livemode=bool(tree.get("livemode")),
        currency=tree["currency"],
        collection_method=text(tree, "collection_method"),
        billing_reason=text(tree, "billing_reason"),
        subtotal=number(tree, "subtotal"),
        discount=sum(row["amount"] for row in tree.get("total_discount_amounts") or []),
        tax=sum(line.amount for line in levied),
        total=number(tree, "total"),
        amount_due=number(tree, "amount_due"),
        amount_paid=number(tree, "amount_paid"),
        amount_remaining=number(tree, "amount_remaining"),
        starting_balance=number(tree, "starting_balance"),
        created=moment(tree["created"]),
        due_date=when(tree.get("due_date")),
        finalized_at=when(turns.get("finalized_at")),
        paid_at=when(turns.get("paid_at")),
        period_start=moment(tree["period_start"]),
        period_end=moment(tree["period_end"]),
        attempt_count=number(tree, "attempt_count"),
        next_payment_attempt=when(tree.get("next_payment_attempt")),
        hosted_url=text(tree, "hosted_invoice_url"),
        pdf_url=text(tree, "invoice_pdf"),
        last_error=text(error, "message") or text(error, "code"),
        paid_out_of_band=number(tree, "amount_paid_off_stripe") > 0,
        payments=tuple(invoice_payment(row) for row in rows(tree.get("payments"))),
        lines=tuple(invoice_line(row) for row in rows(tree.get("lines"))),
        taxes=levied,
        metadata=metadata(tree),
        raw=tree,
    )


def charge(tree: Tree) -> objects.ChargeObject:
    return objects.ChargeObject(
        id=tree["id"],
        status=tree["status"],
        amount=tree["amount"],
        amount_refunded=number(tree, "amount_refunded"),
        currency=tree["currency"],
        customer=identifier(tree.get("customer")),
        payment_intent=identifier(tree.get("payment_intent")),
        balance_transaction=identifier(tree.get("balance_transaction")),
        disputed=bool(tree.get("disputed")),
        created=moment(tree["created"]),
        failure_code=text(tree, "failure_code"),
    )


def balance_transaction(tree: Tree) -> objects.BalanceTransactionObject:
    return objects.BalanceTransactionObject(
        id=tree["id"],
        type=tree["type"],
        reporting_category=text(tree, "reporting_category"),
        amount=tree["amount"],
        fee=tree["fee"],
        net=tree["net"],
        currency=tree["currency"],
        source=identifier(tree.get("source")),
        created=moment(tree["created"]),
        available_on=moment(tree["available_on"]),
        description=text(tree, "description"),
    )


def refund(tree: Tree) -> objects.RefundObject:
    return objects.RefundObject(
        id=tree["id"],
        status=text(tree, "status"),
        amount=tree["amount"],
        currency=tree["currency"],
        charge=identifier(tree.get("charge")),
        payment_intent=identifier(tree.get("payment_intent")),
        balance_transaction=identifier(tree.get("balance_transaction")),
        failure_balance_transaction=identifier(tree.get("failure_balance_transaction")),
        reason=text(tree, "reason"),
        created=moment(tree["created"]),
        metadata=metadata(tree),
    )


def dispute(tree: Tree) -> objects.DisputeObject:
    return objects.DisputeObject(
        id=tree["id"],
        status=tree["status"],
        amount=tree["amount"],
        currency=tree["currency"],
        charge=identifier(tree.get("charge")),
        payment_intent=identifier(tree.get("payment_intent")),
        reason=text(tree, "reason"),
        balance_transactions=tuple(identifier(row) for row in tree.get("balance_transactions") or []),
        due_by=when((tree.get("evidence_details") or {}).get("due_by")),
        created=moment(tree["created"]),
    )


def payout(tree: Tree) -> objects.PayoutObject:
    return objects.PayoutObject(
        id=tree["id"],
        status=tree["status"],
        amount=tree["amount"],
        currency=tree["currency"],
        balance_transaction=identifier(tree.get("balance_transaction")),
        arrival=moment(tree["arrival_date"]),
        created=moment(tree["created"]),
    )


def balance(tree: Tree) -> objects.BalanceObject:
    return objects.BalanceObject(available=_by_currency(tree, "available"), pending=_by_currency(tree, "pending"))


def _by_currency(tree: Tree, name: str) -> dict[str, int]:
    return {row["currency"]: row["amount"] for row in tree.get(name) or []}


def event(tree: Tree) -> objects.EventObject:
    about = (tree.get("data") or {}).get("object") or {}
    kind = text(about, "object")
    return objects.EventObject(
        id=tree["id"],
        type=tree["type"],
        created=moment(tree["created"]),
        livemode=bool(tree["livemode"]),
        account=text(tree, "account"),
        api_version=text(tree, "api_version"),
        object=text(about, "id"),
        object_type=kind,
        customer=text(about, "id") if kind == "customer" else identifier(about.get("customer")),
        raw=tree,
    )


def endpoint(tree: Tree) -> objects.EndpointObject:
    return objects.EndpointObject(
        id=tree["id"],
        url=tree["url"],
        status=text(tree, "status"),
        api_version=text(tree, "api_version"),
        enabled_events=tuple(tree.get("enabled_events") or ()),
        livemode=bool(tree["livemode"]),
    )


def account(tree: Tree) -> objects.AccountObject:
    return objects.AccountObject(
        id=tree["id"],
        country=text(tree, "country"),
        default_currency=text(tree, "default_currency"),
        charges_enabled=bool(tree.get("charges_enabled")),
    )
