"""Customers, and their credit with us."""

from __future__ import annotations

from stripe.params import (
    CustomerBalanceTransactionCreateParams,
    CustomerBalanceTransactionListParams,
    CustomerCreateParams,
    CustomerDeleteParams,
    CustomerListParams,
    CustomerRetrieveParams,
    CustomerUpdateParams,
)

from billing.sandbox import payment_methods, tax, tax_ids
from billing.sandbox.errors import StripeFault, no_such
from billing.sandbox.expanding import included
from billing.sandbox.fields import address, fill
from billing.sandbox.lists import equal_to, listed, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed

_SIMPLE = ("business_name", "description", "email", "individual_name", "metadata", "name", "phone", "preferred_locales")


@route("POST", "/v1/customers", CustomerCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    clock = params.get("test_clock") or None
    if clock:
        sandbox.get("test_helpers.test_clock", clock, "test_clock")
    customer = blank(
        "customer",
        id=sandbox.new_id("cus", 10),
        balance=0,
        delinquent=False,
        invoice_prefix=f"FH{sandbox.random.randrange(36**4):06d}",
        next_invoice_sequence=1,
        metadata={},
        preferred_locales=[],
        tax_exempt=params.get("tax_exempt") or "none",
        invoice_settings=dict.fromkeys(("custom_fields", "default_payment_method", "footer", "rendering_options")),
        test_clock=clock,
    )
    _take(sandbox, customer, params)
    sandbox.put("customer", customer)
    customer["created"] = sandbox.now(customer["id"])
    if token := params.get("payment_method"):
        method = payment_methods.attach(sandbox, token, customer["id"])
        if customer["invoice_settings"]["default_payment_method"]:
            customer["invoice_settings"]["default_payment_method"] = method["id"]
    sandbox.emit("customer.created", customer)
    for data in params.get("tax_id_data", ()):
        tax_ids.enter(sandbox, customer, data)
    if params.get("balance"):
        credit(sandbox, customer, params["balance"], "usd", type="adjustment")
    return customer


def _take(sandbox: Sandbox, customer: Object, params: Object) -> None:
    """Raises ``StripeFault`` before anything is changed."""
    where = address(params["address"]) if "address" in params else customer.get("address")
    if params.get("tax", {}).get("validate_location") == "immediately" and tax.location(where) is None:
        raise StripeFault(
            "The customer's location isn't recognized. Set a valid customer address in order to calculate tax.",
            code="customer_tax_location_invalid",
            param="address",
        )
    settings = params.get("invoice_settings", {})
    default = settings.get("default_payment_method")
    if default and not default.startswith("pm_card"):
        sandbox.get("payment_method", default, "invoice_settings[default_payment_method]")
    fill(customer, params, _SIMPLE)
    fill(customer["invoice_settings"], settings, ("custom_fields", "default_payment_method", "footer"))
    customer["address"] = where
    if "shipping" in params:
        customer["shipping"] = _shipping(params["shipping"])
    if params.get("tax_exempt"):
        customer["tax_exempt"] = params["tax_exempt"]


def _shipping(sent: Object | str) -> Object | None:
    if not isinstance(sent, dict):
        return None
    told = dict.fromkeys(("carrier", "name", "phone", "tracking_number"))
    return {**told, **sent, "address": address(sent["address"])}


@route("GET", "/v1/customers/{id}", CustomerRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("customer", request["id"])


def living(sandbox: Sandbox, identifier: str, param: str = "id") -> Object:
    """A customer that was not deleted; raises ``StripeFault``."""
    customer = sandbox.get("customer", identifier, param)
    if customer.get("deleted"):
        fault = no_such("customer", identifier, param)
        fault.status = 404 if param == "id" else 400
        raise fault
    return customer


@route("POST", "/v1/customers/{id}", CustomerUpdateParams)
def update(sandbox: Sandbox, request: Request) -> Object:
    customer = living(sandbox, request["id"])
    with changed(sandbox, customer, "customer.updated"):
        _take(sandbox, customer, request.params)
    if "balance" in request.params:
        by = request.params["balance"] - customer["balance"]
        credit(sandbox, customer, by, customer["currency"] or "usd", type="adjustment")
    return customer


@route("DELETE", "/v1/customers/{id}", CustomerDeleteParams)
def delete(sandbox: Sandbox, request: Request) -> Object:
    return remove(sandbox, living(sandbox, request["id"]))


def remove(sandbox: Sandbox, customer: Object) -> Object:
    """Its subscriptions end at once; its invoices stay."""
    for ending in ENDINGS:
        ending(sandbox, customer)
    sandbox.emit("customer.deleted", customer)
    gone = {"id": customer["id"], "object": "customer", "deleted": True, "test_clock": customer["test_clock"]}
    customer.clear()
    customer.update(gone)
    return {name: value for name, value in gone.items() if name != "test_clock"}


@route("GET", "/v1/customers", CustomerListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    alive = [customer for customer in sandbox.find("customer") if not customer.get("deleted")]
    return page(request, equal_to(request, alive, "email", "test_clock"))


# --- Credit -----------------------------------------------------------------------------------------------------------


def credit(sandbox: Sandbox, customer: Object, amount: int, currency: str, **fields: object) -> Object:
    """Change what the customer owes beside the invoices: a negative amount is credit. ``type`` says why."""
    if customer["currency"] not in {None, currency}:
        raise StripeFault(f"The customer pays in {customer['currency']}, not in {currency}.", param="currency")
    with changed(sandbox, customer, "customer.updated"):
        customer["currency"] = currency
        customer["balance"] += amount
    transaction = blank(
        "customer_balance_transaction",
        id=sandbox.new_id("cbtxn", 10),
        amount=amount,
        created=sandbox.now(customer["id"]),
        currency=currency,
        customer=customer["id"],
        ending_balance=customer["balance"],
        metadata={},
    )
    transaction.update(fields)
    return sandbox.put("customer_balance_transaction", transaction)


@route("POST", "/v1/customers/{id}/balance_transactions", CustomerBalanceTransactionCreateParams)
def create_credit(sandbox: Sandbox, request: Request) -> Object:
    customer, params = living(sandbox, request["id"]), request.params
    told = {"description": params.get("description") or None, "metadata": params.get("metadata") or {}}
    return credit(sandbox, customer, params["amount"], params["currency"], type="adjustment", **told)


@route("GET", "/v1/customers/{id}/balance_transactions", CustomerBalanceTransactionListParams)
def list_credit(sandbox: Sandbox, request: Request) -> Object:
    sandbox.get("customer", request["id"])
    found = sandbox.find("customer_balance_transaction", customer=request["id"])
    return page(request, equal_to(request, found, "invoice"))


# --- What is shown on demand, and what ends with a customer ----------------------------------------------------------

ENDINGS = [tax_ids.forget_all]
"""What happens to the rest when a customer is deleted; subscriptions enter themselves."""


@included("customer", "tax")
def _tax(sandbox: Sandbox, customer: Object) -> Object:
    where = tax.location(customer.get("address"))
    return {
        "automatic_tax": "supported" if where else "unrecognized_location",
        "ip_address": None,
        "location": {"country": where[0], "state": where[1] or None, "source": "billing_address"} if where else None,
        "provider": "stripe",
    }


@included("customer", "tax_ids")
def _tax_ids(sandbox: Sandbox, customer: Object) -> Object:
    url = f"/v1/customers/{customer['id']}/tax_ids"
    return listed(sandbox.find("tax_id", customer=customer["id"]), url)


@included("customer", "subscriptions")
def _subscriptions(sandbox: Sandbox, customer: Object) -> Object:
    found = sandbox.find("subscription", customer=customer["id"])
    return listed([sub for sub in found if sub["status"] != "canceled"], "/v1/subscriptions")
