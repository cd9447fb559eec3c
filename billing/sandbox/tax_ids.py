"""Customers' tax ids. A number that ends in ``111111111`` can't be verified, one in ``222222222`` stays pending."""

from __future__ import annotations

import re

from stripe.params import (
    CustomerTaxIdCreateParams,
    CustomerTaxIdDeleteParams,
    CustomerTaxIdListParams,
    CustomerTaxIdRetrieveParams,
)

from billing.sandbox.errors import StripeFault, no_such
from billing.sandbox.lists import page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed

VERIFIED_TYPES = frozenset({"au_abn", "eu_vat", "gb_vat"})
_LOOKS = {
    "eu_vat": re.compile(
        r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)\w{8,12}"
    ),
    "gb_vat": re.compile(r"GB\w{9,12}"),
    "au_abn": re.compile(r"\d{11}"),
    "us_ein": re.compile(r"\d{2}-\d{7}"),
}


def enter(sandbox: Sandbox, customer: Object, data: Object) -> Object:
    kind, value = data["type"], checked(data["type"], data["value"])
    tax_id = blank(
        "tax_id",
        id=sandbox.new_id("txi", 10),
        country=_country(kind, value),
        created=sandbox.now(customer["id"]),
        customer=customer["id"],
        owner={"type": "customer", "customer": customer["id"], "account": None, "application": None},
        type=kind,
        value=value,
        verification={"status": "pending", "verified_address": None, "verified_name": None},
    )
    sandbox.emit("customer.tax_id.created", sandbox.put("tax_id", tax_id))
    if (found := verdict(kind, value)) != "pending":
        verify(sandbox, tax_id, found)
    return tax_id


def checked(kind: str, value: str) -> str:
    """In capitals, without spaces and dots; raises ``StripeFault`` if no number of this kind looks so."""
    tidy = re.sub(r"[ .]", "", value).upper()
    if (looks := _LOOKS.get(kind)) and not looks.fullmatch(tidy):
        raise StripeFault(f"Invalid value for {kind}.", code="tax_id_invalid", param="value")
    return tidy


def verdict(kind: str, value: str) -> str:
    """What the authority will say of it at once."""
    if kind not in VERIFIED_TYPES:
        return "unavailable"
    if value.endswith("222222222"):
        return "pending"
    return "unverified" if value.endswith("111111111") else "verified"


def verify(sandbox: Sandbox, tax_id: Object, status: str) -> None:
    """What the authority says of the number, now or later."""
    with changed(sandbox, tax_id, "customer.tax_id.updated"):
        known = status == "verified"
        customer = sandbox.get("customer", tax_id["customer"])
        name = (customer.get("business_name") or customer.get("name") or "").upper() if known else ""
        tax_id["verification"] = {"status": status, "verified_address": None, "verified_name": name or None}


def is_verified(sandbox: Sandbox, customer: Object, kind: str) -> bool:
    among = sandbox.find("tax_id", customer=customer["id"], type=kind)
    return any(tax_id["verification"]["status"] == "verified" for tax_id in among)


def forget_all(sandbox: Sandbox, customer: Object) -> None:
    for tax_id in sandbox.find("tax_id", customer=customer["id"]):
        sandbox.emit("customer.tax_id.deleted", tax_id)
        sandbox.forget("tax_id", tax_id["id"])


def _country(kind: str, value: str) -> str:
    if kind == "eu_vat":
        return {"EL": "GR", "XI": "GB"}.get(value[:2], value[:2])
    return kind[:2].upper()


def _of(sandbox: Sandbox, request: Request) -> Object:
    tax_id = sandbox.get("tax_id", request["tax_id"])
    if tax_id["customer"] != request["id"]:
        raise no_such("tax id", request["tax_id"])
    return tax_id


@route("POST", "/v1/customers/{id}/tax_ids", CustomerTaxIdCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    return enter(sandbox, sandbox.get("customer", request["id"]), request.params)


@route("GET", "/v1/customers/{id}/tax_ids", CustomerTaxIdListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    sandbox.get("customer", request["id"])
    return page(request, sandbox.find("tax_id", customer=request["id"]))


@route("GET", "/v1/customers/{id}/tax_ids/{tax_id}", CustomerTaxIdRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return _of(sandbox, request)


@route("DELETE", "/v1/customers/{id}/tax_ids/{tax_id}", CustomerTaxIdDeleteParams)
def delete(sandbox: Sandbox, request: Request) -> Object:
    tax_id = _of(sandbox, request)
    sandbox.emit("customer.tax_id.deleted", tax_id)
    sandbox.forget("tax_id", tax_id["id"])
    return {"id": tax_id["id"], "object": "tax_id", "deleted": True}
