"""Invoice items: what is to stand in somebody's next invoice, or in a draft."""

from __future__ import annotations

from decimal import Decimal

from stripe.params import (
    InvoiceItemCreateParams,
    InvoiceItemDeleteParams,
    InvoiceItemListParams,
    InvoiceItemRetrieveParams,
)

from billing.sandbox import lines
from billing.sandbox.catalogue import whole_amount
from billing.sandbox.customers import living
from billing.sandbox.errors import StripeFault, missing
from billing.sandbox.fields import one_of, rounded
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.totals import reckon


@route("POST", "/v1/invoiceitems", InvoiceItemCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    invoice = sandbox.get("invoice", params["invoice"], "invoice") if params.get("invoice") else None
    who = params.get("customer") or (invoice or {}).get("customer")
    if not who:
        raise missing("customer")
    if invoice is not None and invoice["status"] != "draft":
        raise StripeFault("You can only add items to a draft invoice.", code="invoice_not_editable", param="invoice")
    customer = living(sandbox, who, "customer")
    item = sandbox.put("invoiceitem", made_item(sandbox, customer, params))
    if invoice is not None:
        item["invoice"] = invoice["id"]
        line = lines.from_waiting(sandbox, item)
        line["invoice"] = invoice["id"]
        invoice["lines"]["data"].append(line)
        reckon(sandbox, invoice, customer)
    sandbox.emit("invoiceitem.created", item)
    return item


def made_item(sandbox: Sandbox, customer: Object, params: Object) -> Object:
    """Not entered yet; raises ``StripeFault``."""
    one_of(params, "amount", "pricing", "price", "price_data", "unit_amount_decimal", "unit_amount")
    quantity = params.get("quantity", 1)
    price = _price(sandbox, params)
    data = params.get("price_data", {})
    now = sandbox.now(customer["id"])
    period = params.get("period", {"start": now, "end": now})
    parent = None
    if sub := params.get("subscription"):
        sandbox.get("subscription", sub, "subscription")
        parent = {
            "subscription_details": {"subscription": sub, "subscription_item": None},
            "type": "subscription_details",
        }
    return lines.waiting_item(
        sandbox,
        customer=customer["id"],
        amount=whole_amount(price, quantity) if price else _amount(params, data, quantity),
        currency=price["currency"] if price else (data.get("currency") or params.get("currency") or "usd"),
        period=(period["start"], period["end"]),
        _behavior=params.get("tax_behavior") or data.get("tax_behavior") or (price or {}).get("tax_behavior"),
        description=params.get("description") or (lines.name_of(sandbox, price) if price else None),
        discountable=params.get("discountable", True),
        metadata=params.get("metadata") or {},
        parent=parent,
        pricing=lines.pricing(price),
        proration=False,
        quantity=quantity,
        quantity_decimal=str(quantity),
    )


def _price(sandbox: Sandbox, params: Object) -> Object | None:
    name = params.get("price") or params.get("pricing", {}).get("price")
    return sandbox.get("price", name, "pricing[price]") if name else None


def _amount(params: Object, data: Object, quantity: int) -> int:
    if "amount" in params:
        return int(params["amount"])
    for told in (params, data):
        for name in ("unit_amount_decimal", "unit_amount"):
            if name in told:
                return rounded(Decimal(told[name]) * quantity)
    raise missing("amount")


@route("GET", "/v1/invoiceitems/{id}", InvoiceItemRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("invoiceitem", request["id"])


@route("GET", "/v1/invoiceitems", InvoiceItemListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    found = equal_to(request, sandbox.find("invoiceitem"), "customer", "invoice")
    if "pending" in request.params:
        found = [item for item in found if (item["invoice"] is None) == request.params["pending"]]
    return page(request, found)


@route("DELETE", "/v1/invoiceitems/{id}", InvoiceItemDeleteParams)
def delete(sandbox: Sandbox, request: Request) -> Object:
    item = sandbox.get("invoiceitem", request["id"])
    if item["invoice"] is not None:
        invoice = sandbox.get("invoice", item["invoice"])
        if invoice["status"] != "draft":
            raise StripeFault("It is in a finalized invoice.", code="invoice_not_editable")
        kept = [line for line in invoice["lines"]["data"] if line.get("_waiting") != item["id"]]
        invoice["lines"]["data"] = kept
        reckon(sandbox, invoice, sandbox.get("customer", invoice["customer"]))
    sandbox.emit("invoiceitem.deleted", item)
    sandbox.forget("invoiceitem", item["id"])
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}
