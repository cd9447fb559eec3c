"""The lines of invoices, and the items that wait for an invoice to become lines of."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from billing.sandbox.catalogue import whole_amount
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox

Span = tuple[int, int]
_WITHOUT_DECIMALS = frozenset({"clp", "jpy", "krw", "vnd"})
_WITH_THREE = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})


def written(amount: int, currency: str) -> str:
    """For descriptions: ``5.00 USD``."""
    decimals = 0 if currency in _WITHOUT_DECIMALS else 3 if currency in _WITH_THREE else 2
    return f"{Decimal(amount).scaleb(-decimals):,f} {currency.upper()}"


def day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, tz=UTC):%d %b %Y}"


def line(sandbox: Sandbox, *, amount: int, currency: str, description: str, period: Span, **fields: object) -> Object:
    return blank(
        "line_item",
        id=sandbox.new_id("il"),
        amount=amount,
        currency=currency,
        description=description,
        period={"start": period[0], "end": period[1]},
        pretax_credit_amounts=[],
        discount_amounts=[],
        subtotal=amount,
        taxes=[],
        **{"discountable": True, "metadata": {}, **fields},
    )


def pricing(price: Object | None) -> Object | None:
    if price is None:
        return None
    details = {"price": price["id"], "product": price["product"]}
    return {"price_details": details, "type": "price_details", "unit_amount_decimal": price["unit_amount_decimal"]}


def of_item(sandbox: Sandbox, sub: Object, item: Object, quantity: int, period: Span) -> Object:
    """A period of a subscription item."""
    price = item["price"]
    details = dict.fromkeys(("invoice_item", "proration_details"))
    parent = {"proration": False, "subscription": sub["id"], "subscription_item": item["id"], **details}
    per = price["recurring"]["interval"]
    at = f"at {written(price['unit_amount'], price['currency'])}" if price["unit_amount"] is not None else "in tiers"
    return line(
        sandbox,
        amount=whole_amount(price, quantity),
        currency=price["currency"],
        description=f"{quantity} × {name_of(sandbox, price)} ({at} / {per})",
        period=period,
        _behavior=price["tax_behavior"],
        parent={
            "invoice_item_details": None,
            "subscription_item_details": parent,
            "type": "subscription_item_details",
        },
        pricing=pricing(price),
        quantity=quantity,
        subscription=sub["id"],
        metadata=dict(item["metadata"]),
    )


def name_of(sandbox: Sandbox, price: Object) -> str:
    return str(sandbox.get("product", price["product"])["name"])


_USUAL = {"_behavior": None, "discountable": True, "quantity": 1, "quantity_decimal": "1"}


# --- Items that wait --------------------------------------------------------------------------------------------------


def waiting_item(
    sandbox: Sandbox, *, customer: str, amount: int, currency: str, period: Span, **fields: object
) -> Object:
    """Not entered yet: a preview makes them too."""
    return blank(
        "invoiceitem",
        id=sandbox.new_id("ii"),
        amount=amount,
        currency=currency,
        customer=customer,
        date=sandbox.now(customer),
        discounts=[],
        net_amount=amount,
        period={"start": period[0], "end": period[1]},
        tax_rates=[],
        test_clock=sandbox.clock_of(customer) or None,
        **{**_USUAL, "metadata": {}, **fields},
    )


def from_waiting(sandbox: Sandbox, item: Object) -> Object:
    """The line that the item becomes."""
    sub = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
    parent = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": None,
        "subscription": sub,
    }
    if item["proration"]:
        credited = item.get("_credits")
        parent["proration_details"] = {"credited_items": credited}
    return line(
        sandbox,
        amount=item["amount"],
        currency=item["currency"],
        description=item["description"] or "",
        period=(item["period"]["start"], item["period"]["end"]),
        _behavior=item["_behavior"],
        _waiting=item["id"],
        discountable=item["discountable"],
        metadata=dict(item["metadata"]),
        parent={"invoice_item_details": parent, "subscription_item_details": None, "type": "invoice_item_details"},
        pricing=item["pricing"],
        quantity=item["quantity"],
        subscription=sub,
    )


def waiting_for(sandbox: Sandbox, customer: str, sub: str | None) -> list[Object]:
    """What goes into the next invoice of the subscription, or of none: its own and what belongs to none."""
    found = sandbox.find("invoiceitem", customer=customer, invoice=None)
    return [item for item in found if subscription_of(item) in {None, sub}]


def subscription_of(item: Object) -> str | None:
    details = (item["parent"] or {}).get("subscription_details") or {}
    found: str | None = details.get("subscription")
    return found
