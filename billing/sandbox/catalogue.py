"""Products and their prices. A price never changes its amount; who wants another makes another."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from stripe.params import (
    PriceCreateParams,
    PriceListParams,
    PriceRetrieveParams,
    PriceUpdateParams,
    ProductCreateParams,
    ProductListParams,
    ProductRetrieveParams,
    ProductUpdateParams,
)

from billing.sandbox.errors import StripeFault, missing
from billing.sandbox.expanding import included
from billing.sandbox.fields import WHOLE, fill, one_of, plain, rounded
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed

_PRODUCT = (
    "active",
    "description",
    "images",
    "metadata",
    "name",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)
_PRICE = ("active", "metadata", "nickname", "tax_behavior")


def product(sandbox: Sandbox, params: Object) -> Object:
    made = blank(
        "product",
        id=params.get("id") or sandbox.new_id("prod", 10),
        active=True,
        created=sandbox.now(),
        metadata={},
        shippable=None,
        type="service",
        updated=sandbox.now(),
    )
    fill(made, params, _PRODUCT)
    if made["id"] in sandbox.kinds:
        raise StripeFault("Product already exists.", code="resource_already_exists", param="id")
    sandbox.emit("product.created", sandbox.put("product", made))
    return made


@route("POST", "/v1/products", ProductCreateParams)
def create_product(sandbox: Sandbox, request: Request) -> Object:
    made = product(sandbox, request.params)
    if data := request.params.get("default_price_data"):
        first = price(sandbox, {**data, "product": made["id"]})
        made["default_price"] = first["id"]
    return made


@route("GET", "/v1/products/{id}", ProductRetrieveParams)
def retrieve_product(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("product", request["id"])


@route("POST", "/v1/products/{id}", ProductUpdateParams)
def update_product(sandbox: Sandbox, request: Request) -> Object:
    made = sandbox.get("product", request["id"])
    if default := request.params.get("default_price"):
        sandbox.get("price", default, "default_price")
    with changed(sandbox, made, "product.updated"):
        fill(made, request.params, (*_PRODUCT, "default_price"))
        made["updated"] = sandbox.now()
    return made


@route("GET", "/v1/products", ProductListParams)
def list_products(sandbox: Sandbox, request: Request) -> Object:
    found = equal_to(request, sandbox.find("product"), "active")
    if ids := request.params.get("ids"):
        found = [one for one in found if one["id"] in ids]
    return page(request, found)


# --- Prices -----------------------------------------------------------------------------------------------------------


def price(sandbox: Sandbox, params: Object) -> Object:
    """Raises ``StripeFault``."""
    one_of(params, "unit_amount", "unit_amount_decimal", "tiers")
    if "unit_amount" not in params and "unit_amount_decimal" not in params and "tiers" not in params:
        raise missing("unit_amount")
    made = blank(
        "price",
        id=sandbox.new_id("price"),
        _tiers=_tiers(params.get("tiers")),
        active=params.get("active", True),
        billing_scheme=params.get("billing_scheme", "per_unit"),
        created=sandbox.now(),
        currency=params["currency"].lower(),
        product=_product_of(sandbox, params),
        recurring=_recurring(sandbox, params.get("recurring")),
        tiers_mode=params.get("tiers_mode"),
        transform_quantity=params.get("transform_quantity"),
        type="recurring" if params.get("recurring") else "one_time",
        **_amounts(params),
    )
    fill(made, {"tax_behavior": "unspecified", **params}, _PRICE)
    _take_lookup_key(sandbox, made, params)
    sandbox.emit("price.created", sandbox.put("price", made))
    return made


def _product_of(sandbox: Sandbox, params: Object) -> str:
    one_of(params, "product", "product_data")
    if data := params.get("product_data"):
        return str(product(sandbox, data)["id"])
    if "product" not in params:
        raise missing("product")
    return str(sandbox.get("product", params["product"], "product")["id"])


def _amounts(params: Object) -> Object:
    if params.get("tiers"):
        return {"unit_amount": None, "unit_amount_decimal": None}
    if params["currency"].lower() in WHOLE and params.get("unit_amount", 0) % WHOLE[params["currency"].lower()]:
        raise StripeFault("The amount must be evenly divisible by 100 in this currency.", param="unit_amount")
    exact = Decimal(params["unit_amount_decimal"] if "unit_amount_decimal" in params else params["unit_amount"])
    whole = int(exact) if exact == exact.to_integral_value() else None
    return {"unit_amount": whole, "unit_amount_decimal": f"{exact.normalize():f}"}


def _recurring(sandbox: Sandbox, sent: Any) -> Object | None:
    if not sent:
        return None
    usual = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed"}
    made = {**usual, **sent}
    if (made["usage_type"] == "metered") != bool(made["meter"]):
        raise StripeFault("A metered price has a meter, and only such a price.", param="recurring[meter]")
    if made["meter"]:
        sandbox.get("billing.meter", made["meter"], "recurring[meter]")
    return made


def _tiers(sent: Any) -> list[Object] | None:
    usual = dict.fromkeys(("flat_amount", "flat_amount_decimal", "unit_amount", "unit_amount_decimal"))
    made = [{**usual, **plain(tier), "up_to": None if tier["up_to"] == "inf" else tier["up_to"]} for tier in sent or ()]
    return made or None


def _take_lookup_key(sandbox: Sandbox, made: Object, params: Object) -> None:
    """One price at a time has a key."""
    if not (key := params.get("lookup_key")):
        return
    for other in sandbox.find("price", lookup_key=key):
        if other["id"] != made["id"] and not params.get("transfer_lookup_key"):
            raise StripeFault(f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key")
        if other["id"] != made["id"]:
            with changed(sandbox, other, "price.updated"):
                other["lookup_key"] = None
    made["lookup_key"] = key


@route("POST", "/v1/prices", PriceCreateParams)
def create_price(sandbox: Sandbox, request: Request) -> Object:
    return price(sandbox, request.params)


@route("GET", "/v1/prices/{id}", PriceRetrieveParams)
def retrieve_price(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("price", request["id"])


@route("POST", "/v1/prices/{id}", PriceUpdateParams)
def update_price(sandbox: Sandbox, request: Request) -> Object:
    made = sandbox.get("price", request["id"])
    with changed(sandbox, made, "price.updated"):
        fill(made, request.params, _PRICE)
        _take_lookup_key(sandbox, made, request.params)
    return made


@route("GET", "/v1/prices", PriceListParams)
def list_prices(sandbox: Sandbox, request: Request) -> Object:
    found = equal_to(request, sandbox.find("price"), "active", "currency", "product", "type")
    if keys := request.params.get("lookup_keys"):
        found = [one for one in found if one["lookup_key"] in keys]
    return page(request, found)


@included("price", "tiers")
def _shown_tiers(sandbox: Sandbox, made: Object) -> list[Object] | None:
    tiers: list[Object] | None = sandbox.get("price", made["id"])["_tiers"]
    return tiers


def amount_of(made: Object, quantity: int) -> Decimal:
    """What so many of it cost, not rounded yet."""
    if made["_tiers"]:
        return _tiered(made, quantity)
    if by := made["transform_quantity"]:
        whole, rest = divmod(quantity, by["divide_by"])
        quantity = whole + (by["round"] == "up" and rest > 0)
    return Decimal(made["unit_amount_decimal"]) * quantity


def _tiered(made: Object, quantity: int) -> Decimal:
    """Graduated: each tier for what falls into it. By volume: all of it at the tier that it ends in."""
    total, below = Decimal(0), 0
    for tier in made["_tiers"]:
        unit = Decimal(tier["unit_amount_decimal"] or tier["unit_amount"] or 0)
        flat = Decimal(tier["flat_amount_decimal"] or tier["flat_amount"] or 0)
        last = tier["up_to"] is None or quantity <= tier["up_to"]
        if made["tiers_mode"] == "volume":
            if last:
                return unit * quantity + flat
            continue
        top = quantity if last else tier["up_to"]
        total += unit * (top - below) + flat
        if last:
            break
        below = top
    return total


def whole_amount(made: Object, quantity: int) -> int:
    return rounded(amount_of(made, quantity), currency=made["currency"])
