"""What a checkout session comes to, with what the buyer has typed so far, reckoned as the first invoice will be."""

from __future__ import annotations

from billing.sandbox import catalogue, coupons, invoices, lines, tax, tax_ids
from billing.sandbox.errors import StripeFault
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.totals import discounted, tax_of


def line_items(sandbox: Sandbox, session: Object) -> list[Object]:
    """As ``line_items`` shows them."""
    invoice = draft(sandbox, session)
    return [_shown(sandbox, item, line) for item, line in zip(session["_items"], invoice["lines"]["data"], strict=True)]


def refresh(sandbox: Sandbox, session: Object) -> None:
    """Write the sums into the session. Without a place, tax is not known yet, and counts for nothing."""
    invoice = draft(sandbox, session)
    session["amount_subtotal"], session["amount_total"] = invoice["subtotal"], invoice["total"]
    session["total_details"] = {
        "amount_discount": sum(part["amount"] for part in invoice["total_discount_amounts"]),
        "amount_shipping": 0,
        "amount_tax": tax_of(invoice["total_taxes"]),
    }
    session["_due"] = invoice["amount_due"]
    session["automatic_tax"]["status"] = invoice["automatic_tax"]["status"]
    session["discounts"] = [
        {"coupon": sent.get("coupon"), "promotion_code": sent.get("promotion_code")} for sent in session["_discounts"]
    ]


def draft(sandbox: Sandbox, session: Object) -> Object:
    """The invoice if the buyer paid now; it is not entered."""
    customer = buyer(sandbox, session)
    discounts = [coupons.redeem(sandbox, customer["id"], sent, preview=True)["id"] for sent in session["_discounts"]]
    try:
        return invoices.draft(
            sandbox,
            customer,
            [_line(sandbox, item, free=is_trial(session)) for item in session["_items"]],
            reason="subscription_create",
            discounts=discounts,
            automatic_tax=session["automatic_tax"]["enabled"],
        )
    finally:
        for discount in discounts:
            sandbox.forget("discount", discount)


def buyer(sandbox: Sandbox, session: Object) -> Object:
    """The customer as it would be."""
    known = sandbox.objects.get("customer", {}).get(session["customer"] or "", {})
    typed = session["_typed"]
    made = {**blank("customer", id="", balance=0, metadata={}, tax_exempt="none"), **known}
    made["address"] = typed.get("address") or made.get("address")
    if _is_reversed(made["address"], typed.get("tax_id")):
        made["tax_exempt"] = "reverse"
    return made


def _is_reversed(where: Object | None, tax_id: Object | None) -> bool:
    """A number that is typed here is not the customer's yet."""
    place = tax.location(where)
    abroad = place is not None and place[0] in tax.EUROPE and place[0] != tax.HOME
    verdict = tax_ids.verdict(tax_id["type"], tax_id["value"]) if tax_id else ""
    return abroad and tax_id is not None and tax_id["type"] == "eu_vat" and verdict == "verified"


def is_trial(session: Object) -> bool:
    return bool(session["_subscription"].keys() & {"trial_end", "trial_period_days"})


def _line(sandbox: Sandbox, item: Object, *, free: bool) -> Object:
    """Metered prices are charged afterwards, and so is a trial."""
    price = sandbox.get("price", item["price"])
    now = sandbox.now()
    return lines.line(
        sandbox,
        amount=0 if free or item["quantity"] is None else catalogue.whole_amount(price, item["quantity"]),
        currency=price["currency"],
        description=lines.name_of(sandbox, price),
        period=(now, now),
        pricing=lines.pricing(price),
        _behavior=price["tax_behavior"],
    )


def _shown(sandbox: Sandbox, item: Object, line: Object) -> Object:
    off, added = discounted(line), tax_of(line["taxes"], "exclusive")
    return blank(
        "item",
        id=item["id"],
        amount_discount=off,
        amount_subtotal=line["amount"],
        amount_tax=tax_of(line["taxes"]),
        amount_total=line["amount"] - off + added,
        currency=line["currency"],
        description=line["description"],
        metadata=item["metadata"],
        price=sandbox.get("price", item["price"]),
        quantity=item["quantity"],
    )


def code_fault(sandbox: Sandbox, session: Object, code: Object) -> str:
    """Why this buyer can't have what the code is for; empty if nothing is in the way."""
    try:
        found = coupons.redeem(sandbox, session["customer"] or "", {"promotion_code": code["id"]}, preview=True)
    except StripeFault:
        return "This code can't be used here any more."
    coupon = coupons.coupon_of(sandbox, found)
    sandbox.forget("discount", found["id"])
    least, currency = code["restrictions"]["minimum_amount"], code["restrictions"]["minimum_amount_currency"]
    if coupon["currency"] not in {None, session["currency"]} or currency not in {None, session["currency"]}:
        return "This code is for another currency."
    return "The order is too small for this code." if least and session["amount_subtotal"] < least else ""
