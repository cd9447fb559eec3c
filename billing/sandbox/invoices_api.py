"""The calls about invoices."""

from __future__ import annotations

from stripe.params import (
    InvoiceCreateParams,
    InvoiceDeleteParams,
    InvoiceFinalizeInvoiceParams,
    InvoiceLineItemListParams,
    InvoiceListParams,
    InvoiceMarkUncollectibleParams,
    InvoicePayParams,
    InvoiceRetrieveParams,
    InvoiceSendInvoiceParams,
    InvoiceUpdateParams,
    InvoiceVoidInvoiceParams,
)

from billing.sandbox import invoices, lines, payments
from billing.sandbox import payment_methods as methods
from billing.sandbox.clock import DAY
from billing.sandbox.coupons import redeem
from billing.sandbox.customers import living
from billing.sandbox.errors import StripeFault, missing
from billing.sandbox.fields import fill
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.store import Object, Sandbox, changed
from billing.sandbox.totals import reckon

_TEXTS = ("custom_fields", "description", "footer", "metadata")
_ALWAYS = frozenset({"auto_advance", "default_payment_method", "metadata"})
"""What can still be changed of an invoice that is no draft."""


@route("POST", "/v1/invoices", InvoiceCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    if "customer" not in params:
        raise missing("customer")
    customer = living(sandbox, params["customer"], "customer")
    sub = sandbox.get("subscription", params["subscription"], "subscription") if params.get("subscription") else None
    waiting = lines.waiting_for(sandbox, customer["id"], sub["id"] if sub else None)
    if sub is None and params.get("pending_invoice_items_behavior", "exclude") == "exclude":
        waiting = []
    made = [lines.from_waiting(sandbox, item) for item in waiting]
    invoice = invoices.draft(sandbox, customer, made, reason="manual", sub=sub, **_terms(sandbox, params))
    fill(invoice, params, _TEXTS)
    invoice["metadata"] = invoice["metadata"] or {}
    return invoices.enter(sandbox, invoice)


def _terms(sandbox: Sandbox, params: Object) -> Object:
    method = params.get("collection_method", "charge_automatically")
    if method == "send_invoice" and not {"days_until_due", "due_date"} & params.keys():
        raise missing("days_until_due")
    customer = params["customer"]
    days = params.get("days_until_due")
    due = params.get("due_date") or (sandbox.now(customer) + days * DAY if days is not None else None)
    return {
        "_days_until_due": days,
        "auto_advance": params.get("auto_advance", False),
        "automatic_tax": params.get("automatic_tax", {}).get("enabled", False),
        "collection_method": method,
        **({"currency": params["currency"]} if "currency" in params else {}),
        "default_payment_method": params.get("default_payment_method"),
        "discounts": [redeem(sandbox, customer, one)["id"] for one in params.get("discounts") or ()],
        "due_date": due if method == "send_invoice" else None,
    }


@route("GET", "/v1/invoices/{id}", InvoiceRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("invoice", request["id"])


@route("GET", "/v1/invoices", InvoiceListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    equal = {"customer": params["customer"]} if "customer" in params else {}
    found = equal_to(request, sandbox.find("invoice", **equal), "status", "collection_method")
    if sub := params.get("subscription"):
        found = [invoice for invoice in found if invoices.subscription_of(invoice) == sub]
    return page(request, found)


@route("GET", "/v1/invoices/{id}/lines", InvoiceLineItemListParams)
def list_lines(sandbox: Sandbox, request: Request) -> Object:
    return page(request, sandbox.get("invoice", request["id"])["lines"]["data"], newest_first=False)


@route("POST", "/v1/invoices/{id}", InvoiceUpdateParams)
def update(sandbox: Sandbox, request: Request) -> Object:
    invoice, params = sandbox.get("invoice", request["id"]), request.params
    if invoice["status"] != "draft" and (late := sorted(params.keys() - _ALWAYS)):
        raise StripeFault(
            "Finalized invoices can't be updated in this way.", code="invoice_not_editable", param=late[0]
        )
    with changed(sandbox, invoice, "invoice.updated"):
        fill(invoice, params, (*_TEXTS, "auto_advance", "collection_method", "default_payment_method", "due_date"))
        if "automatic_tax" in params:
            invoice["automatic_tax"]["enabled"] = params["automatic_tax"]["enabled"]
        if "discounts" in params:
            invoice["discounts"] = [
                redeem(sandbox, invoice["customer"], one)["id"] for one in params["discounts"] or ()
            ]
        if "days_until_due" in params:
            invoice["_days_until_due"] = params["days_until_due"]
        if invoice["status"] == "draft":
            reckon(sandbox, invoice, sandbox.get("customer", invoice["customer"]))
    if params.get("auto_advance") and invoice["status"] == "draft":
        at = sandbox.now(invoice["customer"]) + invoices.DRAFT_FOR
        sandbox.wake(at, "finalize", invoice["id"], invoice["customer"])
    return invoice


@route("DELETE", "/v1/invoices/{id}", InvoiceDeleteParams)
def delete(sandbox: Sandbox, request: Request) -> Object:
    """Only a draft of no subscription. What was in it waits again."""
    invoice = sandbox.get("invoice", request["id"])
    if invoice["status"] != "draft" or invoice["parent"] is not None:
        raise StripeFault("You can only delete draft invoices, and none of a subscription.")
    for item in sandbox.find("invoiceitem", invoice=invoice["id"]):
        item["invoice"] = None
    sandbox.emit("invoice.deleted", invoice)
    sandbox.forget("invoice", invoice["id"])
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


@route("POST", "/v1/invoices/{id}/finalize", InvoiceFinalizeInvoiceParams)
def finalize(sandbox: Sandbox, request: Request) -> Object:
    invoice = sandbox.get("invoice", request["id"])
    if "auto_advance" in request.params:
        invoice["auto_advance"] = request.params["auto_advance"]
    _finalize(sandbox, invoice)
    if invoice["status"] == "open" and invoice["auto_advance"]:
        sandbox.wake(
            sandbox.now(invoice["customer"]) + invoices.DRAFT_FOR, "collect", invoice["id"], invoice["customer"]
        )
    return invoice


def _finalize(sandbox: Sandbox, invoice: Object) -> None:
    if invoice["status"] != "draft":
        raise StripeFault("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    if not invoices.finalize(sandbox, invoice):
        raise invoices.location_fault()


@route("POST", "/v1/invoices/{id}/send", InvoiceSendInvoiceParams)
def send(sandbox: Sandbox, request: Request) -> Object:
    invoice = sandbox.get("invoice", request["id"])
    if invoice["collection_method"] != "send_invoice":
        raise StripeFault("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["status"] == "draft":
        _finalize(sandbox, invoice)
    sandbox.emit("invoice.sent", invoice)
    return invoice


@route("POST", "/v1/invoices/{id}/pay", InvoicePayParams)
def pay(sandbox: Sandbox, request: Request) -> Object:
    invoice, params = sandbox.get("invoice", request["id"]), request.params
    if invoice["status"] == "draft":
        _finalize(sandbox, invoice)
    if invoice["status"] not in {"open", "uncollectible"}:
        paid = invoice["status"] == "paid"
        raise StripeFault("Invoice is already paid" if paid else f"The invoice is {invoice['status']}.")
    if params.get("paid_out_of_band"):
        invoices.settle(sandbox, invoice, invoice["amount_remaining"], out_of_band=True)
        return invoice
    token = params.get("payment_method")
    method = methods.attach(sandbox, token, invoice["customer"]) if token else payments.method_for(sandbox, invoice)
    if method is None:
        raise StripeFault("There is no default payment method to charge.", code="resource_missing")
    _demand_idle(sandbox, invoice)
    outcome = invoices.pay(sandbox, invoice, method=method, off_session=params.get("off_session", True))
    if outcome in {payments.FAILED, payments.ACTION}:
        raise _refusal(sandbox, invoice, outcome)
    return invoice


def _demand_idle(sandbox: Sandbox, invoice: Object) -> None:
    intent = payments.intent_of(sandbox, invoice)
    if intent is not None and intent["status"] == "processing":
        raise StripeFault("A payment of this invoice is processing.", code="payment_intent_unexpected_state")


def _refusal(sandbox: Sandbox, invoice: Object, outcome: str) -> StripeFault:
    if outcome == payments.ACTION:
        return StripeFault(
            "This payment requires additional user action before it can be completed successfully.",
            status=402,
            kind="card_error",
            code="invoice_payment_intent_requires_action",
        )
    intent = payments.intent_of(sandbox, invoice) or {}
    error = intent.get("last_payment_error") or {}
    return methods.declined(error.get("decline_code", "generic_decline"))


@route("POST", "/v1/invoices/{id}/void", InvoiceVoidInvoiceParams)
def void(sandbox: Sandbox, request: Request) -> Object:
    return invoices.void(sandbox, sandbox.get("invoice", request["id"]))


@route("POST", "/v1/invoices/{id}/mark_uncollectible", InvoiceMarkUncollectibleParams)
def mark_uncollectible(sandbox: Sandbox, request: Request) -> Object:
    return invoices.mark_uncollectible(sandbox, sandbox.get("invoice", request["id"]))
