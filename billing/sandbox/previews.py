"""What would be charged, made by the functions that make the real invoice, so that the two can't differ."""

from __future__ import annotations

import copy

from stripe.params import InvoiceCreatePreviewParams

from billing.sandbox import cycle, invoices, lines, proration, tax_ids
from billing.sandbox.changes import bill_now
from billing.sandbox.coupons import redeem
from billing.sandbox.customers import living
from billing.sandbox.errors import StripeFault, missing
from billing.sandbox.fields import address
from billing.sandbox.invoiceitems import made_item
from billing.sandbox.opening import first_invoice, prepared
from billing.sandbox.proration import Plan
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.subscriptions import ENDED, ends, items_of, of_subscription, span


@route("POST", "/v1/invoices/create_preview", InvoiceCreatePreviewParams)
def create_preview(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    known = set(sandbox.objects.get("discount", {}))
    try:
        invoice = _preview(sandbox, params)
        return _as_preview(invoice)
    finally:
        for discount in set(sandbox.objects.get("discount", {})) - known:
            sandbox.forget("discount", discount)


def _as_preview(invoice: Object) -> Object:
    invoice["id"] = f"upcoming_{invoice['id']}"
    invoice["billing_reason"] = "upcoming"
    for line in invoice["lines"]["data"]:
        line["invoice"] = invoice["id"]
    return invoice


def _preview(sandbox: Sandbox, params: Object) -> Object:
    details = dict(params.get("subscription_details") or {})
    if name := params.get("subscription"):
        sub = copy.deepcopy(sandbox.get("subscription", name, "subscription"))
        return _of_running(sandbox, sub, params, details)
    buyer = _buyer(sandbox, params)
    if "items" in details:
        return _of_new(sandbox, buyer, params, details)
    return _of_items(sandbox, buyer, params)


def _buyer(sandbox: Sandbox, params: Object) -> Object:
    """The customer, with other details or without; or somebody who is none yet."""
    details = params.get("customer_details") or {}
    if "customer" not in params and not details:
        raise missing("customer")
    if "customer" in params:
        buyer = dict(living(sandbox, params["customer"], "customer"))
    else:
        buyer = blank("customer", id="", balance=0, metadata={}, tax_exempt="none", invoice_settings={})
    if "address" in details:
        buyer["address"] = address(details["address"])
    if details.get("tax_exempt"):
        buyer["tax_exempt"] = details["tax_exempt"]
    for sent in details.get("tax_ids", ()):
        verdict = tax_ids.verdict(sent["type"], tax_ids.checked(sent["type"], sent["value"]))
        buyer["_vat"] = buyer.get("_vat") or (sent["type"] == "eu_vat" and verdict == "verified")
    return buyer


def _of_new(sandbox: Sandbox, buyer: Object, params: Object, details: Object) -> Object:
    options: Object = {
        "automatic_tax": params.get("automatic_tax"),
        "discounts": params.get("discounts"),
        **{name: details[name] for name in ("trial_end", "billing_cycle_anchor") if name in details},
    }
    sub = prepared(sandbox, buyer, details["items"], options)
    return first_invoice(sandbox, sub, buyer)


def _of_items(sandbox: Sandbox, buyer: Object, params: Object) -> Object:
    made = [lines.from_waiting(sandbox, one) for one in lines.waiting_for(sandbox, buyer["id"], None)]
    made += _more(sandbox, buyer, params)
    if not made:
        raise _none()
    discounts = [redeem(sandbox, buyer["id"], one, preview=True)["id"] for one in params.get("discounts") or ()]
    enabled = (params.get("automatic_tax") or {}).get("enabled", False)
    return invoices.draft(sandbox, buyer, made, reason="upcoming", discounts=discounts, automatic_tax=enabled)


def _more(sandbox: Sandbox, buyer: Object, params: Object) -> list[Object]:
    sent = [one for one in params.get("invoice_items", ()) if "invoiceitem" not in one]
    return [lines.from_waiting(sandbox, made_item(sandbox, buyer, one)) for one in sent]


def _none() -> StripeFault:
    return StripeFault("No upcoming invoices for customer.", status=404, code="invoice_upcoming_none")


def _of_running(sandbox: Sandbox, sub: Object, params: Object, details: Object) -> Object:
    """Of a change that is paid at once, or else of the renewal, with the change in it."""
    if sub["status"] in ENDED:
        raise _none()
    if details.get("cancel_now"):
        return _of_cancellation(sandbox, sub)
    plan = Plan(items_of(sub), sandbox.now(sub["customer"]))
    if {"items", "billing_cycle_anchor", "trial_end"} & details.keys():
        plan = proration.plan(sandbox, sub, details)
        if bill := bill_now(sandbox, sub, plan, details):
            return bill
    ending = details.get("cancel_at_period_end", sub["cancel_at_period_end"])
    if ending or (sub["cancel_at"] is not None and sub["cancel_at"] <= ends(sub)):
        if not lines.waiting_for(sandbox, sub["customer"], sub["id"]) + plan.waiting:
            raise _none()
        sub["items"]["data"] = []
    return _of_renewal(sandbox, sub, plan, params)


def _of_renewal(sandbox: Sandbox, sub: Object, plan: Plan, params: Object) -> Object:
    before = span(plan.items)
    buyer = sandbox.get("customer", sub["customer"])
    if items_of(sub):
        sub["items"]["data"] = plan.items
        cycle.set_period(sub, before[1])
    extra = [lines.from_waiting(sandbox, one) for one in plan.waiting] + _more(sandbox, buyer, params)
    return cycle.renewal(sandbox, sub, before, extra=extra, created=before[1])


def _of_cancellation(sandbox: Sandbox, sub: Object) -> Object:
    waiting = lines.waiting_for(sandbox, sub["customer"], sub["id"]) + proration.unused(sandbox, sub)
    made = [lines.from_waiting(sandbox, one) for one in waiting]
    if not made:
        raise _none()
    return of_subscription(sandbox, sub, sandbox.get("customer", sub["customer"]), made, reason="upcoming")
