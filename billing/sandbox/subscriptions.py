"""Subscriptions: their items and terms, what state their invoices bring them into, and how they end."""

from __future__ import annotations

from billing.sandbox import coupons, invoices
from billing.sandbox import payment_methods as methods
from billing.sandbox.clock import DAY
from billing.sandbox.customers import ENDINGS
from billing.sandbox.errors import StripeFault, missing
from billing.sandbox.fields import fill
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed

ENDED = frozenset({"canceled", "incomplete_expired"})
RUNNING = frozenset({"active", "past_due", "trialing", "unpaid"})
MOST_ITEMS = 20


# --- Items ------------------------------------------------------------------------------------------------------------


def items_of(sub: Object) -> list[Object]:
    found: list[Object] = sub["items"]["data"]
    return found


def span(items: list[Object]) -> tuple[int, int]:
    """From the beginning of their period to its end."""
    return min(int(one["current_period_start"]) for one in items), max(int(one["current_period_end"]) for one in items)


def starts(sub: Object) -> int:
    return span(items_of(sub))[0]


def ends(sub: Object) -> int:
    return span(items_of(sub))[1]


def recurring_price(sandbox: Sandbox, identifier: str, param: str) -> Object:
    price = sandbox.get("price", identifier, param)
    if not price["active"] or price["recurring"] is None:
        what = "recurring" if price["active"] else "active"
        raise StripeFault(f"The price specified is not {what}.", param=param)
    return price


def new_item(sandbox: Sandbox, sub: Object, sent: Object, number: int) -> Object:
    """From ``{"price": …, "quantity": …}``; raises ``StripeFault``. Its period is set by whoever adds it."""
    at = f"items[{number}][price]"
    if "price" not in sent:
        raise missing(at)
    price = recurring_price(sandbox, sent["price"], at)
    metered = price["recurring"]["usage_type"] == "metered"
    if metered and "quantity" in sent:
        raise StripeFault("Quantity should not be specified for a metered price.", param=f"items[{number}][quantity]")
    now = sandbox.now(sub["customer"])
    item = blank(
        "subscription_item",
        id=sandbox.new_id("si", 10),
        created=now,
        current_period_start=now,
        current_period_end=now,
        metadata=sent.get("metadata") or {},
        subscription=sub["id"],
        tax_rates=[],
    )
    set_price(item, price)
    if metered:
        del item["quantity"]
    else:
        item["quantity"] = sent.get("quantity", 1)
    return item


def set_price(item: Object, price: Object) -> None:
    item["price"] = price
    told = {name: price[name] for name in ("active", "created", "currency", "metadata", "nickname", "product")}
    recurring = price["recurring"]
    item["plan"] = {
        **told,
        "id": price["id"],
        "object": "plan",
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "meter": recurring["meter"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": recurring["usage_type"],
    }


def demand_same_rhythm(items: list[Object]) -> None:
    """One currency and one interval for all the items, as we sell them."""
    rhythms = {
        (one["price"]["currency"], one["price"]["recurring"]["interval"], one["price"]["recurring"]["interval_count"])
        for one in items
    }
    if len(rhythms) > 1 or not 1 <= len(items) <= MOST_ITEMS:
        raise StripeFault("The items of a subscription share a currency and an interval here.", param="items")
    if len({one["price"]["id"] for one in items}) < len(items):
        raise StripeFault("Cannot add multiple subscription items with the same price.", param="items")


# --- Terms ------------------------------------------------------------------------------------------------------------


def automatic_tax(sent: object) -> Object:
    enabled = bool(isinstance(sent, dict) and sent.get("enabled"))
    liability = {"account": None, "type": "self"} if enabled else None
    return {"disabled_reason": None, "enabled": enabled, "liability": liability}


def take_simple(sandbox: Sandbox, sub: Object, params: Object) -> None:
    """What only has to be written down."""
    if method := params.get("default_payment_method"):
        known = methods.make(sandbox, str(method), sub["customer"])
        if known["customer"] != sub["customer"]:
            raise StripeFault("The payment method isn't the customer's.", param="default_payment_method")
    told = (
        "collection_method",
        "days_until_due",
        "default_payment_method",
        "description",
        "metadata",
        "trial_settings",
    )
    fill(sub, params, told)
    for name in ("invoice_settings", "payment_settings"):
        if isinstance(sent := params.get(name), dict):
            sub[name] = {**sub[name], **sent}
    if "automatic_tax" in params:
        sub["automatic_tax"] = automatic_tax(params["automatic_tax"])


def redeemed(sandbox: Sandbox, sub: Object, sent: object) -> list[str]:
    """The ids of the discounts that were asked for; whoever keeps them counts them."""
    asked = sent if isinstance(sent, list) else []
    found = [coupons.redeem(sandbox, sub["customer"], one, preview=True) for one in asked]
    for discount in found:
        discount["subscription"] = sub["id"]
    return [discount["id"] for discount in found]


def of_subscription(
    sandbox: Sandbox, sub: Object, buyer: Object, made: list[Object], *, reason: str, **more: object
) -> Object:
    """A draft with the subscription's terms."""
    terms = {
        "automatic_tax": sub["automatic_tax"]["enabled"],
        "collection_method": sub["collection_method"],
        "_days_until_due": sub["days_until_due"],
        "currency": sub["currency"],
        "custom_fields": sub["invoice_settings"].get("custom_fields"),
        "default_payment_method": None,
        "description": sub["invoice_settings"].get("description"),
        "discounts": list(sub["discounts"]),
        "footer": sub["invoice_settings"].get("footer"),
    }
    if sub["collection_method"] == "send_invoice":
        terms["due_date"] = sandbox.now(buyer["id"]) + sub["days_until_due"] * DAY
    return invoices.draft(sandbox, buyer, made, reason=reason, sub=sub, **{**terms, **more})


# --- States -----------------------------------------------------------------------------------------------------------


def set_status(sandbox: Sandbox, sub: Object, status: str) -> None:
    with changed(sandbox, sub, "customer.subscription.updated"):
        sub["status"] = status


def _on_paid(sandbox: Sandbox, invoice: Object) -> None:
    """Paid up again, if no other invoice is overdue."""
    sub = _sub_of(sandbox, invoice)
    if sub is None:
        return
    _set_delinquent(sandbox, sub, delinquent=False)
    late = [one for one in _open_invoices(sandbox, sub) if _is_late(one, sandbox.now(sub["customer"]))]
    if sub["status"] == "incomplete" or (sub["status"] in {"past_due", "unpaid"} and not late):
        set_status(sandbox, sub, "active")


def _open_invoices(sandbox: Sandbox, sub: Object) -> list[Object]:
    found = sandbox.find("invoice", customer=sub["customer"], status="open")
    return [one for one in found if invoices.subscription_of(one) == sub["id"]]


def _is_late(invoice: Object, now: int) -> bool:
    due = invoice["due_date"]
    return bool(invoice["attempt_count"]) or (due is not None and due <= now)


def _on_failed(sandbox: Sandbox, invoice: Object) -> None:
    sub = _sub_of(sandbox, invoice)
    if sub is None:
        return
    if sub["status"] in {"active", "trialing"} and invoice["id"] != (sub.get("_held") or {}).get("invoice"):
        _set_delinquent(sandbox, sub, delinquent=True)
        set_status(sandbox, sub, "past_due")


def _set_delinquent(sandbox: Sandbox, sub: Object, *, delinquent: bool) -> None:
    customer = sandbox.get("customer", sub["customer"])
    if not customer.get("deleted"):
        with changed(sandbox, customer, "customer.updated"):
            customer["delinquent"] = delinquent


def _sub_of(sandbox: Sandbox, invoice: Object) -> Object | None:
    name = invoices.subscription_of(invoice)
    return sandbox.get("subscription", name) if name else None


# --- The end ----------------------------------------------------------------------------------------------------------


def set_cancel(sub: Object, params: Object, now: int) -> None:
    """``cancel_at_period_end`` is a ``cancel_at`` of its own; the one clears the other."""
    if "cancel_at_period_end" in params:
        sub["cancel_at_period_end"] = bool(params["cancel_at_period_end"])
        sub["cancel_at"] = ends(sub) if sub["cancel_at_period_end"] else None
    if "cancel_at" in params:
        at = params["cancel_at"]
        sub["cancel_at"] = {"min_period_end": ends(sub), "max_period_end": ends(sub), "": None}.get(at, at)
        sub["cancel_at_period_end"] = False
    if {"cancel_at", "cancel_at_period_end"} & params.keys():
        sub["canceled_at"] = now if sub["cancel_at"] else None
        sub["cancellation_details"]["reason"] = "cancellation_requested" if sub["cancel_at"] else None


def end(sandbox: Sandbox, sub: Object, reason: str, details: Object | None = None) -> None:
    """At once. What it still owes is no longer collected by machine, and a change that waits is not made any more."""
    now = sandbox.now(sub["customer"])
    incomplete, held = sub["status"] == "incomplete", (sub.get("_held") or {}).get("invoice")
    sub.update(status="canceled", ended_at=now, canceled_at=sub["canceled_at"] or now, pending_update=None, _held=None)
    sub["cancellation_details"].update(reason=reason, **(details or {}))
    sandbox.emit("customer.subscription.deleted", sub)
    for invoice in sandbox.find("invoice", customer=sub["customer"]):
        if invoices.subscription_of(invoice) == sub["id"] and invoice["status"] in {"draft", "open"}:
            if invoice["status"] == "open" and (incomplete or invoice["id"] == held):
                invoices.void(sandbox, invoice)
            else:
                with changed(sandbox, invoice, "invoice.updated"):
                    invoice.update(auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None)


def _end_all(sandbox: Sandbox, customer: Object) -> None:
    for sub in sandbox.find("subscription", customer=customer["id"]):
        if sub["status"] not in ENDED:
            end(sandbox, sub, "cancellation_requested")


def watch(sandbox: Sandbox, sub: Object) -> None:
    """Have it looked at when its period ends, and when it is to end."""
    sandbox.wake(ends(sub), "renew", sub["id"], sub["customer"])
    if sub["cancel_at"] is not None:
        sandbox.wake(sub["cancel_at"], "cancel", sub["id"], sub["customer"])


invoices.PAID.append(_on_paid)
invoices.FAILED.append(_on_failed)
ENDINGS.append(_end_all)
