"""Tax by a made-up table. It is simple and stays the same; what is owed in the real world is another matter."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from stripe.params import TaxRateListParams, TaxRateRetrieveParams

from billing.sandbox import tax_ids
from billing.sandbox.fields import rounded
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox

HOME = "DE"
"""Where the seller is: there is no reverse charge at home."""

EUROPE: dict[str, str] = {
    "AT": "20", "BE": "21", "BG": "20", "CY": "19", "CZ": "21", "DE": "19", "DK": "25", "EE": "22", "ES": "21",
    "FI": "25.5", "FR": "20", "GR": "24", "HR": "25", "HU": "27", "IE": "23", "IT": "22", "LT": "21", "LU": "17",
    "LV": "21", "MT": "18", "NL": "21", "PL": "23", "PT": "23", "RO": "19", "SE": "25", "SI": "22", "SK": "23",
}  # fmt: skip
STATES: dict[tuple[str, str], str] = {
    ("US", "NY"): "8.875", ("US", "TX"): "8.25", ("US", "WA"): "10.1", ("US", "PA"): "6", ("US", "CT"): "1",
    ("CA", "ON"): "13", ("CA", "QC"): "14.975", ("CA", "BC"): "5", ("CA", "AB"): "5",
}  # fmt: skip
ELSEWHERE: dict[str, str] = {
    "GB": "20",
    "NO": "25",
    "CH": "8.1",
    "AU": "10",
    "NZ": "15",
    "JP": "10",
    "IN": "18",
    "KR": "10",
}
BY_STATE = frozenset({"US", "CA"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Which tax a customer pays, and why. Without a percentage there is nothing to pay, for this reason."""

    country: str
    state: str
    percentage: Decimal
    reason: str


def location(where: Any) -> tuple[str, str] | None:
    """Country and state, if they suffice to find the tax."""
    country = ((where or {}).get("country") or "").upper()
    state = ((where or {}).get("state") or "").upper() if country in BY_STATE else ""
    if len(country) != 2 or (country in BY_STATE and len(state) != 2):
        return None
    return country, state


def rule_for(sandbox: Sandbox, customer: Object) -> Rule | None:
    """None if the address doesn't suffice."""
    where = location(customer.get("address"))
    if where is None:
        return None
    country, state = where
    if customer["tax_exempt"] == "exempt":
        return Rule(country, state, Decimal(0), "customer_exempt")
    if customer["tax_exempt"] == "reverse" or _is_reversed(sandbox, customer, country):
        return Rule(country, state, Decimal(0), "reverse_charge")
    rate = EUROPE.get(country) or ELSEWHERE.get(country) or STATES.get((country, state))
    return Rule(country, state, Decimal(rate or 0), "standard_rated" if rate else "not_collecting")


def _is_reversed(sandbox: Sandbox, customer: Object, country: str) -> bool:
    """Businesses of the other countries of the Union account for it themselves."""
    return (
        country in EUROPE
        and country != HOME
        and (customer.get("_vat") or tax_ids.is_verified(sandbox, customer, "eu_vat"))
    )


def on(sandbox: Sandbox, rule: Rule, amount: int, currency: str, behavior: str) -> Object:
    """The tax on an amount, as lines of invoices have it."""
    if behavior == "inclusive":
        share = Fraction(rule.percentage) / Fraction(100 + rule.percentage)
        tax = rounded(amount * share, currency=currency)
    else:
        tax = rounded(amount * rule.percentage, 100, currency=currency)
    return {
        "amount": tax,
        "tax_behavior": behavior,
        "tax_rate_details": {"tax_rate": rate(sandbox, rule, behavior)["id"]},
        "taxability_reason": rule.reason,
        "taxable_amount": (amount - tax if behavior == "inclusive" else amount) if rule.percentage else 0,
        "type": "tax_rate_details",
    }


@route("GET", "/v1/tax_rates", TaxRateListParams)
def list_rates(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find("tax_rate"), "active", "inclusive"))


def rate(sandbox: Sandbox, rule: Rule, behavior: str) -> Object:
    """Made when it is first needed."""
    name = f"_{rule.country}_{rule.state}_{rule.percentage}_{rule.reason}_{behavior}"
    known = sandbox.find("tax_rate", _name=name)
    if known:
        return known[0]
    made = blank(
        "tax_rate",
        id=sandbox.new_id("txr"),
        _name=name,
        active=False,
        country=rule.country,
        created=sandbox.now(),
        display_name="VAT" if rule.country in EUROPE else "Tax",
        effective_percentage=float(rule.percentage),
        inclusive=behavior == "inclusive",
        jurisdiction=rule.state or rule.country,
        jurisdiction_level="state" if rule.state else "country",
        metadata={},
        percentage=float(rule.percentage),
        rate_type="percentage",
        state=rule.state or None,
        tax_type={"US": "sales_tax", "CA": "hst"}.get(rule.country, "vat"),
    )
    return sandbox.put("tax_rate", made)


@route("GET", "/v1/tax_rates/{id}", TaxRateRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("tax_rate", request["id"])
