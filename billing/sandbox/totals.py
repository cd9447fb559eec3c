"""What an invoice comes to: discounts and tax line by line, then the sums, of a preview as of the real one."""

from __future__ import annotations

from decimal import Decimal

from billing.sandbox import tax
from billing.sandbox.coupons import coupon_of, share_out
from billing.sandbox.fields import rounded
from billing.sandbox.store import Object, Sandbox


def reckon(sandbox: Sandbox, invoice: Object, customer: Object) -> None:
    """Write the sums into a draft. Whoever's place isn't known is not taxed yet, and can't be sent the invoice."""
    lines = invoice["lines"]["data"]
    _discount(sandbox, invoice, lines)
    _tax(sandbox, invoice, customer, lines)
    _sum(invoice, lines)
    _owe(invoice, customer)


def _discount(sandbox: Sandbox, invoice: Object, lines: list[Object]) -> None:
    sums = []
    for line in lines:
        line["discount_amounts"] = []
    for identifier in invoice["discounts"]:
        coupon = coupon_of(sandbox, sandbox.get("discount", identifier))
        amounts = [_discountable(line, coupon) for line in lines]
        off = _off(coupon, sum(amounts), invoice["currency"])
        for line, part in zip(lines, share_out(amounts, off, invoice["currency"]), strict=True):
            if part:
                line["discount_amounts"].append({"amount": part, "discount": identifier})
        sums.append({"amount": off, "discount": identifier})
    invoice["total_discount_amounts"] = sums


def _discountable(line: Object, coupon: Object) -> int:
    only = (coupon["applies_to"] or {}).get("products")
    product = ((line["pricing"] or {}).get("price_details") or {}).get("product")
    if not line["discountable"] or line["amount"] <= 0 or (only and product not in only):
        return 0
    return int(line["amount"]) - discounted(line)


def discounted(line: Object) -> int:
    return sum(part["amount"] for part in line["discount_amounts"])


def _off(coupon: Object, amount: int, currency: str) -> int:
    if coupon["percent_off"] is not None:
        return rounded(Decimal(str(coupon["percent_off"])) * amount, 100, currency=currency)
    return min(coupon["amount_off"], amount) if coupon["currency"] == currency else 0


def _tax(sandbox: Sandbox, invoice: Object, customer: Object, lines: list[Object]) -> None:
    enabled = invoice["automatic_tax"]["enabled"]
    rule = tax.rule_for(sandbox, customer) if enabled else None
    if enabled:
        invoice["automatic_tax"]["status"] = "complete" if rule else "requires_location_inputs"
    for line in lines:
        behavior = "inclusive" if line["_behavior"] == "inclusive" else "exclusive"
        line["taxes"] = (
            [tax.on(sandbox, rule, line["amount"] - discounted(line), line["currency"], behavior)] if rule else []
        )
    invoice["total_taxes"] = summed_taxes([part for line in lines for part in line["taxes"]])


def summed_taxes(parts: list[Object]) -> list[Object]:
    """One for each rate and way."""
    sums: dict[tuple[str, str], Object] = {}
    for part in parts:
        name = part["tax_rate_details"]["tax_rate"], part["tax_behavior"]
        known = sums.setdefault(name, {**part, "amount": 0, "taxable_amount": 0})
        known["amount"] += part["amount"]
        known["taxable_amount"] += part["taxable_amount"]
    return list(sums.values())


def tax_of(taxes: list[Object], behavior: str = "") -> int:
    return sum(part["amount"] for part in taxes if behavior in {"", part["tax_behavior"]})


def _sum(invoice: Object, lines: list[Object]) -> None:
    taxes = invoice["total_taxes"]
    subtotal = sum(line["amount"] for line in lines)
    off = sum(part["amount"] for part in invoice["total_discount_amounts"])
    inclusive = tax_of(taxes, "inclusive")
    invoice["subtotal"] = subtotal
    invoice["subtotal_excluding_tax"] = subtotal - inclusive
    invoice["total"] = subtotal - off + tax_of(taxes, "exclusive")
    invoice["total_excluding_tax"] = subtotal - off - inclusive


def _owe(invoice: Object, customer: Object) -> None:
    """The customer's credit, or debt, comes first; what an invoice gives back becomes credit."""
    invoice["starting_balance"] = customer.get("balance", 0)
    invoice["amount_due"] = max(invoice["total"] + invoice["starting_balance"], 0)
    invoice["amount_remaining"] = invoice["amount_due"]
