"""How subscriptions begin: the first period, its invoice, and the payment that makes them active."""

from __future__ import annotations

from billing.sandbox import coupons, invoices, lines, payments, tax
from billing.sandbox import payment_methods as methods
from billing.sandbox.clock import DAY, HOUR
from billing.sandbox.customers import living
from billing.sandbox.errors import StripeFault, missing
from billing.sandbox.jobs import job
from billing.sandbox.lists import listed
from billing.sandbox.periods import period_end
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.subscriptions import (
    automatic_tax,
    demand_same_rhythm,
    ends,
    items_of,
    new_item,
    of_subscription,
    redeemed,
    set_cancel,
    set_status,
    starts,
    take_simple,
    watch,
)

INCOMPLETE_FOR = 23 * HOUR


def open_subscription(sandbox: Sandbox, customer: str, items: list[Object], **options: object) -> Object:
    """As ``POST /v1/subscriptions`` does, whose parameters the options are; raises ``StripeFault``."""
    buyer = living(sandbox, customer, "customer")
    sub = prepared(sandbox, buyer, items, options)
    invoice = first_invoice(sandbox, sub, buyer)
    behavior = str(options.get("payment_behavior", "allow_incomplete"))
    _demand_payable(sandbox, sub, invoice, behavior)
    for discount in sub["discounts"]:
        coupons.count(sandbox, sandbox.get("discount", discount))
    sandbox.emit("customer.subscription.created", sandbox.put("subscription", sub))
    sub["latest_invoice"] = invoices.enter(sandbox, invoice, finalizes=_waits(sub))["id"]
    if not _waits(sub):
        _charge_first(sandbox, sub, invoice, behavior, off_session=bool(options.get("off_session")))
    watch(sandbox, sub)
    return sub


def _waits(sub: Object) -> bool:
    """Invoices that are sent are looked at for an hour first."""
    return bool(sub["collection_method"] == "send_invoice" and sub["status"] != "trialing")


def prepared(sandbox: Sandbox, buyer: Object, items: list[Object], options: Object) -> Object:
    """The subscription, not entered yet, as a preview needs it too."""
    sub = bare(sandbox, buyer, options)
    made = [new_item(sandbox, sub, item, number) for number, item in enumerate(items)]
    demand_same_rhythm(made)
    sub["currency"] = made[0]["price"]["currency"]
    sub["items"] = listed(made, f"/v1/subscription_items?subscription={sub['id']}")
    if buyer.get("currency") not in {None, sub["currency"]}:
        raise StripeFault(f"The customer pays in {buyer['currency']}, not in {sub['currency']}.", param="items")
    _begin_period(sub, options)
    sub["discounts"] = redeemed(sandbox, sub, options.get("discounts"))
    if sub["automatic_tax"]["enabled"] and tax.rule_for(sandbox, buyer) is None:
        raise invoices.location_fault()
    set_cancel(sub, options, sub["created"])
    return sub


def bare(sandbox: Sandbox, buyer: Object, options: Object) -> Object:
    """Without items."""
    now = sandbox.now(buyer["id"])
    sub = blank(
        "subscription",
        id=sandbox.new_id("sub"),
        automatic_tax=automatic_tax(options.get("automatic_tax")),
        billing_cycle_anchor=now,
        billing_mode={"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": None},
        collection_method=options.get("collection_method", "charge_automatically"),
        created=now,
        customer=buyer["id"],
        invoice_settings={"account_tax_ids": None, "issuer": {"account": None, "type": "self"}},
        metadata={},
        payment_settings={"save_default_payment_method": "off"},
        start_date=now,
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
        test_clock=buyer.get("test_clock"),
    )
    sub["cancellation_details"] = dict.fromkeys(("comment", "feedback", "feedback_option", "reason"))
    sub["status"] = "active" if sub["collection_method"] == "send_invoice" else "incomplete"
    take_simple(sandbox, sub, options)
    if sub["collection_method"] == "send_invoice" and sub["days_until_due"] is None:
        raise missing("days_until_due")
    return sub


def _begin_period(sub: Object, options: Object) -> None:
    """The first period: a trial, up to an anchor, or a whole one."""
    now = int(sub["created"])
    until = options.get("trial_end")
    if days := options.get("trial_period_days"):
        until = now + days * DAY
    if isinstance(until, int) and until > now:
        sub.update(status="trialing", trial_start=now, trial_end=until, billing_cycle_anchor=until)
        end = until
    elif anchor := options.get("billing_cycle_anchor"):
        sub["billing_cycle_anchor"] = end = anchor
    else:
        end = period_end(now, items_of(sub)[0]["price"]["recurring"], now)
    whole = period_end(now, items_of(sub)[0]["price"]["recurring"], now)
    if not now < end <= max(whole, sub["trial_end"] or 0):
        raise StripeFault("The billing cycle begins within one period.", param="billing_cycle_anchor")
    for item in items_of(sub):
        item["current_period_start"], item["current_period_end"] = now, end


def first_invoice(sandbox: Sandbox, sub: Object, buyer: Object) -> Object:
    """What is paid at the beginning: in advance, for what isn't metered."""
    start, end = starts(sub), ends(sub)
    whole = period_end(start, items_of(sub)[0]["price"]["recurring"], start)
    made = []
    for item in items_of(sub):
        if "quantity" in item:
            line = lines.of_item(sandbox, sub, item, item["quantity"], (start, end))
            if sub["status"] == "trialing":
                set_amount(line, 0, f"Free trial: {line['description']}")
            elif end != whole:
                set_amount(line, part(line["amount"], end - start, whole - start), line["description"])
            made.append(line)
    made += [lines.from_waiting(sandbox, one) for one in lines.waiting_for(sandbox, buyer["id"], None)]
    return of_subscription(sandbox, sub, buyer, made, reason="subscription_create")


def set_amount(line: Object, amount: int, description: str) -> None:
    line.update(amount=amount, subtotal=amount, description=description)


def part(amount: int, seconds: int, of: int) -> int:
    """Halves away from zero, for every line by itself."""
    doubled = 2 * abs(amount) * seconds + of
    return doubled // (2 * of) * (1 if amount >= 0 else -1)


def _demand_payable(sandbox: Sandbox, sub: Object, invoice: Object, behavior: str) -> None:
    """Raises ``StripeFault`` before anything is there, if it isn't worth beginning."""
    if sub["collection_method"] == "send_invoice" or not invoice["amount_due"] or behavior == "default_incomplete":
        return
    buyer = sandbox.get("customer", sub["customer"])
    method = methods.of_customer(sandbox, buyer, explicit=sub["default_payment_method"])
    does = payments.foresee(sandbox, buyer["id"], method, off_session=False)
    if method is None or (behavior == "error_if_incomplete" and does != methods.SUCCEED):
        raise methods.refusal(does)


def _charge_first(sandbox: Sandbox, sub: Object, invoice: Object, behavior: str, *, off_session: bool) -> None:
    if not invoices.finalize(sandbox, invoice):
        raise invoices.location_fault()
    if invoice["status"] == "open" and behavior != "default_incomplete":
        outcome = invoices.pay(sandbox, invoice, off_session=off_session)
        if outcome == payments.PROCESSING:
            set_status(sandbox, sub, "active")
    if sub["status"] == "incomplete":
        sandbox.wake(sub["created"] + INCOMPLETE_FOR, "expire", sub["id"], sub["customer"])


@job("expire")
def expire(sandbox: Sandbox, identifier: str) -> None:
    """Nobody paid the first invoice."""
    sub = sandbox.get("subscription", identifier)
    if sub["status"] == "incomplete":
        sub["ended_at"] = sandbox.now()
        set_status(sandbox, sub, "incomplete_expired")
        invoice = sandbox.get("invoice", sub["latest_invoice"])
        if invoice["status"] == "open":
            invoices.void(sandbox, invoice)
