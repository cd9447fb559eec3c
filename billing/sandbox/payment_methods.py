"""Ways to pay. What happens when one is charged is written in it (``_does``), as Stripe's test tokens have it."""

from __future__ import annotations

from stripe.params import (
    CustomerListPaymentMethodsParams,
    PaymentMethodAttachParams,
    PaymentMethodDetachParams,
    PaymentMethodListParams,
    PaymentMethodRetrieveParams,
    SetupIntentCreateParams,
    SetupIntentRetrieveParams,
)

from billing.sandbox.errors import StripeFault
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed

SUCCEED, AUTHENTICATE, DEBIT, DEBIT_FAILS = "succeed", "authenticate", "debit", "debit_fails"
"""Anything else that a method does is the code with which it declines."""

TOKENS: dict[str, tuple[str, str, str, str]] = {
    "pm_card_visa": ("card", "visa", "4242", SUCCEED),
    "pm_card_mastercard": ("card", "mastercard", "4444", SUCCEED),
    "pm_card_chargeCustomerFail": ("card", "visa", "0341", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card", "visa", "9995", "insufficient_funds"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card", "visa", "9995", "insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": ("card", "visa", "0069", "expired_card"),
    "pm_card_authenticationRequired": ("card", "visa", "3184", AUTHENTICATE),
    "pm_card_threeDSecure2Required": ("card", "visa", "3220", AUTHENTICATE),
    "pm_usBankAccount": ("us_bank_account", "STRIPE TEST BANK", "6789", DEBIT),
    "pm_usBankAccount_insufficientFunds": ("us_bank_account", "STRIPE TEST BANK", "2227", DEBIT_FAILS),
    "pm_sepaDebit": ("sepa_debit", "DE", "3000", DEBIT),
}
REFUSED = frozenset({"pm_card_chargeDeclined"})
"""Not even attached."""


def make(sandbox: Sandbox, token: str, customer: str | None = None) -> Object:
    """A method as this token describes it; raises ``StripeFault``."""
    if token in REFUSED:
        raise declined("generic_decline")
    if token not in TOKENS:
        return sandbox.get("payment_method", token, "payment_method")
    kind, brand, last4, does = TOKENS[token]
    method = blank(
        "payment_method",
        id=sandbox.new_id("pm"),
        _does=does,
        allow_redisplay="always",
        billing_details={"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        created=sandbox.now(customer),
        customer=None,
        metadata={},
        type=kind,
    )
    for other in _KINDS:
        method.pop(other, None)
    method[kind] = {"card": _card, "us_bank_account": _bank, "sepa_debit": _debit}[kind](brand, last4)
    return sandbox.put("payment_method", method)


def _card(brand: str, last4: str) -> Object:
    return {
        "brand": brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": brand,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"sandbox{last4}",
        "funding": "credit",
        "generated_from": None,
        "last4": last4,
        "networks": {"available": [brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _bank(brand: str, last4: str) -> Object:
    told = dict.fromkeys(("financial_connections_account", "networks", "status_details"))
    names = {"account_holder_type": "company", "account_type": "checking", "bank_name": brand}
    return {**told, **names, "fingerprint": f"sandbox{last4}", "last4": last4, "routing_number": "110000000"}


def _debit(brand: str, last4: str) -> Object:
    told = dict.fromkeys(("bank_code", "branch_code", "generated_from"))
    return {**told, "country": brand, "fingerprint": f"sandbox{last4}", "last4": last4}


_OF_ALL = frozenset(
    {
        *("allow_redisplay", "billing_details", "created", "custom", "customer", "customer_account", "id", "livemode"),
        *("metadata", "object", "radar_options", "type"),
    }
)
_KINDS = frozenset(blank("payment_method")) - _OF_ALL
"""Of these only the one is there that the method is of."""


def attach(sandbox: Sandbox, token: str, customer: str) -> Object:
    """To the customer; a test token makes a new method each time."""
    method = make(sandbox, token, customer)
    if method["customer"] not in {None, customer}:
        raise StripeFault("The payment method you provided has already been attached to a customer.", param="customer")
    if method["customer"] is None:
        method["customer"] = customer
        sandbox.emit("payment_method.attached", method)
    return method


def declined(code: str, more: Object | None = None) -> StripeFault:
    """As a card is refused: some reasons are codes of their own, the others are kinds of ``card_declined``."""
    own = {"expired_card", "incorrect_cvc", "processing_error", "authentication_required"}
    told = {"decline_code": code, **(more or {})}
    return StripeFault(
        "Your card was declined." if code not in own else f"Your card was declined: {code.replace('_', ' ')}.",
        status=402,
        kind="card_error",
        code=code if code in own else "card_declined",
        more=told,
    )


def refusal(does: str) -> StripeFault:
    """Of a payment that was foreseen not to succeed."""
    if does == "missing":
        words = "This customer has no attached payment source or default payment method."
        return StripeFault(words, code="resource_missing")
    return declined("authentication_required" if does == AUTHENTICATE else does)


def of_customer(sandbox: Sandbox, customer: Object, *, explicit: str | None = None) -> Object | None:
    """The one to charge: the one named, or the customer's usual one."""
    usual = explicit or (customer.get("invoice_settings") or {}).get("default_payment_method")
    return sandbox.get("payment_method", usual, "payment_method") if usual else None


# --- The API ----------------------------------------------------------------------------------------------------------


@route("POST", "/v1/payment_methods/{id}/attach", PaymentMethodAttachParams)
def post_attach(sandbox: Sandbox, request: Request) -> Object:
    customer = request.params.get("customer", "")
    if sandbox.get("customer", customer, "customer").get("deleted"):
        raise StripeFault(f"No such customer: '{customer}'", code="resource_missing", param="customer")
    return attach(sandbox, request["id"], customer)


@route("POST", "/v1/payment_methods/{id}/detach", PaymentMethodDetachParams)
def detach(sandbox: Sandbox, request: Request) -> Object:
    method = sandbox.get("payment_method", request["id"])
    customer = sandbox.get("customer", method["customer"] or "", "customer")
    with changed(sandbox, method, "payment_method.detached"):
        method["customer"] = None
    if (customer.get("invoice_settings") or {}).get("default_payment_method") == method["id"]:
        with changed(sandbox, customer, "customer.updated"):
            customer["invoice_settings"]["default_payment_method"] = None
    return method


@route("GET", "/v1/payment_methods/{id}", PaymentMethodRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("payment_method", request["id"])


@route("GET", "/v1/payment_methods", PaymentMethodListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find("payment_method"), "customer", "type"))


@route("GET", "/v1/customers/{id}/payment_methods", CustomerListPaymentMethodsParams)
def of(sandbox: Sandbox, request: Request) -> Object:
    sandbox.get("customer", request["id"])
    return page(request, equal_to(request, sandbox.find("payment_method", customer=request["id"]), "type"))


@route("POST", "/v1/setup_intents", SetupIntentCreateParams)
def create_setup_intent(sandbox: Sandbox, request: Request) -> Object:
    """With ``confirm`` the method is kept for later at once; the other ways need a page, which is Checkout's."""
    params = request.params
    identifier = sandbox.new_id("seti")
    intent = blank(
        "setup_intent",
        id=identifier,
        client_secret=f"{identifier}_secret_{sandbox.new_id('s')}",
        created=sandbox.now(params.get("customer")),
        customer=params.get("customer"),
        metadata=params.get("metadata") or {},
        payment_method_types=params.get("payment_method_types", ["card"]),
        status="requires_payment_method",
        usage=params.get("usage", "off_session"),
    )
    if token := params.get("payment_method"):
        given = attach(sandbox, token, params["customer"]) if params.get("customer") else make(sandbox, token)
        intent["payment_method"] = given["id"]
        intent["status"] = "succeeded" if params.get("confirm") else "requires_confirmation"
    sandbox.emit("setup_intent.created", sandbox.put("setup_intent", intent))
    if intent["status"] == "succeeded":
        sandbox.emit("setup_intent.succeeded", intent)
    return intent


@route("GET", "/v1/setup_intents/{id}", SetupIntentRetrieveParams)
def retrieve_setup_intent(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("setup_intent", request["id"])
