"""Checkout sessions: ``/v1/checkout/sessions``. What the buyer does with one is in ``buying.py``."""

from __future__ import annotations

from urllib.parse import urlsplit

from stripe.params.checkout import (
    SessionCreateParams,
    SessionExpireParams,
    SessionLineItemListParams,
    SessionListParams,
    SessionRetrieveParams,
    SessionUpdateParams,
)

from billing.sandbox import catalogue, customers, quotes
from billing.sandbox.clock import DAY
from billing.sandbox.errors import StripeFault, missing
from billing.sandbox.expanding import included
from billing.sandbox.fields import fill, one_of
from billing.sandbox.jobs import job
from billing.sandbox.lists import equal_to, listed, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, refuse

KIND = "checkout.session"
SHORTEST, LONGEST = 30 * 60, DAY
MOST = 999_999
"""Of one item, where the buyer may say how many."""
MANAGED = ("automatic_tax", "billing_address_collection", "customer_update", "tax_id_collection")
"""What is not asked for where Stripe is the merchant of record."""
DEBITS = {"usd": "us_bank_account", "eur": "sepa_debit"}


@route("POST", "/v1/checkout/sessions", SessionCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    customer = _customer_of(sandbox, params)
    _check(params, customer)
    items = [_item(sandbox, data, number) for number, data in enumerate(params.get("line_items", ()))]
    currency = _currency_of(sandbox, items)
    identifier = sandbox.new_id("cs_test", 56)
    session = blank(
        KIND,
        id=identifier,
        automatic_tax=_automatic_tax(params),
        created=sandbox.now(params.get("customer")),
        currency=currency,
        custom_text=dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance"), None),
        expires_at=_expiry(sandbox, params),
        mode="subscription",
        payment_method_types=["card", *([DEBITS[currency]] if currency in DEBITS else [])],
        payment_status="unpaid",
        status="open",
        ui_mode="hosted_page",
        url=f"{sandbox.base}/c/pay/{identifier}",
        _items=items,
        _discounts=params.get("discounts", []),
        _update={"address": "auto", "name": "auto"} if _is_managed(params) else params.get("customer_update", {}),
        managed_payments={"enabled": _is_managed(params)},
        _subscription=params.get("subscription_data", {}),
        _typed={},
        **_told(params, customer),
    )
    quotes.refresh(sandbox, session)
    sandbox.put(KIND, session)
    sandbox.wake(session["expires_at"], "checkout_expiry", identifier)
    return session


def _told(params: Object, customer: Object | None) -> Object:
    """What stands in the session as it was sent."""
    made: Object = {"metadata": {}, "payment_method_collection": "always", "tax_id_collection": {"enabled": False}}
    names = ("allow_promotion_codes", "cancel_url", "client_reference_id", "customer", "customer_email", "locale")
    fill(made, params, (*names, "metadata", "success_url", "payment_method_collection"))
    made["billing_address_collection"] = params.get("billing_address_collection")
    made["customer_creation"] = None if customer else "always"
    made["customer_details"] = _details(customer, params)
    made["tax_id_collection"] = {"required": "never", "enabled": False, **params.get("tax_id_collection", {})}
    return made


def _details(customer: Object | None, params: Object) -> Object:
    known = customer or {}
    return {
        "address": known.get("address"),
        "business_name": known.get("business_name"),
        "email": known.get("email") or params.get("customer_email"),
        "individual_name": known.get("individual_name"),
        "name": known.get("name"),
        "phone": known.get("phone"),
        "tax_exempt": known.get("tax_exempt", "none"),
        "tax_ids": None,
    }


def _customer_of(sandbox: Sandbox, params: Object) -> Object | None:
    one_of(params, "customer", "customer_email")
    return customers.living(sandbox, params["customer"], "customer") if "customer" in params else None


def _check(params: Object, customer: Object | None) -> None:
    """What fits together; raises ``StripeFault``."""
    if params.get("mode", "payment") != "subscription" or params.get("ui_mode", "hosted_page") != "hosted_page":
        raise refuse("This sandbox has hosted sessions with mode=subscription, and no others.", param="mode")
    _check_addresses(params)
    one_of(params, "allow_promotion_codes", "discounts")
    if _is_managed(params):
        _check_managed(params)
    elif customer is not None:
        _check_update(params, customer)
    elif "customer_update" in params:
        raise refuse("`customer_update` can only be used with `customer`.", param="customer_update")


def _check_addresses(params: Object) -> None:
    for name in ("line_items", "success_url"):
        if not params.get(name):
            raise missing(name)
    if "billing_cycle_anchor" in params.get("subscription_data", {}):
        raise refuse("This sandbox begins periods at once.", param="subscription_data[billing_cycle_anchor]")
    for name in ("success_url", "cancel_url"):
        if urlsplit(params.get(name, "https://x")).scheme not in {"http", "https"}:
            raise refuse("Not a valid URL", code="url_invalid", param=name)


def _check_managed(params: Object) -> None:
    if strange := [name for name in MANAGED if name in params]:
        raise refuse(f"`{strange[0]}` can't be used with `managed_payments`.", param=strange[0])


def _check_update(params: Object, customer: Object) -> None:
    """For a customer who is known, it must be said that what is typed may be written down."""
    update = params.get("customer_update", {})
    if params.get("tax_id_collection", {}).get("enabled") and update.get("name") != "auto":
        raise refuse(
            "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an "
            "existing customer, please set `customer_update[name]` to `auto`.",
            param="customer_update[name]",
        )
    if params.get("automatic_tax", {}).get("enabled") and update.get("address") != "auto" and not customer["address"]:
        raise refuse(
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to "
            "the Customer or set `customer_update[address]` to 'auto'.",
            code="customer_tax_location_invalid",
            param="automatic_tax",
        )


def _item(sandbox: Sandbox, data: Object, number: int) -> Object:
    at = f"line_items[{number}]"
    one_of(data, "price", "price_data")
    if not (data.get("price") or data.get("price_data")):
        raise missing(f"{at}[price]")
    price = (
        sandbox.get("price", data["price"], f"{at}[price]")
        if data.get("price")
        else catalogue.price(sandbox, data["price_data"])
    )
    if not price["active"]:
        raise refuse("The price specified is inactive. This field only accepts active prices.", param=f"{at}[price]")
    if not _is_metered(price) and "quantity" not in data:
        raise missing(f"{at}[quantity]")
    return {
        "id": sandbox.new_id("li"),
        "price": price["id"],
        "quantity": None if _is_metered(price) else data["quantity"],
        "adjustable": _adjustable(data.get("adjustable_quantity")),
        "metadata": data.get("metadata", {}),
    }


def _is_metered(price: Object) -> bool:
    return bool(price["recurring"]) and price["recurring"]["usage_type"] == "metered"


def _adjustable(sent: Object | None) -> Object | None:
    return {"enabled": True, "minimum": 0, "maximum": 99, **sent} if sent and sent["enabled"] else None


def _currency_of(sandbox: Sandbox, items: list[Object]) -> str:
    prices = [sandbox.get("price", item["price"]) for item in items]
    if not all(price["recurring"] for price in prices):
        raise refuse("This sandbox sells what recurs, in `subscription` mode, and nothing else.", param="line_items")
    if len(currencies := {price["currency"] for price in prices}) > 1:
        raise refuse("All prices of a session must have the same currency.", param="line_items")
    if len({(p["recurring"]["interval"], p["recurring"]["interval_count"]) for p in prices}) > 1:
        raise refuse("Checkout does not support multiple prices with different billing intervals.", param="line_items")
    return str(currencies.pop())


def _is_managed(params: Object) -> bool:
    """Stripe sells in its own name, and sees to the tax itself."""
    return bool(params.get("managed_payments", {}).get("enabled"))


def _automatic_tax(params: Object) -> Object:
    managed = _is_managed(params)
    enabled = managed or params.get("automatic_tax", {}).get("enabled", False)
    return {
        "enabled": enabled,
        "liability": {"account": None, "type": "self"} if enabled and not managed else None,
        "provider": "stripe" if enabled else None,
        "status": None,
    }


def _expiry(sandbox: Sandbox, params: Object) -> int:
    now = sandbox.now(params.get("customer"))
    wanted = params.get("expires_at", now + LONGEST)
    if not now + SHORTEST <= wanted <= now + LONGEST:
        raise refuse("The `expires_at` timestamp must be from 30 minutes to 24 hours from now.", param="expires_at")
    return int(wanted)


@route("GET", "/v1/checkout/sessions", SessionListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    found = equal_to(request, sandbox.find(KIND), "customer", "status", "subscription", "payment_intent")
    if details := request.params.get("customer_details"):
        found = [one for one in found if one["customer_details"]["email"] == details["email"]]
    return page(request, found)


@route("GET", "/v1/checkout/sessions/{id}", SessionRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get(KIND, request["id"])


@route("POST", "/v1/checkout/sessions/{id}", SessionUpdateParams)
def update(sandbox: Sandbox, request: Request) -> Object:
    """Only the metadata."""
    session = sandbox.get(KIND, request["id"])
    if others := request.params.keys() - {"metadata"}:
        raise refuse("Of a hosted session only the metadata can be changed.", param=min(others))
    fill(session, request.params, ("metadata",))
    return session


@route("GET", "/v1/checkout/sessions/{id}/line_items", SessionLineItemListParams)
def line_items(sandbox: Sandbox, request: Request) -> Object:
    return page(request, quotes.line_items(sandbox, sandbox.get(KIND, request["id"])), newest_first=False)


@included(KIND, "line_items")
def _line_items(sandbox: Sandbox, shown: Object) -> Object:
    session = sandbox.get(KIND, shown["id"])
    return listed(quotes.line_items(sandbox, session), f"/v1/checkout/sessions/{session['id']}/line_items")


@route("POST", "/v1/checkout/sessions/{id}/expire", SessionExpireParams)
def expire(sandbox: Sandbox, request: Request) -> Object:
    session = sandbox.get(KIND, request["id"])
    if session["status"] != "open":
        raise StripeFault(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {session["status"]}.'
        )
    return close(sandbox, session)


@job("checkout_expiry")
def _expire(sandbox: Sandbox, identifier: str) -> None:
    session = sandbox.get(KIND, identifier)
    if session["status"] == "open" and session["expires_at"] <= sandbox.now(session["customer"]):
        close(sandbox, session)


def close(sandbox: Sandbox, session: Object) -> Object:
    """Nobody can pay it any more."""
    session["status"], session["url"] = "expired", None
    sandbox.emit("checkout.session.expired", session)
    return session
